"""The matrix products of a graph that can be quantised, by their common input."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from sentiserve.models.quantisation.graph import Graph, only_consumer


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """``out = left @ weight + bias``.

    Attributes:
        name: that of the weight, which several products may share.
        weight: of shape (inputs, outputs).
        bias: of shape (outputs,); None if nothing is added.
        total: the tensor that the product is a part of, a residual stream, say; ``out``
            itself if it is added to nothing.
    """

    left: str
    name: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32] | None
    out: str
    total: str


def find_products(graph: Graph) -> dict[str, list[Product]]:
    """All products with a constant on the right, by the tensor on their left."""
    users = graph.consumers()
    found: dict[str, list[Product]] = {}
    for node in graph.nodes:
        weight = graph.matrix(node.input[1]) if node.op_type == "MatMul" else None
        if weight is not None:
            found.setdefault(node.input[0], []).append(_product(graph, users, node, weight))
    return found


def _product(
    graph: Graph, users: dict[str, list[NodeProto]], node: NodeProto, weight: NDArray[np.float32]
) -> Product:
    (left, name), out, bias = node.input, node.output[0], None
    addition = only_consumer(users, out, "Add")
    if addition is not None and (vector := _vector(graph, addition, out)) is not None:
        out, bias = addition.output[0], vector
        addition = only_consumer(users, out, "Add")
    total = out if addition is None else addition.output[0]
    return Product(left, name, weight, bias, out, total)


def _vector(graph: Graph, addition: NodeProto, out: str) -> NDArray[np.float32] | None:
    (other,) = [name for name in addition.input if name != out] or [""]
    if not graph.is_constant(other) or graph.value(other).ndim != 1:
        return None
    return graph.value(other)
