"""Fixed uint8 scales for the inputs of products, chosen by the error that they cause.

A scale that is fixed depends on no text, so a text's scores can't depend on its neighbours.
What makes one scale for all channels inexact is that a few channels are a hundred times as
large as the others. Two cures, of which each product gets the cheaper one that does:

* smoothing: each channel is divided by a factor, and its row of the weights multiplied by it
  (Xiao et al., 2023, *SmoothQuant*, eq. 3 and 4);
* outliers: the largest channels are multiplied in float (Dettmers et al., 2022, *LLM.int8()*,
  sec. 3.2, with channels that are fixed).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sentiserve.errors import BadInputError
from sentiserve.models.quantisation.samples import Observed

LARGEST = 127  # of an int8 weight; -128 is left out, so that zero stays in the middle
_LEVELS = 255
_TINY = np.float32(1e-12)
_ENOUGH = 1.5e-4  # squared error, as a share of the energy: below it nothing more is tried
_STRENGTHS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # of the range that was seen
_OUTLIERS = 8  # channels; a product so narrow costs little


@dataclass(frozen=True, slots=True)
class Scheme:
    """How the input of a product becomes uint8: ``round(x / smoothing / scale) + zero_point``.

    Attributes:
        smoothing: a factor for each channel; None for ones.
        outliers: the channels that stay in float.
    """

    scale: np.float32
    zero_point: np.uint8
    smoothing: NDArray[np.float32] | None
    outliers: NDArray[np.int64]


@np.errstate(over="ignore", invalid="ignore")  # it is refused, in our words
def choose(seen: Observed, weight: NDArray[np.float32]) -> Scheme:
    """The cheapest scheme that is exact enough for a product, or else the most exact one.

    Args:
        seen: the product's input on sample texts.
        weight: of shape (inputs, outputs).

    Raises:
        BadInputError: none is, for what was seen are no numbers.
    """
    best, least = None, np.inf
    for candidate in _candidates(seen, weight):
        for clip in _CLIPS:
            scheme = _scaled(candidate, seen, np.float32(clip))
            if (error := _error(scheme, seen, weight)) < least:
                best, least = scheme, error
        if best is not None and least < _ENOUGH:
            break
    if best is None:
        raise BadInputError("what the model computes on the sample texts are no numbers")
    return best


def quantised(
    weight: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 values, and the scales that undo it; ``axis`` is the one that shares a scale."""
    largest = np.abs(weight).max(axis=axis, keepdims=True)
    scales = np.maximum(largest / LARGEST, _TINY).astype(np.float32)
    return np.rint(weight / scales).astype(np.int8), scales


def folded(scheme: Scheme, weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights that the uint8 input is multiplied by, before they are quantised."""
    changed = weight if scheme.smoothing is None else weight * scheme.smoothing[:, None]
    changed = changed.copy()
    changed[scheme.outliers] = 0
    return changed


def _candidates(seen: Observed, weight: NDArray[np.float32]) -> Iterator[Scheme]:
    none = np.array([], dtype=np.int64)
    plain = Scheme(np.float32(1), np.uint8(0), None, none)
    yield plain
    size = np.maximum(np.abs(seen.low), np.abs(seen.high))
    inputs, outputs = weight.shape
    if inputs > outputs:  # smoothing passes over the inputs, outliers over the outputs
        yield replace(plain, outliers=np.sort(np.argsort(-size, kind="stable")[:_OUTLIERS]))
        return
    size = np.maximum(size, np.float32(1e-5))
    rows = np.maximum(np.abs(weight).max(axis=1), np.float32(1e-5))
    for strength in _STRENGTHS:
        factors = size**strength / rows ** (1 - strength)
        smoothing = factors / np.exp(np.log(factors).mean())
        yield replace(plain, smoothing=smoothing.astype(np.float32))


def _scaled(scheme: Scheme, seen: Observed, clip: np.float32) -> Scheme:
    """With a scale for a part of the range that was seen, in which zero has a value of its own."""
    low, high = _smoothed(scheme, seen.low), _smoothed(scheme, seen.high)
    kept = np.delete(np.stack([low, high]), scheme.outliers, axis=1)
    bottom, top = kept[0].min(initial=0) * clip, kept[1].max(initial=0) * clip
    scale = np.maximum(np.float32((top - bottom) / _LEVELS), _TINY)
    return replace(scheme, scale=scale, zero_point=np.uint8(np.rint(-bottom / scale)))


def _smoothed(scheme: Scheme, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows if scheme.smoothing is None else rows / scheme.smoothing


def _error(scheme: Scheme, seen: Observed, weight: NDArray[np.float32]) -> float:
    """Mean over tokens of the squared error, as a share of the energy."""
    zero = int(scheme.zero_point)
    levels = np.rint(_smoothed(scheme, seen.rows) / scheme.scale) + zero
    left = (np.clip(levels, 0, _LEVELS) - zero) * scheme.scale
    values, scales = quantised(folded(scheme, weight), axis=0)
    outliers = seen.rows[:, scheme.outliers] @ weight[scheme.outliers]
    wrong = left @ (values * scales) + outliers - seen.rows @ weight
    return float((np.square(wrong).mean(axis=1) / np.maximum(seen.energy, _TINY)).mean())
