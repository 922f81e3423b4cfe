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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """How many predictions of each model are kept."""
    from sentiserve.build import opened_store
    from sentiserve.settings import load_settings

    async def count() -> Mapping[str, int]:
        async with opened_store(load_settings(store=store)) as opened:
            return await opened.count()

    counts = asyncio.run(count())
    if as_json:
        json_line({"online": counts})
        return
    rows = sorted(counts.items(), key=lambda item: -item[1])
    table(["model", "predictions"], [[model, f"{n:,}"] for model, n in rows], right=["predictions"])
