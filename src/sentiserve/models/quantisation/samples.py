"""What flows through a graph on sample texts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from sentiserve.models.quantisation.graph import MASK

Feed = Mapping[str, NDArray[np.int64]]  # token ids and their mask, both (batch, tokens)
_ROWS = 1_024  # tokens that are kept of each tensor, to try scales on


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of the input of a product.

    Attributes:
        low: the smallest value of each channel.
        high: the largest value of each channel.
        rows: some tokens, of shape (tokens, channels).
        energy: for each of these tokens, the mean square of what the product becomes a part of.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    rows: NDArray[np.float32]
    energy: NDArray[np.float32]


@np.errstate(over="ignore", invalid="ignore")  # choose refuses what comes of it
def observe(
    model: onnx.ModelProto, totals: Mapping[str, Sequence[str]], feeds: Sequence[Feed]
) -> dict[str, Observed]:
    """Run the model on all feeds, and watch tensors whose last axis is channels.

    Args:
        model: a float graph.
        totals: for each tensor to be watched, those whose energy counts.
        feeds: the samples.
    """
    names = sorted({*totals, *(name for some in totals.values() for name in some)})
    tokens = sum(int(feed[MASK].sum()) for feed in feeds)
    step = -(-tokens // _ROWS)
    watchers = {name: _Watcher(step) for name in totals}
    for feed, arrays in zip(feeds, run(model, names, feeds), strict=True):
        real = feed[MASK].astype(bool)
        seen = {name: _rows(array, real) for name, array in zip(names, arrays, strict=True)}
        for name, watcher in watchers.items():
            energy = [np.square(seen[total]).mean(axis=1) for total in totals[name]]
            watcher.take(seen[name], np.mean(energy, axis=0))
    return {name: watcher.observed for name, watcher in watchers.items()}


def run(
    model: onnx.ModelProto, names: Sequence[str], feeds: Sequence[Feed]
) -> Iterator[list[NDArray[np.float32]]]:
    """The values of tensors, for each feed."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    for feed in feeds:
        yield session.run(list(names), dict(feed))


def _rows(array: NDArray[np.float32], real: NDArray[np.bool_]) -> NDArray[np.float32]:
    """One for each token that is no padding; all of a tensor that has none for each token."""
    if array.ndim == real.ndim + 1 and array.shape[:-1] == real.shape:
        return array[real]
    return array.reshape(-1, array.shape[-1])


def pooled(several: Sequence[Observed]) -> Observed:
    """What was seen of the inputs of products that share their weights."""
    return Observed(
        np.min([seen.low for seen in several], axis=0),
        np.max([seen.high for seen in several], axis=0),
        np.concatenate([seen.rows for seen in several]),
        np.concatenate([seen.energy for seen in several]),
    )


class _Watcher:
    """Gathers what is seen of one tensor."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._count = 0
        self._low: NDArray[np.float32] | float = np.inf
        self._high: NDArray[np.float32] | float = -np.inf
        self._rows: list[NDArray[np.float32]] = []
        self._energy: list[NDArray[np.float32]] = []

    def take(self, rows: NDArray[np.float32], energy: NDArray[np.float32]) -> None:
        self._low = np.minimum(self._low, rows.min(axis=0))
        self._high = np.maximum(self._high, rows.max(axis=0))
        chosen = slice(-self._count % self._step, None, self._step)
        self._rows.append(rows[chosen].copy())
        self._energy.append(energy[chosen].copy())
        self._count += len(rows)

    @property
    def observed(self) -> Observed:
        return Observed(
            np.asarray(self._low),
            np.asarray(self._high),
            np.concatenate(self._rows),
            np.concatenate(self._energy),
        )
