"""int8 weights for an ONNX graph, with scores that don't depend on the batch.

Weights have a scale for each output channel, activations one for each token, found while
running. (Token-wise activation scales: Yao et al., 2022, *ZeroQuant*, sec. 4.1.) A scale for
each whole tensor, as in ONNX Runtime's ``quantize_dynamic``, would make a text's scores
depend on the other texts of its batch.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_LARGEST = 127
_ZERO_POINT = 128  # activations are stored as uint8: processors multiply uint8 by int8
_TINY = np.float32(1e-12)  # in place of the scale of a token that is all zeros


def quantise(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with int8 weights in every large matrix product and embedding table.

    Args:
        model: a float32 graph; matrix products with a constant on the right and look-ups in
            a constant table are changed, everything else stays.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    rewriter = _Rewriter()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "MatMul" and _is_matrix(weights.get(node.input[1])):
            nodes += rewriter.product(node, weights[node.input[1]])
        elif node.op_type == "Gather" and _is_matrix(weights.get(node.input[0])):
            nodes += rewriter.look_up(node, weights[node.input[0]])
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    quantised = helper.make_graph(
        nodes, graph.name, graph.input, graph.output, [*kept, *rewriter.initializers.values()]
    )
    result = helper.make_model(quantised, opset_imports=model.opset_import)
    result.ir_version = model.ir_version
    onnx.checker.check_model(result, full_check=True)
    return result


class _Rewriter:
    """Replaces float nodes by int8 ones, and collects the constants that they need."""

    def __init__(self) -> None:
        self.initializers: dict[str, TensorProto] = {}
        self._activations: dict[str, tuple[str, str]] = {}

    def product(self, node: onnx.NodeProto, weight: TensorProto) -> Iterator[onnx.NodeProto]:
        values, scales = _by_channel(numpy_helper.to_array(weight), axis=0)
        right = self._constant(f"{weight.name}_int8", values)
        right_scale = self._constant(f"{weight.name}_scale", scales)
        left = node.input[0]
        if left not in self._activations:
            yield from self._quantised_activation(left)
        quantised, left_scale = self._activations[left]
        zero = self._constant("activation_zero_point", np.uint8(_ZERO_POINT))
        out = node.output[0]
        yield helper.make_node(
            "MatMulInteger", [quantised, right, zero], [f"{out}_int32"], name=f"{node.name}_int8"
        )
        yield helper.make_node("Cast", [f"{out}_int32"], [f"{out}_float"], to=TensorProto.FLOAT)
        yield helper.make_node("Mul", [f"{out}_float", left_scale], [f"{out}_scaled"])
        yield helper.make_node("Mul", [f"{out}_scaled", right_scale], [out])

    def look_up(self, node: onnx.NodeProto, table: TensorProto) -> Iterator[onnx.NodeProto]:
        values, scales = _by_channel(numpy_helper.to_array(table), axis=1)
        names = (
            self._constant(f"{table.name}_int8", values),
            self._constant(f"{table.name}_scale", scales),
        )
        out, indices = node.output[0], node.input[1]
        parts = f"{out}_row_int8", f"{out}_row_scale"
        for name, part in zip(names, parts, strict=True):
            yield helper.make_node("Gather", [name, indices], [part], axis=0)
        yield helper.make_node("Cast", [parts[0]], [f"{out}_row_float"], to=TensorProto.FLOAT)
        yield helper.make_node("Mul", [f"{out}_row_float", parts[1]], [out])

    def _quantised_activation(self, name: str) -> Iterator[onnx.NodeProto]:
        """uint8 values with a scale for each token: round(x / scale) + 128."""
        last = self._constant("last_axis", np.array([-1], dtype=np.int64))
        step = self._constant("activation_step", np.float32(1 / _LARGEST))
        tiny = self._constant("activation_tiny", _TINY)
        zero = self._constant("activation_zero_float", np.float32(_ZERO_POINT))
        chain = [
            ("Abs", [name], f"{name}_abs"),
            ("ReduceMax", [f"{name}_abs", last], f"{name}_largest"),
            ("Mul", [f"{name}_largest", step], f"{name}_step"),
            ("Max", [f"{name}_step", tiny], f"{name}_scale"),
            ("Div", [name, f"{name}_scale"], f"{name}_ratio"),
            ("Round", [f"{name}_ratio"], f"{name}_rounded"),
            ("Add", [f"{name}_rounded", zero], f"{name}_shifted"),
        ]
        for operator, inputs, output in chain:
            yield helper.make_node(operator, inputs, [output])
        yield helper.make_node("Cast", [f"{name}_shifted"], [f"{name}_uint8"], to=TensorProto.UINT8)
        self._activations[name] = (f"{name}_uint8", f"{name}_scale")

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.asarray(value), name)
        return name


def _is_matrix(tensor: TensorProto | None) -> bool:
    return tensor is not None and tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2


def _by_channel(
    weight: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 values, and the scales that undo it; ``axis`` is the one that shares a scale."""
    largest = np.abs(weight).max(axis=axis, keepdims=True)
    scales = np.maximum(largest / _LARGEST, _TINY).astype(np.float32)
    values = np.rint(weight / scales).astype(np.int8)
    return values, scales.reshape(-1) if axis == 0 else scales
