"""The figures of the dashboard: as pictures, and with the tables behind them."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from sentiserve.api.dependencies import PLAIN, PartsDep
from sentiserve.api.routes.page import File
from sentiserve.api.schemas.wire import MAX_NAME
from sentiserve.errors import BadInputError, NotFoundError
from sentiserve.insights import figures
from sentiserve.insights.figures import Figure
from sentiserve.types import Step

router = APIRouter(prefix="/figures", include_in_schema=False, dependencies=PLAIN)

Form = Literal["svg", "json"]
Name = Annotated[str, Path(max_length=MAX_NAME)]
Width = Annotated[int, Query(ge=240, le=1600, description="In CSS pixels.")]


@router.get("/authors.{form}")
async def authors(
    request: Request,
    parts: PartsDep,
    form: Form,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    width: Width = figures.WIDE,
) -> Response:
    """The most active authors."""
    found = await parts.aggregates.authors(limit=limit)
    return _answer(request, figures.authors(found, parts.model.labels), form, width)


@router.get("/hashtags/{tag:path}.{form}")
async def hashtag(
    request: Request, parts: PartsDep, tag: Name, form: Form, width: Width = figures.WIDE
) -> Response:
    """One hashtag."""
    if not tag.strip("# "):
        raise BadInputError("name a hashtag, as in /figures/hashtags/coffee.svg")
    try:
        found = await parts.aggregates.hashtag(tag)
    except NotFoundError:
        found = None
    return _answer(request, figures.hashtag(tag, found, parts.model.labels), form, width)


@router.get("/timeline.{form}")
async def timeline(
    request: Request,
    parts: PartsDep,
    form: Form,
    step: Step = Step.DAY,
    hashtag: Annotated[str | None, Query(max_length=MAX_NAME)] = None,
    width: Width = figures.WIDE,
) -> Response:
    """Posts over time, all or those with a hashtag."""
    found = await parts.timelines.timeline(step=step, hashtag=hashtag)
    return _answer(request, figures.timeline(found, step, parts.model.labels, hashtag), form, width)


@router.get("/drift.{form}")
async def drift(
    request: Request, parts: PartsDep, form: Form, width: Width = figures.WIDE
) -> Response:
    """Whether posts are still what they were."""
    return _answer(request, figures.drift(await parts.drift.look()), form, width)


def _answer(request: Request, figure: Figure, form: Form, width: int) -> Response:
    svg = figure.svg(width)
    if form == "svg":
        return File(svg.encode(), "image/svg+xml").answer(request)
    told = {
        "title": figure.title,
        "description": figure.description,
        "columns": figure.columns,
        "rows": figure.rows,
        "svg": svg,
    }
    return File(msgspec.json.encode(told), "application/json").answer(request)
