"""``sentiserve model``: look at bundles, and make them."""

from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import download_bar, err, examples, facts, json_line, setting, table
from sentiserve.errors import SentiserveError
from sentiserve.plugins import needs

app = typer.Typer(no_args_is_help=True, help="Look at model bundles, and make them.")

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
    said["quality"] = ", ".join(f"{k} {v}" for k, v in opened.manifest.quality.items())
    facts(said)


@app.command(epilog=examples("sentiserve model verify my-bundle"))
def verify(bundle: Bundle = None) -> None:
    """Compare every file of a bundle with its digest; exit status 1 if one differs."""
    from sentiserve.models.bundle import open_bundle

    opened = open_bundle(_directory(bundle))
    typer.echo(f"{opened.path}: {len(opened.manifest.files)} files as described")


@app.command(
    epilog=examples(
        "sentiserve model pull hf:my-team/tickets@v2 my-bundle",
        "sentiserve model pull s3://my-bucket/models/tickets my-bundle",
    )
)
def pull(
    spec: Annotated[str, typer.Argument(help="hf:ORG/NAME[@REV] or s3://BUCKET/PREFIX.")],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Directory for the bundle.")],
) -> None:
    """Fetch a bundle from elsewhere; needs the extra 'hub'.

    Every file is compared with its digest, and an earlier bundle is replaced only by a whole
    one. Cut off half-way, the same command goes on where it was.
    """
    from sentiserve.models.locations import remote
    from sentiserve.models.pull import pull as pull_
    from sentiserve.models.pull import read_manifest

    place = remote(spec)
    try:
        with download_bar() as on_progress:
            manifest = pull_(place, read_manifest(place), out, on_progress)
    except KeyboardInterrupt:
        err.print("stopped; the same command goes on from here")
        raise typer.Exit(130) from None
    typer.echo(f"{manifest.name} {manifest.model_id} in {out}")


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
    from sentiserve.cli.quality import slice_table
    from sentiserve.models.bundle import open_bundle, record_quality
    from sentiserve.models.evaluation import evaluate as evaluate_
    from sentiserve.models.labelled import read_labelled
    from sentiserve.models.registry import load_model
    from sentiserve.models.slices import by_slice

    directory = _directory(bundle)
    labelled = read_labelled(data)
    model = load_model(directory)
    sentiments = model.predict(labelled.texts)
    result = evaluate_(model.info.labels, labelled, sentiments)
    kinds = by_slice(model.info.labels, labelled, sentiments) if slices else {}
    if record:
        record_quality(open_bundle(directory), result.figures | {"texts": len(labelled.texts)})
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
    facts({name: f"{value:.4f}" for name, value in result.figures.items()})
    typer.echo()
    labels = model.info.labels
    table(
        ["true label", "recall", "precision", *(f"said {label}" for label in labels)],
        [
            [label, f"{result.recall[label]:.4f}", f"{result.precision[label]:.4f}", *counts]
            for label, counts in zip(labels, result.confusion.tolist(), strict=True)
        ],
        right=["recall", "precision", *(f"said {label}" for label in labels)],
    )
    if slices:
        typer.echo()
        slice_table(kinds)


@app.command(epilog=examples("sentiserve model calibrate held-out.tsv --model my-bundle"))
def calibrate(
    data: Annotated[Path, typer.Argument(help="A table with the columns text and label.")],
    bundle: Annotated[
        str, typer.Option("--model", help="The bundle's directory; its manifest is rewritten.")
    ],
    as_json: AsJson = False,
) -> None:
    """Fit a temperature to labelled texts, so that scores are right as often as they say.

    Take texts that the model was not trained on. No label changes, but the scores do, and with
    them the model id; measured figures are dropped from the manifest.
    """
    from dataclasses import asdict

    from sentiserve.cli.quality import calibration_table, rewritable
    from sentiserve.models.bundle import open_bundle, record_temperature
    from sentiserve.models.calibration import calibrate as calibrate_
    from sentiserve.models.labelled import read_labelled
    from sentiserve.models.registry import load_model

    opened = open_bundle(rewritable(bundle))
    labelled = read_labelled(data)
    result = calibrate_(load_model(opened.path), labelled)
    manifest = record_temperature(opened, result.temperature)
    if as_json:
        json_line({"model": manifest.model_id, "texts": len(labelled.texts), **asdict(result)})
        return
    calibration_table(opened.manifest.temperature, result)
    typer.echo(
        f"\n{manifest.name} {manifest.model_id} in {bundle}; measure it with: "
        f"sentiserve model evaluate DATA --model {bundle} --record"
    )


