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


def test_a_label_that_is_never_said_has_no_precision_and_no_f1_to_speak_of() -> None:
    result = evaluate(("a", "b"), DATA, [A, A, A, A])
    assert result.precision == {"a": 0.75, "b": None}
    assert result.macro_f1 == pytest.approx((2 * 0.75 / 1.75 + 0) / 2)


def test_a_label_that_the_data_lack_has_no_recall_and_leaves_no_macro_average() -> None:
    result = evaluate(("a", "b"), Labelled(("1", "2"), ("a", "a")), [A, B])
    assert result.recall == {"a": 0.5, "b": None}
    assert result.figures == {
        "macro_recall": None,
        "accuracy": 0.5,
        "macro_f1": None,
        "calibration_error": 0.45,  # 0.9 and right, 0.8 and wrong
    }


def test_labels_that_the_model_does_not_have_are_refused_by_name() -> None:
    with pytest.raises(BadInputError, match="doesn't have the data's b; it has a, c$"):
        evaluate(("a", "c"), DATA, [A, A, B, B])


def test_not_every_one_of_many_labels_is_named() -> None:
    data = Labelled(("text",) * 30, tuple(f"{i:02}" for i in range(30)))
    with pytest.raises(BadInputError, match="data's 00, 01, .*, 07 and 22 more; it has a, b$"):
        evaluate(("a", "b"), data, [A] * 30)
