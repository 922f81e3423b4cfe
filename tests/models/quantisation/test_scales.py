"""How the scheme of a product is chosen."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sentiserve.errors import BadInputError
from sentiserve.models.quantisation.samples import Observed
from sentiserve.models.quantisation.scales import Scheme, choose, folded, quantised

TOKENS, CHANNELS, LARGE = 200, 64, 17


def product(
    outputs: int, factor: float = 100
) -> tuple[Observed, NDArray[np.float32], NDArray[np.float32]]:
    """What is seen of a product, one of whose channels is so much larger, and its weights."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(TOKENS, CHANNELS)).astype(np.float32)
    rows[:, LARGE] *= factor
    weight = rng.normal(size=(CHANNELS, outputs)).astype(np.float32)
    weight[LARGE] /= factor
    energy = np.square(rows @ weight).mean(axis=1)
    return Observed(rows.min(axis=0), rows.max(axis=0), rows, energy), weight, rows


def result(
    scheme: Scheme, rows: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    smooth = rows if scheme.smoothing is None else rows / scheme.smoothing
    levels = np.rint(smooth / scheme.scale) + np.float32(scheme.zero_point)
    left = (np.clip(levels, 0, 255) - np.float32(scheme.zero_point)) * scheme.scale
    values, scales = quantised(folded(scheme, weight), axis=0)
    kept = rows[:, scheme.outliers] @ weight[scheme.outliers]
    return np.asarray(left @ (values * scales) + kept, np.float32)


def relative_error(scheme: Scheme, rows: NDArray[np.float32], weight: NDArray[np.float32]) -> float:
    exact = rows @ weight
    return float(np.linalg.norm(result(scheme, rows, weight) - exact) / np.linalg.norm(exact))


def test_channels_of_one_size_need_nothing_but_a_scale() -> None:
    seen, weight, rows = product(outputs=32, factor=1)
    scheme = choose(seen, weight)
    assert scheme.smoothing is None
    assert not scheme.outliers.size
    assert relative_error(scheme, rows, weight) < 0.02


def test_a_large_channel_stays_in_float_where_a_product_narrows() -> None:
    seen, weight, rows = product(outputs=CHANNELS // 2)
    scheme = choose(seen, weight)
    assert LARGE in scheme.outliers
    assert scheme.smoothing is None
    assert relative_error(scheme, rows, weight) < 0.02


@pytest.mark.parametrize("outputs", [CHANNELS, 2 * CHANNELS])
def test_a_large_channel_is_smoothed_where_it_does_not(outputs: int) -> None:
    seen, weight, rows = product(outputs)
    scheme = choose(seen, weight)
    assert not scheme.outliers.size
    assert scheme.smoothing is not None
    assert scheme.smoothing.argmax() == LARGE
    assert relative_error(scheme, rows, weight) < 0.02


def test_without_a_cure_the_large_channel_drowns_the_others() -> None:
    seen, weight, rows = product(outputs=CHANNELS)
    span = seen.high.max() - seen.low.min()
    zero = np.uint8(np.rint(-seen.low.min() / (span / 255)))
    plain = Scheme(np.float32(span / 255), zero, None, np.array([], dtype=np.int64))
    assert relative_error(plain, rows, weight) > 0.2


def test_zero_has_a_level_of_its_own() -> None:
    """Padding and dead channels are to stay zero, wherever the range lies."""
    seen, weight, _ = product(outputs=32, factor=1)
    above = Observed(seen.low + 10, seen.high + 10, seen.rows + 10, seen.energy)
    scheme = choose(above, weight)
    assert scheme.zero_point == 0
    assert not result(scheme, np.zeros((1, CHANNELS), np.float32), weight).any()


def test_each_output_has_a_scale_of_its_own() -> None:
    weight = np.array([[1, 100], [-0.5, 50]], np.float32)
    values, scales = quantised(weight, axis=0)
    assert values[0].tolist() == [127, 127]
    assert np.allclose(values * scales, weight, atol=scales.max() / 2)


def test_a_weight_of_zeros_stays_finite() -> None:
    values, scales = quantised(np.zeros((4, 3), np.float32), axis=0)
    assert not values.any()
    assert (np.isfinite(scales) & (scales > 0)).all()


def test_samples_that_are_not_finite_are_refused() -> None:
    seen, weight, _ = product(outputs=32)
    broken = Observed(seen.low, seen.high, seen.rows * np.float32(np.nan), seen.energy)
    with pytest.raises(BadInputError, match="no numbers"):
        choose(broken, weight)


def test_a_product_of_few_channels_may_stay_in_float_whole() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(TOKENS, 8)).astype(np.float32) * 10.0 ** np.arange(8, dtype=np.float32)
    weight = rng.normal(size=(8, 2)).astype(np.float32) / 10.0 ** np.arange(8)[:, None]
    weight = weight.astype(np.float32)
    seen = Observed(rows.min(0), rows.max(0), rows, np.square(rows @ weight).mean(axis=1))
    scheme = choose(seen, weight)
    assert scheme.outliers.tolist() == list(range(8))
    assert relative_error(scheme, rows, weight) < 1e-6