@app.command(epilog=examples("sentiserve model train train.tsv all-MiniLM-L6-v2 checkpoint"))
def train(
    data: Annotated[Path, typer.Argument(help="A table with the columns text and label.")],
    base: Annotated[Path, typer.Argument(help="A Hugging Face directory with an encoder.")],
    out: Annotated[Path, typer.Argument(help="Directory for the fine-tuned checkpoint.")],
    epochs: Annotated[int, typer.Option(min=1)] = 3,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 8e-5,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    max_tokens: Annotated[int, typer.Option(min=4)] = 80,
    label_smoothing: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.05,
    logit_adjustment: Annotated[
        float, typer.Option(min=0.0, help="0 predicts labels as often as they are in the data.")
    ] = 1.0,
    bf16: Annotated[bool, typer.Option(help="bfloat16, where the processor has it.")] = False,
    seed: Annotated[int, typer.Option()] = 2022,
) -> None:
    """Fine-tune an encoder on labelled texts; needs the extra 'train'."""
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    needs("train", "torch", "transformers")
    from sentiserve.models.labelled import read_labelled
    from sentiserve.models.training import Recipe, Step
    from sentiserve.models.training import train as train_

    recipe = Recipe(
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_tokens=max_tokens,
        label_smoothing=label_smoothing,
        logit_adjustment=logit_adjustment,
        bf16=bf16,
        seed=seed,
    )
    columns = (
        *Progress.get_default_columns(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[loss]}"),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task("training", total=None, loss="")

        def on_step(step: Step) -> None:
            progress.update(
                task, completed=step.number, total=step.total, loss=f"loss {step.loss:.3f}"
            )

        train_(read_labelled(data), base, out, recipe, on_step)
    typer.echo(f"checkpoint in {out}; make a bundle of it with: sentiserve model export {out} DIR")


@app.command(
    epilog=examples(
        "sentiserve model export checkpoint my-bundle",
        "sentiserve model export twitter-roberta-base-sentiment my-bundle --allow-pickle "
        "--labels negative,neutral,positive",
        "sentiserve model export checkpoint my-bundle --format torchscript --max-tokens 512",
    )
)
def export(
    checkpoint: Annotated[
        str, typer.Argument(help="A fine-tuned Hugging Face directory, or hf:ORG/NAME[@REV].")
    ],
    out: Annotated[Path, typer.Argument(help="Directory for the bundle.")],
    format_: Annotated[
        str, typer.Option("--format", help="onnx-int8, onnx or torchscript.")
    ] = "onnx-int8",
    name: Annotated[
        str | None, typer.Option(help="Name of the model; its directory's if not given.")
    ] = None,
    revision: Annotated[str, typer.Option(help="Revision of the model.")] = "1",
    licence: Annotated[
        str | None,
        typer.Option(help="SPDX name of its licence; what its README.md says if not given."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Names of its labels in their order, if it has none; comma-separated."),
    ] = None,
    preprocessing: Annotated[str, typer.Option(help="tweet-v1 or none.")] = "tweet-v1",
    max_tokens: Annotated[
        int | None,
        typer.Option(
            min=4, help="Longer texts are cut; 128 if not given, or fewer if it can't take them."
        ),
    ] = None,
    card: Annotated[Path | None, typer.Option(help="The model card, a Markdown file.")] = None,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Read weights that are pickled.")
    ] = False,
) -> None:
    """Turn a checkpoint into a bundle, and compare the two; needs the extra 'train'."""
    needs("train", "torch", "transformers", "onnx", "onnxscript")
    from sentiserve.models.checkpoint import licence_of
    from sentiserve.models.export import Description
    from sentiserve.models.export import export as export_

    name = name or _name(checkpoint)
    try:
        text = card.read_text() if card else f"# {name}\n\nNothing is said of this model yet.\n"
    except (OSError, UnicodeDecodeError) as error:
        raise SentiserveError(f"{card}: {error}") from error
    directory = _checkpoint(checkpoint, allow_pickle=allow_pickle)
    licence = licence or licence_of(directory)
    description = Description(name, revision, licence, preprocessing, max_tokens, text)
    names = [label.strip() for label in labels.split(",")] if labels else []
    manifest = export_(
        directory, out, format_, description, labels=names, allow_pickle=allow_pickle
    )
    typer.echo(f"{manifest.name} {manifest.model_id} in {out}")


def _directory(bundle: str | None) -> Path:
    from sentiserve.models.locations import locate
    from sentiserve.settings import load_settings

    with download_bar() as on_progress:
        return locate(bundle or load_settings().model, on_progress)


def _name(checkpoint: str) -> str:
    """ORG/NAME of a repository, or the name of a directory."""
    if checkpoint.startswith("hf:"):
        return checkpoint.removeprefix("hf:").partition("@")[0]
    return Path(checkpoint).resolve().name


def _checkpoint(spec: str, *, allow_pickle: bool) -> Path:
    if not spec.startswith("hf:"):
        return Path(spec)
    needs("hub", "huggingface_hub")
    from sentiserve.models.hub_checkpoint import fetch_checkpoint

    with download_bar() as on_progress:
        return fetch_checkpoint(spec, on_progress, pickled=allow_pickle)
