"""Features of posts, authors and hashtags, as of now."""

from fastapi import APIRouter

from sentiserve.api.dependencies import STRICT, PartsDep
from sentiserve.api.problems import responses
from sentiserve.api.schemas.features import FeaturesIn, FeaturesOut, FeatureVectorOut

router = APIRouter(prefix="/v1", tags=["features"], dependencies=STRICT)


@router.post("/features", summary="Online features", responses=responses(401, 413, 422, 429, 503))
async def get_online_features(body: FeaturesIn, parts: PartsDep) -> FeaturesOut:
    """Features of up to 256 rows of entities; a row that nothing is known of stays."""
    vectors = await parts.features.get_online_features(body.entities, body.features)
    return FeaturesOut(results=[FeatureVectorOut.of(vector) for vector in vectors])
