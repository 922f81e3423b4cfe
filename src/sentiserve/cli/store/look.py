"""``sentiserve store stats``."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from sentiserve.cli.console import examples, json_line, setting, table

app = typer.Typer()


@app.command(epilog=examples("sentiserve store stats", "sentiserve store stats --json"))
def stats(
    store: Annotated[str | None, setting("store")] = None,
    history: Annotated[str | None, setting("history")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """How many predictions of each model are kept, in the store and in the history.

    The history has a row for each time that a post was predicted.
    """
    from sentiserve.build import build_history, opened_existing_store
    from sentiserve.settings import load_settings

    settings = load_settings(store=store, history=history)

    async def count() -> tuple[Mapping[str, int], Mapping[str, int]]:
        async with opened_existing_store(settings) as opened:
            offline = build_history(settings)
            return await opened.count(), await offline.count() if offline else {}

    online, offline = asyncio.run(count())
    if as_json:
        json_line({"online": online, "offline": offline})
        return
    rows = [
        [model, f"{online.get(model, 0):,}", f"{offline.get(model, 0):,}"]
        for model in sorted({*online, *offline})
    ]
    table(["model", "store", "history"], rows, right=["store", "history"])
