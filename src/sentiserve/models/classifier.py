"""What the engines share: a text becomes tokens, tokens become logits, logits become scores."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from sentiserve.errors import BundleError, ModelError
from sentiserve.models.beginning import beginning
from sentiserve.models.bundle import Bundle
from sentiserve.models.preprocessing import preprocessing
from sentiserve.types import ModelInfo, Sentiment

_BATCH_TOKENS = 256  # padded tokens in one run: enough to fill the cores, few for their caches
_DIGITS = 6  # finer differences are rounding noise of the hardware


class Classifier(ABC):
    """A sequence classifier with a tokenizer; an engine gives ``_logits``."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the bundle's tokenizer.

        Raises:
            BundleError: it is none.
        """
        manifest = bundle.manifest
        self._info = manifest.info
        self._temperature = manifest.temperature
        self._prepare = preprocessing(manifest.preprocessing)
        try:
            self._tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
        except Exception as error:  # tokenizers raises bare Exception
            raise BundleError(f"{bundle.tokenizer}: {error}") from error
        # Some encoders count positions by the tokens that are not this one.
        self._pad_id = (self._tokenizer.padding or {}).get("pad_id", 0)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(manifest.max_tokens)
        self._beginning = beginning(self._tokenizer, manifest.max_tokens)

    @property
    def info(self) -> ModelInfo:
        """What the bundle says of the model."""
        return self._info

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        """A sentiment for each text, in order.

        Raises:
            ModelError: the tokenizer or the engine failed.
        """
        return self.classify(self.encode(texts))

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """The tokens of each text.

        Raises:
            ModelError: the tokenizer failed.
        """
        prepared = [self._prepare(self._beginning(text)) for text in texts]
        try:
            encodings: list[Encoding] = self._tokenizer.encode_batch_fast(prepared)
        except Exception as error:  # tokenizers raises bare Exception
            raise ModelError(f"the tokenizer failed on a batch of {len(texts)}: {error}") from error
        return encodings

    def classify(self, encodings: Sequence[Encoding]) -> list[Sentiment]:
        """A sentiment for each text's tokens, in order.

        Raises:
            ModelError: the engine failed.
        """
        scores = softmax(self._run(encodings) / self._temperature).round(_DIGITS).tolist()
        return [
            Sentiment(
                dict(zip(self._info.labels, row, strict=True)),
                truncated=bool(encoding.overflowing),
            )
            for encoding, row in zip(encodings, scores, strict=True)
        ]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """What the scores are made of, before the temperature: float64 of shape (texts, labels).

        Raises:
            ModelError: the tokenizer or the engine failed.
        """
        return self._run(self.encode(texts))

    def shapes(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """How many texts, of how many padded tokens, each run has that ``predict`` makes."""
        lengths = [len(encoding) for encoding in self.encode(texts)]
        return [(len(batch), max(lengths[i] for i in batch)) for batch in _batches(lengths)]

    @abstractmethod
    def _logits(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.floating]:
        """Logits of shape (batch, labels) for token ids and their mask, both (batch, tokens)."""

    def _run(self, encodings: Sequence[Encoding]) -> NDArray[np.float64]:
        logits = np.empty((len(encodings), len(self._info.labels)))
        for batch in _batches([len(encoding) for encoding in encodings]):
            inputs = pad([encodings[i].ids for i in batch], self._pad_id)
            try:
                logits[batch] = self._logits(*inputs)
            except Exception as error:  # what engines raise has no common base class
                raise ModelError(f"the model failed on a batch of {len(batch)}") from error
        if not np.isfinite(logits).all():
            raise ModelError("the model gave scores that are no numbers")
        return logits


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of texts of like length, so that little is padded."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[i] * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def pad(
    tokens: Sequence[Sequence[int]], pad_id: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids, padded on the right, and a mask that is 1 for what is no padding."""
    width = max(len(ids) for ids in tokens)
    padded = np.full((len(tokens), width), pad_id, dtype=np.int64)
    mask = np.zeros_like(padded)
    for row, ids in enumerate(tokens):
        padded[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return padded, mask


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of shape (texts, labels), each row adding up to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return scores
