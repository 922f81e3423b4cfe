"""Sentiment by author, by hashtag and over time."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from sentiserve.api.dependencies import STRICT, PartsDep
from sentiserve.api.problems import responses
from sentiserve.api.schemas.aggregates import (
    AuthorOut,
    AuthorsOut,
    HashtagOut,
    HashtagsOut,
    StretchOut,
    TimelineOut,
)
from sentiserve.api.schemas.wire import MAX_NAME
from sentiserve.types import Step

router = APIRouter(prefix="/v1", tags=["aggregates"], dependencies=STRICT)

Limit = Annotated[int, Query(ge=1, le=1000, description="At most as many.")]
Since = Annotated[
    datetime | None, Query(description="Only posts from then on; ISO 8601, UTC if it doesn't say.")
]
Platform = Annotated[str | None, Query(max_length=50, description="Only this platform.")]
Name = Annotated[str, Path(max_length=MAX_NAME)]


@router.get("/authors", summary="The most active authors", responses=responses(401, 422, 429, 503))
async def authors(
    parts: PartsDep, limit: Limit = 20, platform: Platform = None, since: Since = None
) -> AuthorsOut:
    """Counts per label and mean scores of the authors with most posts."""
    found = await parts.aggregates.authors(limit=limit, platform=platform, since=since)
    return AuthorsOut(authors=[AuthorOut.of(aggregate) for aggregate in found])


@router.get(
    "/authors/{platform}/{author}",
    summary="One author",
    responses=responses(401, 404, 422, 429, 503),
)
async def author(parts: PartsDep, platform: Name, author: Name, since: Since = None) -> AuthorOut:
    """Counts per label and mean scores of one author, by id or handle."""
    return AuthorOut.of(await parts.aggregates.author(platform, author, since))


@router.get("/hashtags", summary="The most used hashtags", responses=responses(401, 422, 429, 503))
async def hashtags(parts: PartsDep, limit: Limit = 20, since: Since = None) -> HashtagsOut:
    """Counts per label and mean scores of the hashtags with most posts."""
    found = await parts.aggregates.hashtags(limit=limit, since=since)
    return HashtagsOut(hashtags=[HashtagOut.of(aggregate) for aggregate in found])


@router.get("/hashtags/{tag}", summary="One hashtag", responses=responses(401, 404, 422, 429, 503))
async def hashtag(parts: PartsDep, tag: Name, since: Since = None) -> HashtagOut:
    """Counts per label and mean scores of one hashtag, in any case, with or without #."""
    return HashtagOut.of(await parts.aggregates.hashtag(tag, since))


@router.get("/timeline", summary="Sentiment over time", responses=responses(401, 422, 429, 503))
async def timeline(
    parts: PartsDep,
    hashtag: Annotated[
        str | None, Query(max_length=MAX_NAME, description="Only posts with it; with or without #.")
    ] = None,
    step: Annotated[Step, Query(description="How long a stretch is; days are UTC's.")] = Step.DAY,
    since: Annotated[
        datetime | None,
        Query(description="Stretches from then on; by the hour the last 7 days, if not said."),
    ] = None,
) -> TimelineOut:
    """Posts per label in each hour or day in which posts were seen, at most 10,000 of them."""
    found = await parts.timelines.timeline(step=step, hashtag=hashtag, since=since)
    return TimelineOut(step=step, stretches=[StretchOut.of(stretch) for stretch in found])
