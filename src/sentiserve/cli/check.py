"""``sentiserve check``."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import download_bar, examples, json_line, setting, table
from sentiserve.errors import SentiserveError
from sentiserve.settings import Settings

EXAMPLES = examples(
    "sentiserve check",
    "SENTISERVE_STORE=sqlite:///posts.db sentiserve check --json",
)


def check(
    model: Annotated[str | None, setting("model")] = None,
    store: Annotated[str | None, setting("store")] = None,
    history: Annotated[str | None, setting("history")] = None,
    sources: Annotated[str | None, setting("sources")] = None,
    archive: Annotated[Path | None, setting("archive")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Try settings, model, store and sources; each failure says what to do.

    Exit status 1 if any of them fails.
    """
    from sentiserve.settings import load_settings

    try:
        settings = load_settings(
            model=model, store=store, history=history, sources=sources, archive=archive
        )
    except SentiserveError as error:
        results = {"settings": (False, str(error))}
    else:
        results = {"settings": _check_variables()} | asyncio.run(_check(settings))
    if as_json:
        json_line({name: {"ok": ok, "detail": detail} for name, (ok, detail) in results.items()})
    else:
        table(
            ["", "what", "detail"],
            [["ok" if ok else "FAILED", name, detail] for name, (ok, detail) in results.items()],
        )
    sys.exit(0 if all(ok for ok, _ in results.values()) else 1)


def _check_variables() -> tuple[bool, str]:
    from sentiserve.settings import unknown_variables

    if unknown := unknown_variables():
        return False, f"no setting is named {', '.join(unknown)}; .env.example lists them all"
    return True, "read"


async def _check(settings: Settings) -> dict[str, tuple[bool, str]]:
    return {
        "model": _check_model(settings),
        "store": await _check_store(settings),
        "history": await _check_history(settings),
        **{f"source {name}": await _check_source(name, settings) for name in settings.sources},
    }


def _check_model(settings: Settings) -> tuple[bool, str]:
    from sentiserve.build import build_model

    try:
        with download_bar() as on_progress:
            model = build_model(settings, on_progress)
        label = model.predict(["What a lovely day!"])[0].label
    except SentiserveError as error:
        return False, str(error)
    return True, f"{model.info.name} {model.info.id}: 'What a lovely day!' is {label}"


async def _check_store(settings: Settings) -> tuple[bool, str]:
    from sentiserve.build import check_store

    try:
        return True, await check_store(settings)
    except SentiserveError as error:
        return False, str(error)


async def _check_history(settings: Settings) -> tuple[bool, str]:
    from sentiserve.build import build_history

    history = build_history(settings)
    if history is None:
        return True, "off"
    try:
        await history.check()
    except SentiserveError as error:
        return False, str(error)
    return True, str(history.directory)


async def _check_source(name: str, settings: Settings) -> tuple[bool, str]:
    from sentiserve.sources.registry import make_source

    try:
        source = make_source(name, settings)
        try:
            await source.open()
        finally:
            await source.close()
    except SentiserveError as error:
        return False, str(error)
    return True, "opened"
