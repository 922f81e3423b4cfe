"""The posts that were predicted last."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from sentiserve.api import unchanged
from sentiserve.api.dependencies import STRICT, PartsDep, SettingsDep
from sentiserve.api.problems import responses
from sentiserve.api.schemas.inference import RecentOut, RecentsOut

router = APIRouter(prefix="/v1", tags=["inference"], dependencies=STRICT)


@router.get(
    "/posts",
    summary="The newest posts",
    response_model=RecentsOut,
    responses=responses(401, 422, 429, 503),
)
async def recent(
    request: Request,
    parts: PartsDep,
    settings: SettingsDep,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most as many.")] = 20,
) -> Response:
    """The posts that the store was given last, newest first; soon after they were answered."""
    found = await parts.newest.predictions(limit)
    posts = [RecentOut.of_prediction(one, settings.return_text) for one in found]
    return unchanged.document(request, RecentsOut(posts=posts))
