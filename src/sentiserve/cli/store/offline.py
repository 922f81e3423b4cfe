"""``sentiserve store training-set``, ``materialize``, ``export`` and ``compact``."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import err, examples, out, setting
from sentiserve.errors import BadInputError

app = typer.Typer()
History = Annotated[str | None, setting("history")]
Model = Annotated[str | None, setting("model")]
Store = Annotated[str | None, setting("store")]
Ttl = Annotated[int | None, setting("ttl")]
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


class Format(StrEnum):
    """What an export is made for."""

    FEAST = "feast"


@app.command(
    "training-set",
    epilog=examples(
        "sentiserve store training-set spine.parquet training.parquet",
        "sentiserve store training-set spine.csv training.csv \\",
        "      --features post_sentiment:label,author_sentiment",
    ),
)
def training_set(
    spine: Annotated[
        Path,
        typer.Argument(
            help="A table (.parquet .csv .jsonl) with event_timestamp and the keys of the views: "
            "platform and id, platform and author, hashtag."
        ),
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The table to write.")],
    features: Annotated[
        str,
        typer.Option(
            help="VIEW:FEATURE or VIEW, comma-separated; the views are post_sentiment, "
            "author_sentiment and hashtag_sentiment."
        ),
    ] = "post_sentiment",
    history: History = None,
    model: Model = None,
    ttl: Ttl = None,
) -> None:
    """Join features to a table's rows, as serving would have answered at each row's time.

    Every row comes out once, in order. Where nothing was known, counts are 0 and the rest empty.
    """
    from sentiserve.build import model_info, need_history
    from sentiserve.settings import load_settings

    settings = load_settings(history=history, model=model, ttl=ttl)
    info = model_info(settings)
    names = [name.strip() for name in features.split(",") if name.strip()]
    span = timedelta(seconds=settings.ttl)
    with _status() as on_progress:
        rows = asyncio.run(
            need_history(settings).training_set(
                spine, target, names, info.id, info.labels, span, on_progress
            )
        )
    out.print(f"{target}: {rows:,} rows", markup=False, soft_wrap=True)


@app.command(
    epilog=examples(
        "sentiserve store materialize --store redis://127.0.0.1:6379",
        "sentiserve store materialize --since 2026-03-01 --until 2026-04-01",
    )
)
def materialize(
    since: Annotated[
        datetime | None, typer.Option(formats=_TIMES, help="Predicted then or later; UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_TIMES, help="Predicted before it; UTC.")
    ] = None,
    history: History = None,
    store: Store = None,
) -> None:
    """Fill the store from the history; what it has that is newer stays."""
    from sentiserve.build import need_history, opened_store
    from sentiserve.materialize import materialize as fill
    from sentiserve.settings import load_settings

    settings = load_settings(history=history, store=store)
    if settings.store.startswith("memory:"):
        raise BadInputError("memory:// ends with this command; name a store that stays: --store")

    async def run(on_progress: Callable[[str], object]) -> int:
        async with opened_store(settings) as opened:
            return await fill(
                need_history(settings),
                opened,
                since and since.replace(tzinfo=UTC),
                until and until.replace(tzinfo=UTC),
                lambda done: on_progress(f"{done:,} records"),
            )

    with _status() as on_progress:
        done = asyncio.run(run(on_progress))
    out.print(f"{settings.shown_store}: {done:,} records", markup=False, soft_wrap=True)


@app.command(epilog=examples("sentiserve store export feast-repo --format feast"))
def export(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="The directory to write.")],
    format_: Annotated[Format, typer.Option("--format", help="What it is made for.")],
    history: History = None,
    model: Model = None,
    ttl: Ttl = None,
) -> None:
    """Write the history for another feature store: a Feast repository with its data."""
    from sentiserve.build import model_info, need_history
    from sentiserve.settings import load_settings

    settings = load_settings(history=history, model=model, ttl=ttl)
    info = model_info(settings)
    span = timedelta(seconds=settings.ttl)
    with _status() as on_progress:
        asyncio.run(
            need_history(settings).export_feast(target, info.id, info.labels, span, on_progress)
        )
    out.print(
        f"{target}: a {format_} repository; run feast apply in it", markup=False, soft_wrap=True
    )


@app.command(epilog=examples("sentiserve store compact"))
def compact(history: History = None) -> None:
    """Put the history's many files of each day that is over into one; the service does it too."""
    from sentiserve.build import need_history
    from sentiserve.settings import load_settings

    with _status() as on_progress:
        less = asyncio.run(need_history(load_settings(history=history)).compact(on_progress))
    out.print(f"{less:,} files less")


@contextmanager
def _status() -> Iterator[Callable[[str], object]]:
    """Say on a terminal what is done now."""
    with err.status("starting") as status:
        yield status.update
