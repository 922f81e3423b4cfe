"""What routes ask for; coroutines, or FastAPI would take each to a thread and back."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from sentiserve.build import Parts
from sentiserve.metrics import Metrics
from sentiserve.settings import Settings
from sentiserve.timing import Timing


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


async def _timing(request: Request) -> Timing:
    timing: Timing = request.state.timing
    return timing


PartsDep = Annotated[Parts, Depends(_parts)]
SettingsDep = Annotated[Settings, Depends(_settings)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
TimingDep = Annotated[Timing, Depends(_timing)]


class _Documented(SecurityBase):
    """Tells OpenAPI about a scheme, and no more; FastAPI's own refuse what they can't read."""

    def __init__(self, scheme: str) -> None:
        self.model = HTTPBase(scheme=scheme)
        self.scheme_name = f"HTTP{scheme.title()}"

    async def __call__(self) -> None:
        """Credentials decides."""


DOCUMENTED = (Depends(_Documented("bearer")), Depends(_Documented("basic")))
