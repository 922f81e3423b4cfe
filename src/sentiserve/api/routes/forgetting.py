"""Forgetting posts, authors and more."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from sentiserve.api.dependencies import STRICT, PartsDep
from sentiserve.api.problems import responses
from sentiserve.api.schemas.forgetting import ForgottenOut
from sentiserve.api.schemas.wire import MAX_NAME
from sentiserve.names import author_named, post_named, prefix_named

router = APIRouter(prefix="/v1", tags=["forgetting"], dependencies=STRICT)

Name = Annotated[str, Path(max_length=MAX_NAME)]


@router.delete(
    "/posts/{platform}/{id:path}", summary="Forget a post", responses=responses(401, 422, 429, 503)
)
async def forget_post(parts: PartsDep, platform: Name, id: Name) -> ForgottenOut:  # noqa: A002  # as the path says
    """Remove what any model said of a post: online, from the history and from all aggregates."""
    return ForgottenOut.of(await parts.forgetting.forget(post_named(platform, id)))


@router.delete(
    "/authors/{platform}/{author}",
    summary="Forget an author",
    responses=responses(401, 422, 429, 503),
)
async def forget_author(parts: PartsDep, platform: Name, author: Name) -> ForgottenOut:
    """Remove all posts of an author, by id or handle, from everywhere."""
    return ForgottenOut.of(await parts.forgetting.forget(author_named(platform, author)))


@router.delete("/features", summary="Forget by prefix", responses=responses(401, 422, 429, 503))
async def forget_prefix(
    parts: PartsDep,
    prefix: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MAX_NAME,
            description="Beginning of PLATFORM/ID, literally: x/ is all of X.",
        ),
    ],
) -> ForgottenOut:
    """Remove all posts whose PLATFORM/ID begins with a text, from everywhere."""
    return ForgottenOut.of(await parts.forgetting.forget(prefix_named(prefix)))
