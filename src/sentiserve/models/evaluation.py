"""How good a model is, on texts whose labels are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiserve.errors import BadInputError
from sentiserve.models.labelled import Labelled
from sentiserve.types import Sentiment

_BINS = 15
_NAMED = 8  # labels in a message; a model may have hundreds

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the predictions are worth.

    Where the data lack a label, there are no macro-averages: a mean over the others would mislead.

    Attributes:
        confusion: counts; a row for each true label, a column for each predicted one.
        calibration_error: expected calibration error over 15 bins of equal width
            (Guo et al., 2017, *On Calibration of Modern Neural Networks*, eq. 3).
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    calibration_error: float

    @property
    def recall(self) -> dict[str, float | None]:
        """Recall per label; None for one that the data lack."""
        return self._per_label(self._true)

    @property
    def precision(self) -> dict[str, float | None]:
        """Precision per label; None for one that is never predicted."""
        return self._per_label(self._said)

    @property
    def macro_recall(self) -> float | None:
        """The mean of the labels' recalls: SemEval-2017 task 4A's official measure."""
        return self._macro(self._true)

    @property
    def accuracy(self) -> float:
        """The share of right predictions."""
        return float(self.confusion.trace() / self.confusion.sum())

    @property
    def macro_f1(self) -> float | None:
        """The mean of the labels' F1, each the right ones over the mean of true and predicted."""
        return self._macro((self._true + self._said) / 2)

    @property
    def figures(self) -> dict[str, float | None]:
        """The figures by name, to four digits."""
        figures = {
            "macro_recall": self.macro_recall,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "calibration_error": self.calibration_error,
        }
        return {n: None if value is None else round(value, 4) for n, value in figures.items()}

    @property
    def _true(self) -> Counts:
        counts: Counts = self.confusion.sum(axis=1)
        return counts

    @property
    def _said(self) -> Counts:
        counts: Counts = self.confusion.sum(axis=0)
        return counts

    def _per_label(self, counts: Counts) -> dict[str, float | None]:
        right = self.confusion.diagonal()
        return {
            label: float(hits / count) if count else None
            for label, hits, count in zip(self.labels, right, counts, strict=True)
        }

    def _macro(self, counts: Counts | NDArray[np.float64]) -> float | None:
        if not self._true.all():
            return None
        return float((self.confusion.diagonal() / counts).mean())


def evaluate(labels: Sequence[str], data: Labelled, sentiments: Sequence[Sentiment]) -> Evaluation:
    """Compare predictions with the truth.

    Args:
        labels: the model's labels.
        data: the texts with their true labels.
        sentiments: what the model said of the texts, in the same order.

    Raises:
        BadInputError: the data have a label that the model doesn't.
    """
    truth = true_labels(labels, data)
    index = {label: i for i, label in enumerate(labels)}
    said = np.array([index[sentiment.label] for sentiment in sentiments])
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(confusion, (truth, said), 1)
    confidence = np.array([max(sentiment.scores.values()) for sentiment in sentiments])
    return Evaluation(tuple(labels), confusion, calibration_error(confidence, truth == said))


def true_labels(labels: Sequence[str], data: Labelled) -> Counts:
    """The index of each text's true label among the model's.

    Raises:
        BadInputError: the data have a label that the model doesn't.
    """
    if unknown := set(data.labels) - set(labels):
        raise BadInputError(
            f"the model doesn't have the data's {_some(sorted(unknown))}; it has {_some(labels)}"
        )
    index = {label: i for i, label in enumerate(labels)}
    return np.array([index[label] for label in data.labels])


def _some(labels: Sequence[str]) -> str:
    rest = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error: how far confidence is from the share of right predictions.

    Args:
        confidence: the score of each predicted label, from 0 to 1.
        right: whether it was the true one.
    """
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return float(
        sum(
            abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean()
            for b in np.unique(bins)
        )
    )
