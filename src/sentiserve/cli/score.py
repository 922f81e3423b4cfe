"""``sentiserve score``."""

from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import download_bar, err, examples, setting, stage

EXAMPLES = examples(
    "sentiserve score posts.csv scored.csv",
    "sentiserve score labelled.tsv scored.parquet --prefix predicted_",
    "sentiserve score twitter-archive.zip scored.csv",
)


def score(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help=".jsonl, .csv, .tsv, .parquet, or an X archive (.zip, tweets.js)."
        ),
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help=".jsonl, .csv or .parquet.")],
    model: Annotated[str | None, setting("model")] = None,
    prefix: Annotated[str, typer.Option(help="Prefix of the added columns' names.")] = "",
    overwrite: Annotated[bool, typer.Option(help="Replace OUT if it is there.")] = False,
) -> None:
    """Score every row of a file by its column "text".

    OUT gets the same rows in the same order, with label, a score for each label, and the model
    id added. A row that can't be scored keeps its place, with the reason in the column "error".
    Stopped half-way, the same command goes on where it was.
    """
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from sentiserve.build import build_model
    from sentiserve.errors import BadInputError
    from sentiserve.scoring import Scoring
    from sentiserve.settings import load_settings
    from sentiserve.tables import count_rows

    if target.exists() and not overwrite:
        raise BadInputError(f"{target} exists; choose another name or add --overwrite")
    with download_bar() as on_progress:
        loaded = build_model(load_settings(model=model), on_progress)
    scoring = Scoring(source, target, loaded, prefix)
    # What can't be read is found before the work, which takes much longer.
    with stage() as on_stage:
        on_stage(f"reading {escape(str(source))}")
        total = count_rows(source)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task("scoring", total=total)
        try:
            rows, failed = scoring.run(lambda done: progress.update(task, completed=done))
            progress.update(task, total=rows)
        except KeyboardInterrupt:
            progress.stop()
            err.print("stopped; the same command goes on from here")
            raise typer.Exit(130) from None
    err.print(f"{rows:,} rows in {target}", markup=False)
    if failed:
        raise BadInputError(f"{failed:,} rows could not be scored; see the column {prefix}error")
