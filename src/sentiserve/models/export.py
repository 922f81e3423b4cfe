"""Turn a fine-tuned Hugging Face directory into a bundle. Needs the extra ``train``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sentiserve.errors import BadInputError, SentiserveError
from sentiserve.models.bundle import (
    CARD,
    TOKENIZER,
    Manifest,
    digest,
    open_bundle,
    write_manifest,
)
from sentiserve.models.checkpoint import Checkpoint, load_checkpoint, recipe_of
from sentiserve.models.formats import FORMATS, OnStage
from sentiserve.models.labelled import read_texts
from sentiserve.models.preprocessing import PREPROCESSING, preprocessing
from sentiserve.models.staging import check_replaceable, replacing
from sentiserve.models.verification import verify
from sentiserve.tables import sample_archive

_DEFAULT_TOKENS = 128
_SAMPLES = 1_000  # texts; more take longer and change little


@dataclass(frozen=True, slots=True)
class Description:
    """What the checkpoint doesn't say of itself."""

    name: str
    revision: str
    licence: str
    preprocessing: str | None = None  # that of the checkpoint's recipe, or else none
    max_tokens: int | None = None  # the recipe's, or else 128; fewer where the model ends
    card: str = ""  # Markdown
    samples: tuple[str, ...] = ()  # what it will be asked, to choose int8 scales; ours if empty


def export(
    checkpoint: Path,
    out: Path,
    format_: str,
    description: Description,
    *,
    labels: Sequence[str] = (),
    allow_pickle: bool = False,
    on_stage: OnStage = lambda _: None,
) -> Manifest:
    """Write a bundle that says what the checkpoint says.

    An earlier bundle in the same place is replaced only when the new one is written and its
    scores were compared with the checkpoint's.

    Args:
        checkpoint: a directory in the layout of the Hugging Face hub.
        out: the bundle's directory.
        format_: one of ``FORMATS``.
        description: the rest of the manifest, and the model card.
        labels: see ``load_checkpoint``.
        allow_pickle: see ``load_checkpoint``.
        on_stage: told what is done now.

    Raises:
        BadInputError: the checkpoint can't be exported, or ``out`` holds other files.
        SentiserveError: the bundle can't be written.
    """
    try:
        check_request(out, format_, description.preprocessing)
        on_stage("reading the checkpoint")
        recipe = recipe_of(checkpoint)
        prepared = description.preprocessing or recipe.preprocessing or "none"
        loaded = load_checkpoint(checkpoint, labels, allow_pickle=allow_pickle)
        max_tokens = _max_tokens(checkpoint, loaded, description.max_tokens, recipe.max_tokens)
        with replacing(out) as new:
            on_stage("writing the bundle")
            manifest = _write(new, loaded, format_, description, prepared, max_tokens, on_stage)
            on_stage("comparing it with the checkpoint")
            chosen = FORMATS[format_]
            verify(chosen.engine(open_bundle(new)), loaded, chosen.tolerance)
    except OSError as error:
        raise SentiserveError(f"{out} cannot be written: {error.strerror}") from error
    return manifest


def check_request(out: Path, format_: str, preprocessing: str | None) -> None:
    """Return if these could be used, whatever the checkpoint is.

    Raises:
        BadInputError: one could not; the text says which.
    """
    if format_ not in FORMATS:
        raise BadInputError(f"unknown format {format_!r}; known are {', '.join(FORMATS)}")
    if preprocessing is not None and preprocessing not in PREPROCESSING:
        known = ", ".join(PREPROCESSING)
        raise BadInputError(f"unknown preprocessing {preprocessing!r}; known are {known}")
    check_replaceable(out)


def _max_tokens(path: Path, checkpoint: Checkpoint, wanted: int | None, trained: int | None) -> int:
    if wanted is None:
        return min(trained or _DEFAULT_TOKENS, checkpoint.max_tokens)
    if wanted > checkpoint.max_tokens:
        raise BadInputError(
            f"{path} has positions for {checkpoint.max_tokens} tokens; {wanted} are too many"
        )
    return wanted


def _write(
    bundle: Path,
    checkpoint: Checkpoint,
    format_: str,
    description: Description,
    prepared: str,
    max_tokens: int,
    on_stage: OnStage,
) -> Manifest:
    chosen = FORMATS[format_]
    samples = _samples(description.samples, prepared)
    weights = chosen.serialise(checkpoint, samples, max_tokens, on_stage)
    (bundle / chosen.weights).write_bytes(weights)
    (bundle / TOKENIZER).write_text(checkpoint.tokenizer.to_str(pretty=True), "utf-8")
    (bundle / CARD).write_text(description.card, "utf-8")
    manifest = Manifest(
        name=description.name,
        revision=description.revision,
        format=format_,
        weights=chosen.weights,
        labels=checkpoint.labels,
        max_tokens=max_tokens,
        preprocessing=prepared,
        licence=description.licence,
        files={name: digest(bundle / name) for name in (CARD, chosen.weights, TOKENIZER)},
    )
    write_manifest(bundle, manifest)
    return open_bundle(bundle).manifest


def _samples(given: Sequence[str], prepared: str) -> list[str]:
    texts = given or read_texts(sample_archive())
    prepare = preprocessing(prepared)
    return [prepare(text) for text in texts[:_SAMPLES]]
