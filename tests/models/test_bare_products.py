"""The products of a graph, found and counted."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sentiserve.models.bare_products import Product, Products
from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.models.quantisation import quantise

LAYERS, WIDTH, INNER = 6, 384, 1536


def pooled(path: Path) -> Path:
    """Look tokens up, multiply each of them twice, and their mean once."""
    rng = np.random.default_rng(3)
    shapes = {"table": (50, 16), "first": (16, 24), "second": (24, 24), "head": (24, 3)}
    weights = [
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    axis = numpy_helper.from_array(np.array([1]), "axis")
    names = ("input_ids", "attention_mask")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
            helper.make_node("MatMul", ["rows", "first"], ["hidden"]),
            helper.make_node("MatMul", ["hidden", "second"], ["states"]),
            helper.make_node("ReduceMean", ["states", "axis"], ["mean"], keepdims=0),
            helper.make_node("MatMul", ["mean", "head"], ["logits"]),
        ],
        "pooled",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["texts", "tokens"]) for n in names],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", 3])],
        [*weights, axis],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(quantise(model), path)
    return path


def test_the_products_of_the_bundled_model_are_those_of_its_six_layers() -> None:
    counts = Products(open_bundle(default_bundle()).weights, threads=1).counts
    assert all(one.per_token for one in counts)
    work = sum(one.inner * one.outer * count for one, count in counts.items())
    assert work == LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)


def test_what_lies_behind_the_pooling_is_multiplied_once_a_text(tmp_path: Path) -> None:
    products = Products(pooled(tmp_path / "model.onnx"), threads=1)
    assert products.counts == {
        Product(16, 24, per_token=True): 1,
        Product(24, 24, per_token=True): 1,
        Product(24, 3, per_token=False): 1,
    }
    products.run([(2, 7), (1, 3)])
