"""A temperature is found where there is one, and makes scores as high as they are right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import MAX_TEMPERATURE, MIN_TEMPERATURE, default_bundle, open_bundle
from sentiserve.models.calibration import Floats, Indices, calibrate, fit_temperature
from sentiserve.models.classifier import Classifier, softmax
from sentiserve.models.labelled import Labelled
from sentiserve.testing.fakes import FakeModel

TEXTS = 4_000
LABELS = open_bundle(default_bundle()).manifest.labels


def drawn(temperature: float, seed: int = 0) -> tuple[Floats, Indices]:
    """Logits, and labels that come as often as the logits say at this temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (TEXTS, 3)) * temperature
    below = softmax(logits / temperature).cumsum(axis=1)
    return logits, (random.random((TEXTS, 1)) > below[:, :2]).sum(axis=1)


class Replaying(Classifier):
    """Gives the logits that it was told to, whatever the texts."""

    def __init__(self, logits: Floats) -> None:
        super().__init__(open_bundle(default_bundle()))
        self._rows = logits

    def logits(self, texts: object) -> Floats:
        return self._rows

    def _logits(self, ids: Indices, mask: Indices) -> Floats:
        raise NotImplementedError


def labelled(truth: Indices) -> Labelled:
    return Labelled(("text",) * len(truth), tuple(LABELS[i] for i in truth))


@pytest.mark.parametrize("temperature", [0.1, 0.7, 1.0, 1.3, 4.0, 15.0])
def test_the_temperature_that_the_labels_were_drawn_with_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_no_other_temperature_makes_the_truth_more_likely(seed: int) -> None:
    logits, truth = drawn(1.3, seed)

    def nll(temperature: float) -> float:
        scores = softmax(logits / temperature)
        return float(-np.log(scores[np.arange(TEXTS), truth]).mean())

    best = fit_temperature(logits, truth)
    assert nll(best) <= min(nll(best * 1.01), nll(best / 1.01))


@given(
    logits=arrays(np.float64, (6, 3), elements=st.floats(-1e30, 1e30)),
    truth=arrays(np.int64, 6, elements=st.integers(0, 2)),
)
def test_whatever_the_logits_a_temperature_within_the_bounds_is_found(
    logits: Floats, truth: Indices
) -> None:
    temperature = fit_temperature(logits, truth)
    assert MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE
    scores = softmax(logits / temperature)
    assert np.isfinite(scores).all()
    chosen = scores[np.arange(6), logits.argmax(axis=1)]
    assert (chosen == scores.max(axis=1)).all(), "no label changes"


def test_scores_that_are_too_high_are_mended_on_texts_that_were_not_seen() -> None:
    logits, truth = drawn(2.5)
    result = calibrate(Replaying(logits), labelled(truth))
    assert result.temperature == pytest.approx(2.5, rel=0.06)
    assert result.before.calibration_error > 0.1
    assert result.cross_fitted.calibration_error < 0.04
    assert result.after.nll <= result.cross_fitted.nll < result.before.nll


def test_the_same_texts_give_the_same_result() -> None:
    logits, truth = drawn(2.5)
    assert calibrate(Replaying(logits), labelled(truth)) == calibrate(
        Replaying(logits), labelled(truth)
    )


def test_a_model_that_is_always_right_has_no_temperature() -> None:
    logits, _ = drawn(1.0)
    with pytest.raises(BadInputError, match="use more texts"):
        calibrate(Replaying(logits), labelled(logits.argmax(axis=1)))


def test_scores_that_say_nothing_of_the_labels_have_no_temperature() -> None:
    logits, _ = drawn(1.0)
    with pytest.raises(BadInputError, match="are they the right ones"):
        calibrate(Replaying(logits), labelled(logits.argmin(axis=1)))


def test_data_may_lack_a_label() -> None:
    logits, truth = drawn(2.5)
    there = truth != 0
    result = calibrate(Replaying(logits[there]), labelled(truth[there]))
    assert result.temperature > 1


def test_labels_that_the_model_does_not_have_are_refused() -> None:
    with pytest.raises(BadInputError, match="the data's surprise; it has"):
        calibrate(Replaying(np.zeros((1, 3))), Labelled(("text",), ("surprise",)))


def test_an_engine_without_logits_is_named() -> None:
    with pytest.raises(BadInputError, match="the engine of fake bundles gives no logits"):
        calibrate(FakeModel(), Labelled(("text",), ("neutral",)))


def test_a_few_texts_tell_no_temperature() -> None:
    logits, truth = drawn(2.5)
    with pytest.raises(BadInputError, match="99 texts are too few .* 100 at least"):
        calibrate(Replaying(logits[:99]), labelled(truth[:99]))
    assert calibrate(Replaying(logits[:100]), labelled(truth[:100])).is_better


def test_scores_that_were_right_get_no_better() -> None:
    logits, truth = drawn(open_bundle(default_bundle()).manifest.temperature)
    assert not calibrate(Replaying(logits), labelled(truth)).is_better
