"""int8 graphs against the float ones that they come from, and against themselves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.quantisation.asking import (
    LOUD,
    QUIET,
    Asked,
    Text,
    feed,
    look_up_and_multiply,
    operators,
    samples,
)
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from sentiserve.models import quantisation
from sentiserve.models.quantisation import IDS, MASK, quantise

texts = st.lists(st.sampled_from([*LOUD, *QUIET]), min_size=1, max_size=20)
QUIET_TEXTS = [[8, 90, 17, 301], [250, 31]]
LOUD_TEXT = [*LOUD, 44]


def test_the_logits_are_close_to_those_of_floats(bert: ModelProto, int8_bert: ModelProto) -> None:
    exact, rough = Asked(bert), Asked(int8_bert)
    for batch in samples(8):
        assert np.allclose(rough(batch), exact(batch), atol=0.1 * np.abs(exact(batch)).max())


def dependence(one: Asked, another: Asked, batch: Sequence[Text], padding: int = 0) -> float:
    """How far a text's logits in a batch are from those that it has alone."""
    alone = np.concatenate([one(feed([text])) for text in batch])
    return float(np.abs(another(feed(batch, padding)) - alone).max())


@pytest.fixture(scope="module")
def one_thread(int8_bert: ModelProto) -> Asked:
    return Asked(int8_bert)


@pytest.fixture(scope="module")
def two_threads(int8_bert: ModelProto) -> Asked:
    return Asked(int8_bert, threads=2)


@settings(max_examples=100)
@given(batch=st.lists(texts, min_size=1, max_size=8), padding=st.integers(0, 20))
def test_logits_depend_on_no_neighbour_padding_or_thread(
    one_thread: Asked, two_threads: Asked, batch: list[Text], padding: int
) -> None:
    assert dependence(one_thread, two_threads, batch, padding) <= 1e-6


def test_scales_found_while_running_do_depend_on_the_neighbours(
    bert: ModelProto, tmp_path: Path
) -> None:
    """Which shows that the check above can fail, and why the scales are fixed."""
    file = tmp_path / "naive.onnx"
    unshaped = ModelProto()
    unshaped.CopyFrom(bert)
    del unshaped.graph.value_info[:]
    quantize_dynamic(unshaped, file, per_channel=True, weight_type=QuantType.QInt8)
    naive = Asked(onnx.load(file))
    assert dependence(naive, naive, [QUIET_TEXTS[0]]) == 0
    assert dependence(naive, naive, [*QUIET_TEXTS, LOUD_TEXT]) > 1e-2


def test_the_model_is_left_as_it_was(bert: ModelProto) -> None:
    before = bert.SerializeToString(deterministic=True)
    quantise(bert, samples(2))
    assert bert.SerializeToString(deterministic=True) == before


def two_nodes(table: NDArray[np.float32]) -> ModelProto:
    weight = np.random.default_rng(3).normal(size=(table.shape[1], 24)).astype(np.float32)
    return look_up_and_multiply(table, weight)


@pytest.mark.parametrize(("limit", "kind"), [(400 * 16 - 1, "INT8"), (400 * 16, "FLOAT")])
def test_only_a_table_above_the_limit_becomes_int8(
    limit: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantisation, "_LARGE_TABLE", limit)
    model = two_nodes(np.random.default_rng(3).normal(size=(400, 16)).astype(np.float32))
    small = quantise(model, samples(4))
    tables = [t for t in small.graph.initializer if t.dims == [400, 16]]
    assert [t.data_type for t in tables] == [TensorProto.DataType.Value(kind)]
    assert error(small, model) < 0.05


@pytest.mark.parametrize(("outputs", "cure"), [(24, "Sum"), (64, "Mul")])
def test_a_channel_a_hundred_times_the_others_costs_little(outputs: int, cure: str) -> None:
    """It is added in float where a product narrows, and smoothed where it doesn't."""
    rng = np.random.default_rng(3)
    table = rng.normal(size=(400, 64)).astype(np.float32)
    weight = rng.normal(size=(64, outputs)).astype(np.float32)
    table[:, 17] *= 100
    weight[17] /= 100
    model = look_up_and_multiply(table, weight)
    int8 = quantise(model, samples(4))
    assert {"Sum", "Mul"} & set(operators(int8)) == {cure}
    assert error(int8, model) < 0.02


