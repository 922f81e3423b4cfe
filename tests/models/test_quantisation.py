"""int8 products and look-ups on a graph of two nodes, against the float ones."""

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from sentiserve.models.quantisation import quantise

VOCABULARY, WIDTH, OUT = 50, 64, 24


@pytest.fixture(scope="module")
def graph() -> ModelProto:
    """Look rows up in a table, and multiply them by a matrix."""
    rng = np.random.default_rng(3)
    table = rng.normal(size=(VOCABULARY, WIDTH)).astype(np.float32)
    weight = (rng.normal(size=(WIDTH, OUT)) * rng.uniform(0.1, 10, OUT)).astype(np.float32)
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Gather", ["table", "ids"], ["rows"], axis=0),
                helper.make_node("MatMul", ["rows", "weight"], ["out"]),
            ],
            "two",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "tokens"])],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", "tokens", OUT])],
            [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weight, "weight")],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )


def run(model: ModelProto, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (out,) = session.run(None, {"ids": ids})
    return np.asarray(out)


def test_the_result_is_close_to_that_of_floats(graph: ModelProto) -> None:
    ids = np.arange(40, dtype=np.int64).reshape(4, 10)
    exact, rough = run(graph, ids), run(quantise(graph), ids)
    assert np.abs(exact - rough).max() < 0.02 * np.abs(exact).max()


def test_a_row_is_the_same_in_any_company(graph: ModelProto) -> None:
    quantised = quantise(graph)
    ids = np.arange(40, dtype=np.int64).reshape(4, 10)
    together = run(quantised, ids)
    for row in range(4):
        assert np.array_equal(run(quantised, ids[row : row + 1])[0], together[row])


def test_a_row_of_zeros_stays_zero() -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(WIDTH, OUT)).astype(np.float32)
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMul", ["rows", "weight"], ["out"])],
            "one",
            [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", WIDTH])],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", OUT])],
            [numpy_helper.from_array(weight, "weight")],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    session = onnxruntime.InferenceSession(quantise(model).SerializeToString())
    (out,) = session.run(None, {"rows": np.zeros((2, WIDTH), np.float32)})
    assert not np.asarray(out).any()


def test_no_float_matrix_is_left(graph: ModelProto) -> None:
    quantised = quantise(graph)
    kinds = {t.name: t.data_type for t in quantised.graph.initializer if len(t.dims) == 2}
    large = {name: kind for name, kind in kinds.items() if not name.endswith("_scale")}
    assert set(large.values()) == {TensorProto.INT8}
