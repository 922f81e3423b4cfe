"""The model, health and metrics."""

import structlog
from fastapi import APIRouter, Request, Response

from sentiserve.api.dependencies import DOCUMENTED, STRICT, MetricsDep, PartsDep, SettingsDep
from sentiserve.api.problems import responses
from sentiserve.api.schemas.system import HealthOut, LimitsOut, ModelOut
from sentiserve.api.schemas.wire import MAX_INPUTS
from sentiserve.api.siblings import Siblings
from sentiserve.texts import MAX_CHARACTERS

_log = structlog.get_logger(__name__)
router = APIRouter(tags=["system"])


@router.get(
    "/v1/model", summary="The model", responses=responses(401, 422, 429), dependencies=STRICT
)
async def model(parts: PartsDep, settings: SettingsDep) -> ModelOut:
    """Which model answers, what it accepts, and how good it is."""
    limits = LimitsOut(
        max_tokens=parts.model.max_tokens,
        max_characters=MAX_CHARACTERS,
        max_inputs=MAX_INPUTS,
        max_body=settings.max_body,
    )
    return ModelOut.of(parts.model, limits)


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", summary="Liveness")
async def live() -> HealthOut:
    """Whether the process answers at all."""
    return HealthOut(status="live")


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", summary="Readiness", responses={503: {"model": HealthOut}})
async def ready(request: Request, parts: PartsDep, response: Response) -> HealthOut:
    """Whether requests should be sent here; a failing store costs its hits, not readiness."""
    found = await parts.check()
    # The reasons name paths and hosts, and whoever asks here needs no credentials.
    if failing := {name: why for name, why in found.items() if why != "ok"}:
        _log.warning("not all is well", **failing)
    dependencies = {name: "failing" if name in failing else "ok" for name in found}
    if dependencies["model"] == "ok" and not request.app.state.server.is_stopping:
        return HealthOut(status="ready", dependencies=dependencies)
    response.status_code = 503
    return HealthOut(status="unready", dependencies=dependencies)


@router.get("/metrics", summary="Prometheus metrics", dependencies=DOCUMENTED)
async def metrics(request: Request, metrics: MetricsDep) -> Response:
    """Every metric in Prometheus' text format; of several workers with a label for each."""
    siblings: Siblings | None = request.app.state.siblings
    found = await siblings.exposition() if siblings else metrics.exposition()
    return Response(found, media_type="text/plain; version=0.0.4; charset=utf-8")
