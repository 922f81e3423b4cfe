"""The HTTP service as an ASGI application."""

from typing import Protocol

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sentiserve import __version__
from sentiserve.api import problems
from sentiserve.api.activity import Activity
from sentiserve.api.auth import Credentials
from sentiserve.api.clients import Clients
from sentiserve.api.gate import Gate
from sentiserve.api.hits import Hits
from sentiserve.api.limits import Limits
from sentiserve.api.lists import Lists
from sentiserve.api.routes import activity as activities
from sentiserve.api.routes import (
    aggregates,
    docs,
    drift,
    features,
    feedback,
    figures,
    forgetting,
    inference,
    page,
    posts,
    system,
)
from sentiserve.api.siblings import Siblings
from sentiserve.api.tracing import Tracing
from sentiserve.build import Parts
from sentiserve.metrics import Metrics
from sentiserve.settings import Settings

_ROUTES = (
    *(inference, posts, feedback, aggregates, drift, features, forgetting, activities, system),
    *(docs, page, figures),
)


class Stopping(Protocol):
    """Knows whether the process was told to stop."""

    is_stopping: bool


def create_app(
    parts: Parts,
    settings: Settings,
    metrics: Metrics,
    credentials: Credentials,
    server: Stopping,
    activity: Activity,
    siblings: Siblings | None = None,
    tracing: Tracing | None = None,
) -> ASGIApp:
    """The service over running parts, which whoever opened them closes."""
    app = FastAPI(
        title="sentiserve",
        version=__version__,
        description="The sentiment of a post, from its URL or its text; and it remembers.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # Starlette's redirects repeat whatever host a request names
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.parts, app.state.settings, app.state.metrics = parts, settings, metrics
    app.state.server, app.state.activity, app.state.siblings = server, activity, siblings
    app.state.page, app.state.drawn = page.read(), figures.Drawn()
    for routes in _ROUTES:
        app.include_router(routes.router)
    # The page's script and style; FastAPI's own page fetches them from elsewhere.
    app.mount("/swagger", StaticFiles(packages=[("fastapi_swagger", "resources")]))
    problems.install(app)
    lists = Lists(app, parts.inference, settings.return_text)
    hits = Hits(lists, parts.inference, settings.return_text)
    limits = Limits(settings.client_rate, settings.client_burst)
    clients = Clients(settings.trusted_proxies)
    return Gate(hits, metrics, credentials, limits, clients, settings.max_body, tracing)
