"""What routes ask for; coroutines, or FastAPI would take each to a thread and back."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from sentiserve.api.problems import LONGEST_NAME
from sentiserve.build import Parts
from sentiserve.errors import BadInputError
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


async def _no_unknown_query(request: Request) -> None:
    """Refuse a query with a name that the route doesn't know: it may be a known one, misspelt."""
    route: Any = request.scope["route"]
    known = [param.alias for param in route.dependant.query_params]
    if unknown := [name for name in request.query_params if name not in known]:
        names = ", ".join(repr(name[:LONGEST_NAME]) for name in unknown[:10])
        rest = f"it knows {', '.join(known)}" if known else "it takes none"
        raise BadInputError(f"query: this path has no parameter {names}; {rest}")


PLAIN = (Depends(_no_unknown_query),)
STRICT = (*DOCUMENTED, *PLAIN)
