"""Prove that an exported model says what its checkpoint says. Needs the extra ``train``."""

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from sentiserve.errors import BadInputError, ModelError
from sentiserve.models.checkpoint import Checkpoint
from sentiserve.models.classifier import Classifier, softmax

_TEXTS = (  # as every preprocessing leaves them
    "Good.",
    "The meeting is at noon, in the small room on the second floor.",
    "What a lovely day, thank you all! 🎉 ❤️",
    "¿Qué tal? 今日はいい天気ですね。",
)


_CLEAR = 0.2  # of a score: by so much the best label leads where it must stay the best


def verify(model: Classifier, checkpoint: Checkpoint, tolerance: float) -> None:
    """Compare logits and labels on texts of many lengths, up to the longest, together and alone.

    Labels may differ only where the checkpoint's two best scores are nearly the same.

    Args:
        model: what was exported.
        checkpoint: where it came from.
        tolerance: the largest difference that is allowed, as a share of the largest logit,
            or in logits where all of them are below 1.

    Raises:
        BadInputError: they differ, or the model fails.
    """
    texts = [*_TEXTS, "word " * model.info.max_tokens]
    expected = _reference(checkpoint, texts, model.info.max_tokens)
    if not np.isfinite(expected).all():
        raise BadInputError("the checkpoint gives scores that are no numbers")
    try:
        together = model.logits(texts)
        alone = np.concatenate([model.logits([text]) for text in texts])
    except ModelError as error:
        raise BadInputError(f"exported as {model.info.format}, {error}") from error
    scale = max(1.0, float(np.abs(expected).max()))
    for found in (together, alone):
        difference, allowed = float(np.abs(found - expected).max()), tolerance * scale
        if difference > allowed:
            raise BadInputError(
                f"exported as {model.info.format}, the model differs from its checkpoint: a logit "
                f"by {difference:.2g}, and {allowed:.2g} is allowed; try another --format"
            )
        if (_clear(expected) & (found.argmax(axis=1) != expected.argmax(axis=1))).any():
            raise BadInputError(
                f"exported as {model.info.format}, the model differs from its checkpoint in the "
                "label of a text that is a clear case; try another --format"
            )


def _clear(logits: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of each text, whether one label leads by far."""
    second, first = np.sort(softmax(logits), axis=1)[:, -2:].T
    clear: NDArray[np.bool_] = first - second >= _CLEAR
    return clear


def _reference(checkpoint: Checkpoint, texts: list[str], max_tokens: int) -> NDArray[np.float64]:
    """The checkpoint's own logits, of each text alone, without padding."""
    tokenizer = Tokenizer.from_str(checkpoint.tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    rows = []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([tokenizer.encode(text).ids])
            mask = torch.ones_like(ids)
            output = checkpoint.model(input_ids=ids, attention_mask=mask, return_dict=True)
            rows.append(output.logits.numpy())
    return np.concatenate(rows).astype(np.float64)
