"""Hugging Face directories with a fine-tuned classifier. Needs the extra ``train``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging as transformers_logging

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import CARD
from sentiserve.models.checkpoint_config import (
    CONFIG,
    check_encoder,
    check_head,
    first_line,
    labels_of,
)
from sentiserve.models.checkpoint_tokenizer import load_tokenizer, pad_id_of, positions
from sentiserve.models.preprocessing import PREPROCESSING

RECIPE = "recipe.json"
_SAFE = "model.safetensors"
_PICKLED = "pytorch_model.bin"
_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)^---", re.DOTALL | re.MULTILINE)
_LICENCE = re.compile(r"^license:\s*[\"']?([\w.+-]+)[\"']?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A sequence classifier, ready to be exported.

    Attributes:
        model: in float32, evaluating.
        tokenizer: doesn't cut, and knows how the model's texts are padded.
        labels: in the order of the model's logits.
        pad_id: the token that fills up shorter texts.
        max_tokens: the most that the model has positions for.
    """

    model: PreTrainedModel
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    pad_id: int
    max_tokens: int


class TrainedWith(msgspec.Struct, frozen=True):
    """What ``model train`` notes beside a checkpoint, as far as an export needs it."""

    preprocessing: str | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=4)] | None = None


def load_checkpoint(
    path: Path, labels: Sequence[str] = (), *, allow_pickle: bool = False
) -> Checkpoint:
    """Read a directory in the layout of the Hugging Face hub; none of its code is run.

    Args:
        path: a directory with ``config.json``, weights and a tokenizer's files.
        labels: names for the labels, in the order of the logits; those of the
            configuration if empty.
        allow_pickle: read ``pytorch_model.bin`` where there is no ``model.safetensors``,
            by ``torch.load(weights_only=True)``, which makes tensors and nothing else.

    Raises:
        BadInputError: it is no checkpoint of a classifying encoder; the text says why.
    """
    transformers_logging.set_verbosity_error()  # errors tell it
    transformers_logging.disable_progress_bar()
    config = check_encoder(path)
    check_head(path, config)
    names = labels_of(path, config, labels)
    model = _load_model(path, len(names), allow_pickle=allow_pickle)
    tokenizer = load_tokenizer(path, model)
    return Checkpoint(model, tokenizer, names, pad_id_of(path, model), positions(path, model))


def recipe_of(path: Path) -> TrainedWith:
    """How the checkpoint's texts were prepared and cut in training, where it says so.

    Raises:
        BadInputError: what it says can't be used.
    """
    file = path / RECIPE
    try:
        recipe = msgspec.json.decode(file.read_bytes(), type=TrainedWith)
    except (FileNotFoundError, NotADirectoryError):
        return TrainedWith()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    if recipe.preprocessing not in {None, *PREPROCESSING}:
        known = ", ".join(PREPROCESSING)
        raise BadInputError(
            f"{file}: unknown preprocessing {recipe.preprocessing!r}; known are {known}"
        )
    return recipe


def licence_of(path: Path) -> str:
    """The licence in the front matter of the model card, or ``unknown``."""
    try:
        card = (path / CARD).read_text("utf-8", errors="replace")
    except OSError:
        return "unknown"
    front_matter = _FRONT_MATTER.match(card)
    found = front_matter and _LICENCE.search(front_matter[1])
    return found[1] if found else "unknown"


def _load_model(path: Path, labels: int, *, allow_pickle: bool) -> PreTrainedModel:
    safe = _has_weights(path, _SAFE)
    if not safe and not _has_weights(path, _PICKLED):
        raise BadInputError(f"{path} has no weights: {_SAFE} is missing")
    if not safe and not allow_pickle:
        raise BadInputError(
            f"{path} has its weights only as {_PICKLED}, a pickle; save them as {_SAFE}, "
            "or give --allow-pickle if you trust their author"
        )
    try:
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            path,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=safe,
            weights_only=True,
            num_labels=labels,
            problem_type="single_label_classification",
            dtype=torch.float32,
            attn_implementation="eager",
            ignore_mismatched_sizes=True,  # they are named below, in our words
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises many kinds
        reason = first_line(error) if safe else f"{_PICKLED} is damaged, or holds more than weights"
        raise BadInputError(f"{path} is no usable checkpoint: {reason}") from error
    _check_weights(path, loading)
    evaluating: PreTrainedModel = model.eval()
    return evaluating


def _has_weights(path: Path, name: str) -> bool:
    return (path / name).is_file() or (path / f"{name}.index.json").is_file()


def _check_weights(path: Path, loading: dict[str, Any]) -> None:
    """Weights that are missing would be random ones; what there is too much of is not used."""
    for name, found, expected in sorted(loading["mismatched_keys"]):
        raise BadInputError(
            f"{path}: {name} has the shape {tuple(found)} where {CONFIG} and the labels "
            f"ask for {tuple(expected)}"
        )
    if loading["missing_keys"]:
        raise BadInputError(
            f"{path} has no weights for {min(loading['missing_keys'])}; "
            "fine-tune it first: sentiserve model train"
        )
