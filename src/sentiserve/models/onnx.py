"""The engine for ONNX files: ONNX Runtime on the CPU."""

from collections.abc import Iterator, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from sentiserve.errors import BundleError, ModelError
from sentiserve.models.bundle import Bundle
from sentiserve.models.preprocessing import preprocessing
from sentiserve.types import ModelInfo, Sentiment

_BATCH_TOKENS = 2_048  # padded tokens in one run: enough to fill the cores, little memory
_DIGITS = 6  # finer differences are rounding noise of the hardware


class OnnxModel:
    """A sequence classifier in an ONNX file.

    The file takes ``input_ids`` and ``attention_mask``, int64 of shape (batch, tokens),
    and gives ``logits``, float32 of shape (batch, labels).
    """

    def __init__(self, bundle: Bundle, threads: int = 0) -> None:
        """Load the bundle's weights and tokenizer.

        Args:
            bundle: a verified bundle.
            threads: of one run; 0 leaves it to ONNX Runtime, which takes every core.

        Raises:
            BundleError: a file is not what its format says.
        """
        manifest = bundle.manifest
        self._info = manifest.info
        self._prepare = preprocessing(manifest.preprocessing)
        try:
            self._tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
        except Exception as error:  # tokenizers raises bare Exception
            raise BundleError(f"{bundle.tokenizer}: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(manifest.max_tokens)
        self._session = _session(bundle, threads)

    @property
    def info(self) -> ModelInfo:
        """What the bundle says of the model."""
        return self._info

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        """A sentiment for each text, in order.

        Raises:
            ModelError: ONNX Runtime failed.
        """
        encodings = self._tokenizer.encode_batch_fast([self._prepare(text) for text in texts])
        sentiments: dict[int, Sentiment] = {}
        for batch in _batches([len(e) for e in encodings]):
            chosen = [encodings[i] for i in batch]
            for i, encoding, scores in zip(batch, chosen, self._run(chosen), strict=True):
                sentiments[i] = Sentiment(
                    dict(zip(self._info.labels, scores.round(_DIGITS).tolist(), strict=True)),
                    truncated=bool(encoding.overflowing),
                )
        return [sentiments[i] for i in range(len(texts))]

    def _run(self, encodings: Sequence[Encoding]) -> NDArray[np.float64]:
        width = max(len(e) for e in encodings)
        ids = np.zeros((len(encodings), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
        try:
            (logits,) = self._session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise ModelError(f"the model failed on a batch of {len(encodings)}") from error
        return _softmax(np.asarray(logits, dtype=np.float64))


def _session(bundle: Bundle, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads that spin would take the cores from everything else in the process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            bundle.weights, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise BundleError(f"{bundle.weights} is not a usable ONNX file: {error}") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if {i.name for i in inputs} != {"input_ids", "attention_mask"} or outputs[0].name != "logits":
        raise BundleError(f"{bundle.weights}: inputs or outputs are not a sequence classifier's")
    if outputs[0].shape[-1] != len(bundle.manifest.labels):
        raise BundleError(f"{bundle.weights}: as many scores as labels are needed")
    return session


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


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return scores
