"""How good a model is, on texts whose labels are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiserve.errors import BadInputError
from sentiserve.models.labelled import Labelled
from sentiserve.types import Sentiment

_BINS = 15


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the predictions are worth.

    Attributes:
        confusion: counts; a row for each true label, a column for each predicted one.
        calibration_error: expected calibration error over 15 bins of equal width
            (Guo et al., 2017, *On Calibration of Modern Neural Networks*, eq. 3).
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    calibration_error: float

    @property
    def recall(self) -> dict[str, float]:
        """Recall per label."""
        return self._per_label(axis=1)

    @property
    def precision(self) -> dict[str, float]:
        """Precision per label; 0 for one that is never predicted."""
        return self._per_label(axis=0)

    @property
    def macro_recall(self) -> float:
        """The mean of the labels' recalls: SemEval-2017 task 4A's official measure."""
        return float(np.mean(list(self.recall.values())))

    @property
    def accuracy(self) -> float:
        """The share of right predictions."""
        return float(self.confusion.trace() / self.confusion.sum())

    @property
    def macro_f1(self) -> float:
        """The mean of the labels' F1."""
        return float(
            np.mean(
                [
                    2 * p * r / (p + r) if p + r else 0.0
                    for p, r in zip(self.precision.values(), self.recall.values(), strict=True)
                ]
            )
        )

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name, to four digits."""
        figures = {
            "macro_recall": self.macro_recall,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "calibration_error": self.calibration_error,
        }
        return {name: round(value, 4) for name, value in figures.items()}

    def _per_label(self, axis: int) -> dict[str, float]:
        right, all_of_it = self.confusion.diagonal(), self.confusion.sum(axis=axis)
        values = right / np.maximum(all_of_it, 1)
        return dict(zip(self.labels, values.tolist(), strict=True))


def evaluate(labels: Sequence[str], data: Labelled, sentiments: Sequence[Sentiment]) -> Evaluation:
    """Compare predictions with the truth.

    Args:
        labels: the model's labels.
        data: the texts with their true labels.
        sentiments: what the model said of the texts, in the same order.

    Raises:
        BadInputError: the data have a label that the model doesn't, or lack one that it has.
    """
    truth = true_labels(labels, data)
    index = {label: i for i, label in enumerate(labels)}
    said = np.array([index[sentiment.label] for sentiment in sentiments])
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(confusion, (truth, said), 1)
    confidence = np.array([max(sentiment.scores.values()) for sentiment in sentiments])
    return Evaluation(tuple(labels), confusion, calibration_error(confidence, truth == said))


def true_labels(labels: Sequence[str], data: Labelled) -> NDArray[np.int64]:
    """The index of each text's true label among the model's.

    Raises:
        BadInputError: the data have a label that the model doesn't, or lack one that it has.
    """
    if set(labels) != set(data.labels):
        raise BadInputError(
            f"the model's labels are {', '.join(labels)}; "
            f"the data's are {', '.join(sorted(set(data.labels)))}"
        )
    index = {label: i for i, label in enumerate(labels)}
    return np.array([index[label] for label in data.labels])


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
