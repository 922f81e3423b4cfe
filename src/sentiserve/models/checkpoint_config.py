"""What a checkpoint's configuration says: an encoder, its classifying head and its labels."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)

from sentiserve.errors import BadInputError

CONFIG = "config.json"
_HEAD = "ForSequenceClassification"
_UNNAMED = re.compile(r"LABEL_\d+")


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


def check_head(path: Path, config: dict[str, Any]) -> None:
    """Make sure that an encoder has a head which chooses one of its labels.

    Raises:
        BadInputError: it has none, or another.
    """
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


def labels_of(path: Path, config: dict[str, Any], given: Sequence[str]) -> tuple[str, ...]:
    """The labels in the order of the logits: those given, or else the configuration's.

    Raises:
        BadInputError: there are none, they aren't as many, or two are the same.
    """
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


def _decodes(path: Path) -> bool:
    try:
        config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds
        raise BadInputError(f"{path / CONFIG}: {first_line(error)}") from error
    return bool(getattr(config, "is_decoder", False) or config.is_encoder_decoder)


def first_line(error: Exception) -> str:
    """The first line of what a library says, often at length."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