def error(int8: ModelProto, exact: ModelProto) -> float:
    """As a share of what comes out, over the real tokens of a batch."""
    (batch,) = samples(1)
    real = batch[MASK].astype(bool)
    wanted = Asked(exact)(batch)[real]
    return float(np.linalg.norm(Asked(int8)(batch)[real] - wanted) / np.linalg.norm(wanted))


def test_positions_stay_float_where_words_do_not(
    bert: ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {t.name: t for t in bert.graph.initializer}
    words, positions = (
        next(name for name in before if name.endswith(f"{kind}_embeddings.weight"))
        for kind in ("word", "position")
    )
    monkeypatch.setattr(quantisation, "_LARGE_TABLE", np.prod(before[positions].dims))
    after = {t.name: t for t in quantise(bert, samples(2)).graph.initializer}
    assert words not in after
    assert after[positions] == before[positions]


def test_weights_that_several_products_share_stay_shared() -> None:
    rng = np.random.default_rng(3)
    model = two_nodes(rng.normal(size=(400, 24)).astype(np.float32))
    model.graph.node[1].output[0] = "first"
    model.graph.node.append(helper.make_node("MatMul", ["first", "weight"], ["out"]))
    int8 = quantise(model, samples(4))
    weights = [t for t in int8.graph.initializer if t.data_type == TensorProto.INT8]
    assert operators(int8).count("MatMulIntegerToFloat") == 2
    assert [t.dims for t in weights] == [[24, 24]]
    assert error(int8, model) < 0.05


def test_a_row_of_zeros_stays_zero() -> None:
    table = np.random.default_rng(3).normal(size=(400, 16)).astype(np.float32)
    table[8] = 0
    assert not Asked(quantise(two_nodes(table), samples(4)))(feed([[8, 8]])).any()


def test_samples_of_zeros_alone_still_give_finite_numbers() -> None:
    table = np.random.default_rng(3).normal(size=(400, 16)).astype(np.float32)
    table[8] = 0
    asked = Asked(quantise(two_nodes(table), [feed([[8, 8]])]))
    assert np.isfinite(asked(feed([[8, 9]]))).all()


def test_what_lies_outside_of_the_samples_saturates() -> None:
    """It would come out with the other sign if it wrapped around."""
    table = np.linspace(-4, 4, 400, dtype=np.float32)[:, None].repeat(16, axis=1)
    narrow = [feed([range(150, 250)])]  # from -1 to 1
    model = look_up_and_multiply(table, np.ones((16, 24), np.float32))
    low, inside_low, inside_high, high = Asked(quantise(model, narrow))(feed([[0, 150, 249, 399]]))[
        0, :, 0
    ]
    assert low == pytest.approx(inside_low, rel=0.05)
    assert high == pytest.approx(inside_high, rel=0.05)


def test_products_are_int8(int8_bert: ModelProto) -> None:
    found = operators(int8_bert)
    assert (found.count("MatMulIntegerToFloat"), found.count("MatMul")) == (3, 0)


def test_a_product_behind_the_pooling_is_quantised_too() -> None:
    rng = np.random.default_rng(3)
    names = {"table": (50, 16), "first": (16, 16), "head": (16, 3)}
    weights = [
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in names.items()
    ]
    zero = numpy_helper.from_array(np.array(0), "zero")
    nodes = [
        helper.make_node("Gather", ["table", IDS], ["rows"]),
        helper.make_node("MatMul", ["rows", "first"], ["states"]),
        helper.make_node("Gather", ["states", "zero"], ["pooled"], axis=1),
        helper.make_node("MatMul", ["pooled", "head"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "t"]) for n in (IDS, MASK)]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 3])]
    graph = helper.make_graph(nodes, "pooled", inputs, outputs, [*weights, zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    ids = rng.integers(0, 50, size=(4, 4))
    feed = {IDS: ids, MASK: np.ones_like(ids)}
    exact, rough = (
        onnxruntime.InferenceSession(m.SerializeToString()).run(None, feed)[0]
        for m in (model, quantise(model, [feed]))
    )
    assert np.abs(exact - rough).max() < 0.05 * np.abs(exact).max()
