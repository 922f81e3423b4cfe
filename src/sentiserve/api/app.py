"""The HTTP service as an ASGI application."""

import fastapi_swagger
from fastapi import FastAPI
from starlette.types import ASGIApp

from sentiserve import __version__
from sentiserve.api import problems
from sentiserve.api.auth import Credentials
from sentiserve.api.gate import Gate
from sentiserve.api.routes import aggregates, inference, system
from sentiserve.build import Parts
from sentiserve.metrics import Metrics
from sentiserve.settings import Settings


def create_app(
    parts: Parts, settings: Settings, metrics: Metrics, credentials: Credentials
) -> ASGIApp:
    """The service over running parts, which whoever opened them closes."""
    app = FastAPI(
        title="sentiserve",
        version=__version__,
        description="The sentiment of a post, from its URL or its text; and it remembers.",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.parts, app.state.settings, app.state.metrics = parts, settings, metrics
    # Serves the page's script from this machine; FastAPI's own page fetches it from elsewhere.
    fastapi_swagger.patch_fastapi(app)
    for routes in (inference, aggregates, system):
        app.include_router(routes.router)
    problems.install(app)
    return Gate(app, metrics, credentials, settings.max_body)
