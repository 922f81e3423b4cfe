"""Hugging Face directories with a fine-tuned classifier. Needs the extra ``train``."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)
from transformers.utils import logging as transformers_logging

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import CARD, TOKENIZER
from sentiserve.models.preprocessing import PREPROCESSING

CONFIG = "config.json"
RECIPE = "recipe.json"
_SAFE = "model.safetensors"
_PICKLED = "pytorch_model.bin"
_HEAD = "ForSequenceClassification"
_UNNAMED = re.compile(r"LABEL_\d+")
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
    _check_head(path, config)
    names = _labels(path, config, labels)
    model = _load_model(path, len(names), allow_pickle=allow_pickle)
    tokenizer = load_tokenizer(path, model)
    return Checkpoint(model, tokenizer, names, _pad_id(path, model), positions(path, model))


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


def _read_config(path: Path) -> dict[str, Any]:
    file = path / CONFIG
    try:
        config = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise BadInputError(f"{path} is no Hugging Face checkpoint: it has no {CONFIG}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(config, dict):
        raise BadInputError(f"{file}: is not a JSON object")
    return config


def check_encoder(path: Path) -> dict[str, Any]:
    """The configuration of an encoder, with a head or without.

    Raises:
        BadInputError: it is none, or brings code of its own.
    """
    config = _read_config(path)
    kind = config.get("model_type")
    if "auto_map" in config:
        raise BadInputError(f"{path} brings code of its own (auto_map), which is never run")
    if not kind:
        raise BadInputError(f"{path / CONFIG}: names no model_type, as transformers saves it")
    if (
        kind not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
        or kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES  # what is trained on those, encodes
        or _decodes(path)
    ):
        raise BadInputError(
            f"{path}: this {kind} is no classifying encoder; supported are encoders such as "
            "bert, roberta and deberta-v2, not decoders"
        )
    return config


def _check_head(path: Path, config: dict[str, Any]) -> None:
    architectures = [str(name) for name in config.get("architectures") or ()]
    if architectures and not any(name.endswith(_HEAD) for name in architectures):
        raise BadInputError(
            f"{path} is a {architectures[0]}, without a classification head; "
            "fine-tune it first: sentiserve model train"
        )
    if config.get("problem_type") in {"multi_label_classification", "regression"}:
        raise BadInputError(
            f"{path}: its problem_type is {config['problem_type']}; export a model that chooses "
            "one of its labels (single_label_classification)"
        )


def _decodes(path: Path) -> bool:
    try:
        config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds
        raise BadInputError(f"{path / CONFIG}: {_reason(error)}") from error
    return bool(getattr(config, "is_decoder", False) or config.is_encoder_decoder)


def _labels(path: Path, config: dict[str, Any], given: Sequence[str]) -> tuple[str, ...]:
    known = _known_labels(path, config)
    if len(known) == 1:
        raise BadInputError(f"{path} has one label: a regression; export a classifier")
    if given:
        if known and len(given) != len(known):
            raise BadInputError(
                f"{path} has {len(known)} labels ({', '.join(known)}); --labels names {len(given)}"
            )
        known = tuple(given)
    elif not known or all(_UNNAMED.fullmatch(label) for label in known):
        count = f"its {len(known)} labels" if known else "its labels"
        raise BadInputError(
            f"{path} doesn't name {count}; name them in the order of its logits, "
            "as in --labels negative,neutral,positive"
        )
    if len(set(known)) < len(known) or not all(known):
        raise BadInputError(f"{path}: each label needs a name of its own, not {', '.join(known)}")
    return known


def _known_labels(path: Path, config: dict[str, Any]) -> tuple[str, ...]:
    """The labels that the configuration names or counts; none if it doesn't say."""
    named = config.get("id2label")
    if not named:
        count = config.get("num_labels", 0)
        return tuple(f"LABEL_{i}" for i in range(count if isinstance(count, int) else 0))
    try:
        return tuple(str(named[str(i)]) for i in range(len(named)))
    except (KeyError, TypeError) as error:
        raise BadInputError(
            f"{path / CONFIG}: id2label must name the labels from 0 on, without a gap"
        ) from error


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
        reason = _reason(error) if safe else f"{_PICKLED} is damaged, or holds more than weights"
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


def _pad_id(path: Path, model: PreTrainedModel) -> int:
    """What is too large is refused by the model's embeddings, and -1 they take for their last."""
    pad_id: int = model.config.pad_token_id or 0
    if pad_id < 0:
        raise BadInputError(
            f"{path / CONFIG}: pad_token_id is {pad_id}; name the id of the tokenizer's padding"
        )
    return pad_id


def load_tokenizer(path: Path, model: PreTrainedModel) -> Tokenizer:
    """The tokenizer beside a model, in whatever form; it doesn't cut, and pads as the model does.

    Raises:
        BadInputError: there is none, or it is not the model's.
    """
    try:
        tokenizer = (
            Tokenizer.from_file(str(path / TOKENIZER))
            if (path / TOKENIZER).exists()
            else _converted_tokenizer(path)
        )
    except BadInputError:
        raise
    except Exception as error:  # tokenizers raises bare Exception, transformers many kinds
        raise BadInputError(
            f"{path} has no usable tokenizer: {_reason(error)}; it needs {TOKENIZER}, or every "
            "file of its vocabulary (vocab.json and merges.txt, say)"
        ) from error
    embeddings: Any = model.get_input_embeddings()
    rows = embeddings.num_embeddings
    if (largest := max(tokenizer.get_vocab().values(), default=0)) >= rows:
        raise BadInputError(
            f"{path}: the tokenizer has ids up to {largest}, the model has embeddings for {rows}"
        )
    if not tokenizer.num_special_tokens_to_add(is_pair=False):
        raise BadInputError(f"{path}: the tokenizer adds no tokens around a text, as encoders need")
    pad_id = _pad_id(path, model)
    tokenizer.no_truncation()
    tokenizer.enable_padding(pad_id=pad_id, pad_token=tokenizer.id_to_token(pad_id) or "[PAD]")
    return tokenizer


def _converted_tokenizer(path: Path) -> Tokenizer:
    """From a vocabulary in the form of its architecture, by transformers' own rules."""
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    names = {name for name in tokenizer.vocab_files_names.values() if name != TOKENIZER}
    if missing := sorted(name for name in names if not (path / name).is_file()):
        raise BadInputError(
            f"{path} has no tokenizer: {TOKENIZER} is missing, and so is {' and '.join(missing)}"
        )
    if not tokenizer.is_fast:
        raise BadInputError(
            f"{path}: the tokenizer {type(tokenizer).__name__} runs in Python only; "
            f"export a checkpoint with {TOKENIZER}"
        )
    converted: Tokenizer = tokenizer.backend_tokenizer
    return converted


def positions(path: Path, model: PreTrainedModel) -> int:
    """The most tokens of a text; RoBERTa and its kin use positions only from the padding's on."""
    rows = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(rows, int):
        raise BadInputError(
            f"{path / CONFIG}: doesn't say how many tokens a text may have "
            f"(max_position_embeddings); this {model.config.model_type} can't be used"
        )
    offsets = [
        1 + module.padding_idx
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
    return rows - max(offsets, default=0)


def _reason(error: Exception) -> str:
    """The first line of what a library says, often at length."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
