"""The int8 matrix products of a graph and nothing else: the time that no int8 model beats.

Needs the extra ``train``.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sentiserve.models.onnx import session_options

_PRODUCTS = {"MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QAttention"}
_PROBE = (2, 5)  # texts and tokens: products see 10 rows, or 2 behind the pooling
_SEED = 2022


@dataclass(frozen=True, slots=True)
class Product:
    """A weight's shape, and whether it is multiplied for each token or only for each text."""

    inner: int
    outer: int
    per_token: bool


class Products:
    """The products of a bundle's graph, on random numbers of the same shapes."""

    def __init__(self, weights: Path, threads: int = 0) -> None:
        """Read the shapes, and make a graph of one product for each.

        Args:
            weights: an ONNX file with int8 products.
            threads: of one run; 0 takes every core.
        """
        self.counts = _products(weights)
        self._sessions = {one: _session(_single(one), threads) for one in self.counts}
        self._random = np.random.default_rng(_SEED)
        self._left: dict[tuple[int, int], NDArray[np.uint8]] = {}

    def run(self, shapes: Sequence[tuple[int, int]]) -> None:
        """Multiply as often as the model does, for runs of so many texts and padded tokens."""
        for texts, tokens in shapes:
            for one, count in self.counts.items():
                left = self._activations(texts * tokens if one.per_token else texts, one.inner)
                for _ in range(count):
                    self._sessions[one].run(None, {"left": left})

    def _activations(self, rows: int, columns: int) -> NDArray[np.uint8]:
        if (rows, columns) not in self._left:
            values = self._random.integers(0, 256, (rows, columns), dtype=np.uint8)
            self._left[rows, columns] = values
        return self._left[rows, columns]


def _products(weights: Path) -> Counter[Product]:
    model = onnx.load(weights)
    constants = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    found = [
        (node.input[0], constants[node.input[1]])
        for node in model.graph.node
        if node.op_type in _PRODUCTS and len(constants.get(node.input[1], ())) == 2
    ]
    rows = _rows(model, {left for left, _ in found})
    return Counter(
        Product(inner, outer, per_token=rows[left] == prod(_PROBE))
        for left, (inner, outer) in found
    )


def _rows(model: onnx.ModelProto, names: set[str]) -> dict[str, int]:
    """How many rows tensors inside of a graph have, found by running it once."""
    known = {given.name for given in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names - known)
    ids = np.ones(_PROBE, dtype=np.int64)
    asked = sorted(names)
    values = _session(model, 1).run(asked, {"input_ids": ids, "attention_mask": ids})
    return {name: prod(v.shape[:-1]) for name, v in zip(asked, values, strict=True)}


def _single(one: Product) -> onnx.ModelProto:
    random = np.random.default_rng(_SEED)
    right = random.integers(-127, 128, (one.inner, one.outer), dtype=np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["left", "right"], ["out"])],
        "product",
        [helper.make_tensor_value_info("left", TensorProto.UINT8, ["rows", one.inner])],
        [helper.make_tensor_value_info("out", TensorProto.INT32, ["rows", one.outer])],
        [numpy_helper.from_array(right, "right")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def _session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(threads), providers=["CPUExecutionProvider"]
    )
