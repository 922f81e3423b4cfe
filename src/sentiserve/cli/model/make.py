"""``sentiserve model train``, ``export`` and ``calibrate``."""

from pathlib import Path
from typing import Annotated

import typer

from sentiserve.cli.console import download_bar, err, examples, json_line, stage
from sentiserve.errors import BadInputError
from sentiserve.plugins import needs

app = typer.Typer()
_OF_TWEETS = "hf:cardiffnlp/"  # all of theirs are trained on tweets, prepared in one way


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
    preprocessing: Annotated[
        str | None,
        typer.Option(
            help="tweet-v1 or none; if not given, that of its training with 'model train', "
            "tweet-v1 for hf:cardiffnlp/…, none for others."
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            min=4,
            help="Longer texts are cut; if not given, where they were in its training with "
            "'model train', else at 128 or where it ends.",
        ),
    ] = None,
    card: Annotated[Path | None, typer.Option(help="The model card, a Markdown file.")] = None,
    samples: Annotated[
        Path | None,
        typer.Option(help="A table of texts to choose int8 scales by; invented ones if not given."),
    ] = None,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Read weights that are pickled.")
    ] = False,
) -> None:
    """Turn a checkpoint into a bundle, and compare the two; needs the extra 'train'."""
    needs("train", "torch", "transformers", "onnx", "onnxscript")
    from sentiserve.cli.replaced import earlier, replaced
    from sentiserve.models.checkpoint import licence_of
    from sentiserve.models.export import Description, check_request
    from sentiserve.models.export import export as export_
    from sentiserve.models.labelled import read_texts

    name = name or _name(checkpoint)
    text = _read(card) if card else f"# {name}\n\nNothing is said of this model yet.\n"
    if preprocessing is None and checkpoint.startswith(_OF_TWEETS):
        preprocessing = "tweet-v1"
    check_request(out, format_, preprocessing)
    texts = read_texts(samples) if samples else ()
    directory = _checkpoint(checkpoint, allow_pickle=allow_pickle)
    licence = licence or licence_of(directory)
    description = Description(name, revision, licence, preprocessing, max_tokens, text, texts)
    names = [label.strip() for label in labels.split(",")] if labels else []
    old = earlier(out)
    with stage() as on_stage:
        manifest = export_(
            directory,
            out,
            format_,
            description,
            labels=names,
            allow_pickle=allow_pickle,
            on_stage=on_stage,
        )
    typer.echo(
        f"{manifest.name} {manifest.model_id} in {out}\n"
        f"preprocessing {manifest.preprocessing}, texts cut at {manifest.max_tokens} tokens"
        f"{replaced(old, manifest, out)}"
    )


@app.command(epilog=examples("sentiserve model calibrate held-out.tsv --model my-bundle"))
def calibrate(
    data: Annotated[Path, typer.Argument(help="A table with the columns text and label.")],
    bundle: Annotated[
        str, typer.Option("--model", help="The bundle's directory; its manifest is rewritten.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Fit a temperature to labelled texts, so that scores are right as often as they say.

    Take texts that the model was not trained on, a hundred or more. A temperature that is no
    better on texts it was not fitted to is not kept. No label changes, but the scores do, and with
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
    manifest = opened.manifest
    if result.is_better:
        manifest = record_temperature(opened, result.temperature)
    if as_json:
        said = {"model": manifest.model_id, "texts": len(labelled.texts), "kept": result.is_better}
        json_line(said | asdict(result))
        return
    calibration_table(opened.manifest.temperature, result)
    if not result.is_better:
        typer.echo(
            f"\n{bundle} stays as it is: on texts that were not seen, the new temperature is no "
            "better than the one before (nll, before and cross-fitted)"
        )
        return
    typer.echo(
        f"\n{manifest.name} {manifest.model_id} in {bundle}; measure it with: "
        f"sentiserve model evaluate DATA --model {bundle} --record"
    )


def _read(card: Path) -> str:
    try:
        return card.read_text("utf-8")
    except FileNotFoundError:
        raise BadInputError(f"{card}: no such file") from None
    except OSError as error:
        raise BadInputError(f"{card}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{card}: is not UTF-8") from error


def _name(checkpoint: str) -> str:
    """ORG/NAME of a repository, or the name of a directory."""
    if checkpoint.startswith("hf:"):
        return checkpoint.removeprefix("hf:").partition("@")[0]
    return Path(checkpoint).resolve().name


def _checkpoint(spec: str, *, allow_pickle: bool) -> Path:
    from sentiserve.models.locations import is_remote

    if not is_remote(spec):
        return Path(spec)
    needs("hub", "huggingface_hub")
    from sentiserve.models.hub_checkpoint import fetch_checkpoint

    with download_bar() as on_progress:
        return fetch_checkpoint(spec, on_progress, pickled=allow_pickle)
