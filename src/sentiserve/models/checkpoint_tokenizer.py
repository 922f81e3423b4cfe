"""The tokenizer beside a checkpoint's weights, and how many tokens the model takes."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedModel

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import TOKENIZER
from sentiserve.models.checkpoint_config import CONFIG, first_line


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
            f"{path} has no usable tokenizer: {first_line(error)}; it needs {TOKENIZER}, or every "
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
    pad_id = pad_id_of(path, model)
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


def pad_id_of(path: Path, model: PreTrainedModel) -> int:
    """The token that fills up shorter texts.

    What is too large is refused by the model's embeddings, and -1 they take for their last.

    Raises:
        BadInputError: it is negative.
    """
    pad_id: int = model.config.pad_token_id or 0
    if pad_id < 0:
        raise BadInputError(
            f"{path / CONFIG}: pad_token_id is {pad_id}; name the id of the tokenizer's padding"
        )
    return pad_id


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
