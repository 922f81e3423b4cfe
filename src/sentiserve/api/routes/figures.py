"""The figures of the dashboard: as pictures, and with the tables behind them."""

from collections.abc import Callable
from hashlib import sha256
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

_MOST = 50  # files that are kept, of some 20 kB each
Form = Literal["svg", "json"]
Name = Annotated[str, Path(max_length=MAX_NAME)]
Width = Annotated[int, Query(ge=240, le=1600, description="In CSS pixels.")]


class Drawn:
    """The figures that were drawn last, by what they show.

    A page asks again and again for what mostly hasn't changed, and to draw holds everybody up for
    ten times as long as to answer a post.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._files: dict[bytes, File] = {}

    def file(self, form: Form, width: int, draw: Callable[..., Figure], *shown: object) -> File:
        """The figure of what is to be shown."""
        told = msgspec.msgpack.encode((form, width, draw.__name__, shown))
        key = sha256(told).digest()
        if key not in self._files:
            if len(self._files) >= _MOST:
                del self._files[next(iter(self._files))]
            self._files[key] = _file(draw(*shown), form, width)
        return self._files[key]


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
    return _answer(request, form, width, figures.authors, found, parts.model.labels)


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
    return _answer(request, form, width, figures.hashtag, tag, found, parts.model.labels)


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
    shown = found, step, parts.model.labels, hashtag
    return _answer(request, form, width, figures.timeline, *shown)


@router.get("/drift.{form}")
async def drift(
    request: Request, parts: PartsDep, form: Form, width: Width = figures.WIDE
) -> Response:
    """Whether posts are still what they were."""
    return _answer(request, form, width, figures.drift, await parts.drift.look())


def _answer(
    request: Request, form: Form, width: int, draw: Callable[..., Figure], *shown: object
) -> Response:
    drawn: Drawn = request.app.state.drawn
    return drawn.file(form, width, draw, *shown).answer(request)


def _file(figure: Figure, form: Form, width: int) -> File:
    svg = figure.svg(width)
    if form == "svg":
        return File(svg.encode(), "image/svg+xml")
    told = {
        "title": figure.title,
        "description": figure.description,
        "columns": figure.columns,
        "rows": figure.rows,
        "svg": svg,
    }
    return File(msgspec.json.encode(told), "application/json")
