"""``sentiserve model info``, ``verify`` and ``evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import download_bar, examples, facts, json_line, setting

app = typer.Typer()

Bundle = Annotated[
    str | None,
    typer.Argument(help="A bundle, as in SENTISERVE_MODEL; the one of the settings if not named."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command(epilog=examples("sentiserve model info"))
def info(bundle: Bundle = None, as_json: AsJson = False) -> None:
    """What a bundle says of its model."""
    from dataclasses import asdict

    from sentiserve.models.bundle import open_bundle

    opened = open_bundle(_directory(bundle))
    said = asdict(opened.manifest.info) | {"path": str(opened.path)}
    if as_json:
        json_line(said)
        return
    said["labels"] = ", ".join(opened.manifest.labels)
    said["quality"] = ", ".join(f"{k} {v:,.10g}" for k, v in opened.manifest.quality.items())
    facts(said)


@app.command(epilog=examples("sentiserve model verify my-bundle"))
def verify(bundle: Bundle = None) -> None:
    """Compare every file of a bundle with its digest; exit status 1 if one differs."""
    from sentiserve.models.bundle import open_bundle

    opened = open_bundle(_directory(bundle))
    typer.echo(f"{opened.path}: {len(opened.manifest.files)} files as described")


@app.command(
    epilog=examples(
        "sentiserve model evaluate dev.tsv", "sentiserve model evaluate dev.tsv --slices"
    )
)
def evaluate(
    data: Annotated[Path, typer.Argument(help="A table with the columns text and label.")],
    bundle: Annotated[str | None, setting("model")] = None,
    as_json: AsJson = False,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the figures in the bundle's manifest.")
    ] = False,
    slices: Annotated[
        bool, typer.Option("--slices", help="Also by length, negation, emoji and the like.")
    ] = False,
) -> None:
    """How good a bundle's model is on labelled texts."""
    from sentiserve.cli.quality import confusion_table, figure, rewritable, slice_table
    from sentiserve.models.bundle import open_bundle, record_quality
    from sentiserve.models.evaluation import evaluate as evaluate_
    from sentiserve.models.labelled import read_labelled
    from sentiserve.models.registry import load_model
    from sentiserve.models.slices import by_slice

    if record:
        rewritable(_named(bundle))
    directory = _directory(bundle)
    labelled = read_labelled(data)
    model = load_model(directory)
    sentiments = model.predict(labelled.texts)
    result = evaluate_(model.info.labels, labelled, sentiments)
    kinds = by_slice(model.info.labels, labelled, sentiments) if slices else {}
    if record:
        known = {name: value for name, value in result.figures.items() if value is not None}
        record_quality(open_bundle(directory), known | {"texts": len(labelled.texts)})
    if as_json:
        json_line(
            {
                "model": model.info.id,
                "texts": len(labelled.texts),
                **result.figures,
                "recall": result.recall,
                "precision": result.precision,
                "confusion": result.confusion.tolist(),
                **({"slices": kinds} if slices else {}),
            }
        )
        return
    facts({"model": f"{model.info.name} {model.info.id}", "texts": f"{len(labelled.texts):,}"})
    facts({name: figure(value) for name, value in result.figures.items()})
    typer.echo()
    confusion_table(result)
    if slices:
        typer.echo()
        slice_table(kinds)


def _directory(bundle: str | None) -> Path:
    from sentiserve.models.locations import locate

    with download_bar() as on_progress:
        return locate(_named(bundle), on_progress)


def _named(bundle: str | None) -> str | None:
    from sentiserve.settings import load_settings

    return bundle or load_settings().model
