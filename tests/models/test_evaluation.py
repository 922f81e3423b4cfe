"""The figures, against ones worked out by hand."""

import pytest

from sentiserve.errors import BadInputError
from sentiserve.models.evaluation import evaluate
from sentiserve.models.labelled import Labelled
from sentiserve.types import Sentiment

A = Sentiment({"a": 0.9, "b": 0.1})
B = Sentiment({"a": 0.2, "b": 0.8})
DATA = Labelled(("1", "2", "3", "4"), ("a", "a", "a", "b"))


def test_recall_precision_and_accuracy() -> None:
    result = evaluate(("a", "b"), DATA, [A, A, B, B])
    assert result.recall == pytest.approx({"a": 2 / 3, "b": 1.0})
    assert result.precision == pytest.approx({"a": 1.0, "b": 0.5})
    assert result.macro_recall == pytest.approx((2 / 3 + 1) / 2)
    assert result.accuracy == pytest.approx(3 / 4)
    assert result.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert result.confusion.tolist() == [[2, 1], [0, 1]]


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    # 0.9 twice, both right: gap 0.1; 0.8 twice, one right: gap 0.3; half of the texts each.
    result = evaluate(("a", "b"), DATA, [A, A, B, B])
    assert result.calibration_error == pytest.approx(0.5 * 0.1 + 0.5 * 0.3)


def test_a_label_that_is_never_said_has_no_precision() -> None:
    assert evaluate(("a", "b"), DATA, [A, A, A, A]).precision["b"] == 0


def test_labels_that_differ_are_refused() -> None:
    with pytest.raises(BadInputError, match="the model's labels are a, c"):
        evaluate(("a", "c"), DATA, [A, A, B, B])
