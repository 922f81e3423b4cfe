"""Scores that are right as often as they say, by one temperature for all logits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiserve.errors import BadInputError
from sentiserve.models.bundle import MAX_TEMPERATURE, MIN_TEMPERATURE
from sentiserve.models.classifier import Classifier, softmax
from sentiserve.models.evaluation import calibration_error, true_labels
from sentiserve.models.labelled import Labelled
from sentiserve.protocols import Model

_DIGITS = 4  # of a temperature: far finer than any data can tell
_HALVINGS = 50
_FEWEST = 100  # texts; of so many, it is found to within a third or so, of fifty to within half
_SEED = 2017  # the same table gives the same halves

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fitness:
    """How well scores fit the truth.

    Attributes:
        calibration_error: as in ``Evaluation``.
        nll: the mean negative log-likelihood of the true labels, in nats.
    """

    calibration_error: float
    nll: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature, and what it is worth.

    Attributes:
        before: with the temperature that the model had.
        after: with the new one, on the texts that it was fitted on.
        cross_fitted: each half of the texts with the temperature of the other half: what to
            expect of texts that were not seen.
    """

    temperature: float
    before: Fitness
    after: Fitness
    cross_fitted: Fitness

    @property
    def is_better(self) -> bool:
        """Whether texts that were not seen are to expect better scores than they had."""
        return self.cross_fitted.nll < self.before.nll


def calibrate(model: Model, data: Labelled) -> Calibration:
    """Fit a temperature on texts that the model was not trained on.

    Raises:
        BadInputError: the data have a label that the model doesn't or fewer than 100 texts, no
            temperature fits, or the model's engine keeps its logits to itself.
    """
    if not isinstance(model, Classifier):
        raise BadInputError(f"the engine of {model.info.format} bundles gives no logits to fit")
    truth = true_labels(model.info.labels, data)
    if len(truth) < _FEWEST:
        raise BadInputError(
            f"{len(truth):,} texts are too few to fit a temperature; it takes {_FEWEST} at least"
        )
    logits = model.logits(data.texts)
    temperature = _inside(fit_temperature(logits, truth))
    return Calibration(
        temperature,
        before=_fitness(softmax(logits / model.info.temperature), truth),
        after=_fitness(softmax(logits / temperature), truth),
        cross_fitted=_fitness(_cross_fitted(logits, truth), truth),
    )


def fit_temperature(logits: Floats, truth: Indices) -> float:
    """The temperature under which the true labels are most likely.

    That is Guo et al., 2017, *On Calibration of Modern Neural Networks*, section 4.2. The mean
    negative log-likelihood is convex in 1/temperature, so its slope is halved down to zero.

    Args:
        logits: of shape (texts, labels).
        truth: the index of each text's true label.

    Returns:
        From ``MIN_TEMPERATURE`` to ``MAX_TEMPERATURE``, the nearest of them if the best is outside.
    """
    logits = logits - logits.max(axis=1, keepdims=True)
    of_truth = logits[np.arange(len(truth)), truth].mean()
    low, high = 1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = (softmax(logits * middle) * logits).sum(axis=1).mean()
        low, high = (middle, high) if expected < of_truth else (low, middle)
    return float(2 / (low + high))


def _inside(temperature: float) -> float:
    found = round(temperature, _DIGITS)
    if found <= MIN_TEMPERATURE:
        raise BadInputError("no temperature fits: nearly every label is right; use more texts")
    if found >= MAX_TEMPERATURE:
        raise BadInputError(
            "no temperature fits: the scores say nothing about these labels; "
            "are they the right ones?"
        )
    return found


def _cross_fitted(logits: Floats, truth: Indices) -> Floats:
    scores = np.empty_like(logits)
    one, other = np.array_split(np.random.default_rng(_SEED).permutation(len(truth)), 2)
    for fitted, held_out in ((one, other), (other, one)):
        temperature = fit_temperature(logits[fitted], truth[fitted])
        scores[held_out] = softmax(logits[held_out] / temperature)
    return scores


def _fitness(scores: Floats, truth: Indices) -> Fitness:
    right = scores.argmax(axis=1) == truth
    of_truth = scores[np.arange(len(truth)), truth]
    nll = -np.log(np.maximum(of_truth, np.finfo(np.float64).tiny)).mean()
    return Fitness(calibration_error(scores.max(axis=1), right), float(nll))
