"""``sentiserve check``."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import download_bar, examples, json_line, setting, table
from sentiserve.errors import SentiserveError, SourceError
from sentiserve.protocols import Source
from sentiserve.settings import Settings
from sentiserve.types import PostRef

EXAMPLES = examples(
    "sentiserve check",
    "SENTISERVE_STORE=sqlite:///posts.db sentiserve check --json",
    "sentiserve check --online",
)
_LACKS = {  # what a source would give with a credential, by source and setting
    ("x", "x_bearer_token"): "stream needs SENTISERVE_X_BEARER_TOKEN",
    ("x", "x_user_token"): "home needs SENTISERVE_X_USER_TOKEN",
}
_OFF = "not in SENTISERVE_SOURCES"
_OFF_X = f"{_OFF}; it is paid for, and needs SENTISERVE_X_BEARER_TOKEN or SENTISERVE_X_USER_TOKEN"
_WORDS = {True: "ok", False: "FAILED", None: "off"}
Result = tuple[bool | None, str]
"""Whether it works, None where it isn't used; and what to say of it."""
_PROBES = {  # posts that are asked for to see whether anybody answers
    "x": PostRef("x", "20"),
    "oembed": PostRef("x", "20"),
    "bluesky": PostRef("bluesky", "3jua5ocikhx2y@bsky.app"),
}


def check(
    model: Annotated[str | None, setting("model")] = None,
    store: Annotated[str | None, setting("store")] = None,
    history: Annotated[str | None, setting("history")] = None,
    sources: Annotated[str | None, setting("sources")] = None,
    archive: Annotated[Path | None, setting("archive")] = None,
    online: Annotated[
        bool,
        typer.Option(
            "--online", help="Ask each source for a post, too; X charges for it ($0.005)."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Try settings, model, store and sources; each failure says what to do.

    Of each source it says what it gives with these settings: lookup (posts by URL), and the kinds
    that sentiserve ingest reads. Nothing is sent to a source without --online. Exit status 1 if
    any of them fails.
    """
    from sentiserve.settings import load_settings

    results: dict[str, Result]
    try:
        settings = load_settings(
            model=model, store=store, history=history, sources=sources, archive=archive
        )
    except SentiserveError as error:
        results = {"settings": (False, str(error))}
    else:
        results = {"settings": _check_variables()} | asyncio.run(_check(settings, online=online))
        results |= _unused(settings) | _traces()
    if as_json:
        json_line({name: {"ok": ok, "detail": detail} for name, (ok, detail) in results.items()})
    else:
        table(
            ["", "what", "detail"],
            [[_WORDS[ok], name, detail] for name, (ok, detail) in results.items()],
        )
    sys.exit(1 if any(ok is False for ok, _ in results.values()) else 0)


def _check_variables() -> Result:
    from sentiserve.settings import unknown_variables

    if unknown := unknown_variables():
        return False, f"no setting is named {', '.join(unknown)}; .env.example lists them all"
    return True, "read"


async def _check(settings: Settings, *, online: bool) -> dict[str, Result]:
    return {
        "model": _check_model(settings),
        "store": await _check_store(settings),
        "history": await _check_history(settings),
        **{
            f"source {name}": await _check_source(name, settings, online=online)
            for name in settings.sources
        },
    }


def _check_model(settings: Settings) -> Result:
    from sentiserve.build import build_model

    try:
        with download_bar() as on_progress:
            model = build_model(settings, on_progress)
        label = model.predict(["What a lovely day!"])[0].label
    except SentiserveError as error:
        return False, str(error)
    return True, f"{model.info.name} {model.info.id}: 'What a lovely day!' is {label}"


async def _check_store(settings: Settings) -> Result:
    from sentiserve.build import check_store

    try:
        return True, await check_store(settings)
    except SentiserveError as error:
        return False, str(error)


async def _check_history(settings: Settings) -> Result:
    from sentiserve.build import build_history

    history = build_history(settings)
    if history is None:
        return True, "off"
    try:
        await history.check()
    except SentiserveError as error:
        return False, str(error)
    return True, str(history.directory)


async def _check_source(name: str, settings: Settings, *, online: bool) -> Result:
    from sentiserve.sources.chain import feeds_of
    from sentiserve.sources.registry import make_source

    try:
        source = make_source(name, settings)
        try:
            await source.open()
            said = ", ".join(["gives lookup", *sorted(feeds_of(source))])
            if online and (probes := _probes(name, settings)):
                await _probe(source, probes)
                said += "; it answers"
        finally:
            await source.close()
    except SentiserveError as error:
        return False, str(error)
    lacks = [
        lack
        for (of, setting_), lack in _LACKS.items()
        if of == name and getattr(settings, setting_) is None
    ]
    return True, "; ".join([said, *lacks])


def _unused(settings: Settings) -> dict[str, Result]:
    from sentiserve.sources.registry import SOURCES

    unused = [name for name in SOURCES if name not in settings.sources]
    return {f"source {name}": (None, _OFF_X if name == "x" else _OFF) for name in unused}


def _traces() -> dict[str, Result]:
    """Whether they can be had, where the environment asks for them."""
    from sentiserve.api.tracing import is_wanted

    try:
        return {"traces": (True, "to the collector that OTEL_… names")} if is_wanted() else {}
    except SentiserveError as error:
        return {"traces": (False, str(error))}


def _probes(name: str, settings: Settings) -> list[PostRef]:
    """A post of each server that the source asks."""
    if name == "mastodon":
        return [PostRef("mastodon", f"1@{host.lower()}") for host in settings.mastodon_hosts]
    return [_PROBES[name]] if name in _PROBES else []


async def _probe(source: Source, refs: Sequence[PostRef]) -> None:
    """Return if each of them is answered, whatever the answer is.

    Raises:
        SourceError: one isn't.
    """
    for answer in await source.fetch(refs):
        if isinstance(answer, SourceError):
            raise answer
