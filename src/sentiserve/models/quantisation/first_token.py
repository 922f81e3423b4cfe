"""Leave out what a classifier that looks at the first token never looks at."""

import numpy as np
from onnx import NodeProto

from sentiserve.models.quantisation.graph import Graph

# Operators that make a token of their result from the same token of what they take.
_TOKENWISE = {
    "Add", "Cast", "Div", "Erf", "Gelu", "LayerNormalization", "MatMul", "MatMulIntegerToFloat",
    "Mul", "QuantizeLinear", "Relu", "Sum", "Tanh",
}  # fmt: skip


def keep_first_token(graph: Graph) -> None:
    """Compute only the first token wherever no other is used: most of the last layer."""
    users = graph.consumers()
    outputs = {output.name for output in graph.model.graph.output}
    cut: dict[int, NodeProto] = {}
    for node in reversed(graph.nodes):
        used_in_full = outputs & set(node.output) or any(
            id(user) not in cut for name in node.output for user in users[name]
        )
        if _selects_first(graph, node) or (_is_tokenwise(graph, node) and not used_in_full):
            cut[id(node)] = node
    for node in cut.values():
        for position, name in enumerate(node.input):
            producer = graph.producer(name)
            if producer is not None and id(producer) not in cut:
                node.input[position] = _first(graph, name)


def _selects_first(graph: Graph, node: NodeProto) -> bool:
    if node.op_type != "Gather" or not graph.is_constant(node.input[1]):
        return False
    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
    index = graph.value(node.input[1])
    return axis == 1 and index.ndim == 0 and int(index) == 0


def _is_tokenwise(graph: Graph, node: NodeProto) -> bool:
    if node.op_type == "Gather":  # of channels
        return graph.is_constant(node.input[1]) and any(
            a.name == "axis" and a.i == -1 for a in node.attribute
        )
    if node.op_type == "MatMul":
        return graph.matrix(node.input[1]) is not None
    constants = [graph.value(name) for name in node.input if graph.is_constant(name)]
    alike = all(c.ndim < 2 or c.shape[-2] == 1 for c in constants)
    return node.op_type in _TOKENWISE and (alike or node.op_type == "MatMulIntegerToFloat")


def _first(graph: Graph, name: str) -> str:
    zero = graph.constant("first_token_start", np.array([0], dtype=np.int64))
    one = graph.constant("first_token_end", np.array([1], dtype=np.int64))
    return graph.add("Slice", [name, zero, one, one], f"{name}_first")
