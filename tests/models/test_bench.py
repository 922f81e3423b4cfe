"""Bundles side by side: everything that is found, but for the speed itself."""

from pathlib import Path

import pytest

from sentiserve.errors import BadInputError
from sentiserve.models.bench import Plan, Result, bench
from sentiserve.models.bundle import default_bundle
from sentiserve.models.evaluation import evaluate
from sentiserve.models.labelled import Labelled
from sentiserve.models.registry import load_model


@pytest.fixture(scope="module")
def found(trained_bundles: dict[str, Path], labelled: Labelled) -> list[Result]:
    """The float bundle, its int8 form, and the float bundle again."""
    plan = Plan(labelled.texts, labelled, timed=6, batch=4, rounds=2, threads=1, matmul=True)
    names = ("onnx", "onnx-int8", "onnx")
    return bench([(name, trained_bundles[name]) for name in names], plan)


def test_a_bundle_agrees_with_itself(found: list[Result]) -> None:
    for result in (found[0], found[2]):
        assert (result.equal_labels, result.largest_difference) == (100.0, 0.0)


def test_the_first_bundle_is_what_the_others_are_held_against(found: list[Result]) -> None:
    assert (found[0].latency_ratio, found[0].throughput_ratio) == (1.0, 1.0)
    assert found[1].largest_difference > 0
    assert found[1].equal_labels > 90


def test_speeds_sizes_and_memory_are_positive(found: list[Result]) -> None:
    for result in found:
        assert 0 < result.median_ms <= result.p99_ms
        assert result.texts_per_second > 0
        assert result.memory_mb is None or result.memory_mb > 0
    assert 0 < found[1].disk_mb < found[0].disk_mb


def test_quality_is_that_of_an_evaluation(
    found: list[Result], trained_bundles: dict[str, Path], labelled: Labelled
) -> None:
    model = load_model(trained_bundles["onnx"], threads=1)
    alone = evaluate(model.info.labels, labelled, model.predict(labelled.texts))
    assert found[0].macro_recall == pytest.approx(alone.macro_recall)
    assert found[0].calibration_error == pytest.approx(alone.calibration_error)


def test_only_int8_bundles_are_compared_with_bare_products(found: list[Result]) -> None:
    assert [result.matmul_share is None for result in found] == [True, False, True]
    assert found[1].matmul_share
    assert found[1].matmul_share > 0


def test_other_labels_are_refused(trained_bundles: dict[str, Path], bundle: Path) -> None:
    manifest = bundle / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"neutral"', '"mixed"'))
    with pytest.raises(BadInputError, match=r"labels of b are .*mixed.*; those of a are"):
        bench([("a", default_bundle()), ("b", bundle)], Plan(["Fine."]))


def test_data_with_other_labels_are_refused_before_the_measuring() -> None:
    truth = Labelled(("Fine.",), ("happy",))
    with pytest.raises(BadInputError, match="the data's happy; it has"):
        bench([("a", default_bundle())], Plan(truth.texts, truth))


def test_data_that_lack_a_label_have_no_macro_recall() -> None:
    truth = Labelled(("What a lovely day!",), ("positive",))
    (result,) = bench([("a", default_bundle())], Plan(truth.texts, truth, rounds=1, threads=1))
    assert result.macro_recall is None
    assert result.calibration_error is not None


def test_timed_texts_are_taken_from_the_whole_file_in_batches_of_like_length() -> None:
    plan = Plan([str(i) * (9 - i) for i in range(8)], timed=4, batch=3)
    assert [text[0] for (text,) in plan.singles] == ["0", "2", "4", "6"]
    assert [[text[0] for text in batch] for batch in plan.batches] == [["6", "4", "2"], ["0"]]


def test_fewer_texts_than_asked_are_all_timed_once() -> None:
    assert Plan(["a", "b"], timed=128).singles == [("a",), ("b",)]
