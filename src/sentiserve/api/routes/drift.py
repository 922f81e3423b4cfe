"""Whether posts are still what they were."""

from fastapi import APIRouter

from sentiserve.api.dependencies import STRICT, PartsDep
from sentiserve.api.problems import responses
from sentiserve.api.schemas.drift import DriftOut

router = APIRouter(prefix="/v1", tags=["drift"], dependencies=STRICT)


@router.get("/drift", summary="Drift", responses=responses(401, 422, 429, 503))
async def drift(parts: PartsDep) -> DriftOut:
    """How the newest posts, and the newest true labels, compare with the model's profile."""
    return DriftOut.of(await parts.drift.look())
