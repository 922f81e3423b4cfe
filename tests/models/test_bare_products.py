"""The products of a graph, found and counted."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sentiserve.models.bare_products import Product, Products
from sentiserve.models.bundle import default_bundle, open_bundle

LAYERS, WIDTH, INNER = 6, 384, 1536


def pooled(path: Path) -> Path:
    """Multiply every token's row, and then the first one's of each text."""
    rng = np.random.default_rng(3)
    constants = {
        "table": rng.integers(0, 256, (50, 16), dtype=np.uint8),
        "wide": rng.integers(-127, 128, (16, 24), dtype=np.int8),
        "head": rng.integers(-127, 128, (16, 3), dtype=np.int8),
        "first": np.array(0),
    }
    names = ("input_ids", "attention_mask")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
            helper.make_node("MatMulInteger", ["rows", "wide"], ["hidden"]),
            helper.make_node("Gather", ["rows", "first"], ["pooled"], axis=1),
            helper.make_node("MatMulInteger", ["pooled", "head"], ["logits"]),
        ],
        "pooled",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["texts", "tokens"]) for n in names],
        [helper.make_tensor_value_info("logits", TensorProto.INT32, ["texts", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, path)
    return path


def test_the_products_of_the_bundled_model_are_those_of_its_six_layers() -> None:
    counts = Products(open_bundle(default_bundle()).weights, threads=1).counts
    work = sum(one.inner * one.outer * count for one, count in counts.items())
    assert work == LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)


def test_what_lies_behind_the_pooling_is_multiplied_once_a_text(tmp_path: Path) -> None:
    products = Products(pooled(tmp_path / "model.onnx"), threads=1)
    assert products.counts == {
        Product(16, 24, per_token=True): 1,
        Product(16, 3, per_token=False): 1,
    }
    products.run([(2, 7), (1, 3)])
