"""Sentiment of posts and texts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from sentiserve.api.dependencies import DOCUMENTED, PartsDep, SettingsDep, TimingDep
from sentiserve.api.leaving import unless_left
from sentiserve.api.lists import answer
from sentiserve.api.problems import responses
from sentiserve.api.schemas.inference import SentimentIn, SentimentOut, SentimentsOut
from sentiserve.errors import SentiserveError
from sentiserve.inference import Url

# Not strict: what follows an & in an address that wasn't encoded looks like more parameters.
router = APIRouter(prefix="/v1", tags=["inference"], dependencies=DOCUMENTED)


@router.get(
    "/inference",
    summary="One post by URL",
    responses=responses(401, 403, 404, 410, 422, 429, 502, 503, 504),
)
async def by_url(
    request: Request,
    tweet_url: Annotated[
        str,
        Query(alias="tweetUrl", description="A post's URL on X, Bluesky or Mastodon, or an X id."),
    ],
    parts: PartsDep,
    settings: SettingsDep,
    timing: TimingDep,
) -> SentimentOut:
    """Find the post, and its sentiment; the second time from memory."""
    looked_up = getattr(request.state, "looked_up", False)  # see api/hits.py
    async with unless_left(request):
        (outcome,), taken = await parts.inference.answer([Url(tweet_url)], looked_up=looked_up)
    timing.take(taken)
    if isinstance(outcome, SentiserveError):
        raise outcome
    return SentimentOut.of(outcome, settings.return_text)


@router.post(
    "/sentiment",
    summary="Texts and posts",
    response_model=SentimentsOut,
    responses=responses(401, 413, 422, 429),
)
async def batch(
    request: Request, body: SentimentIn, parts: PartsDep, settings: SettingsDep
) -> dict[str, Any]:
    """Classify up to 256 texts and posts; each gets its own result or its own problem."""
    # Reached by what api/lists.py finds unusual: of another content type, say.
    results = await answer(body.inputs, request, parts.inference, settings.return_text)
    return {"results": results}
