"""int8 weights and activations for an ONNX graph, with scores that don't depend on the batch.

Weights have a scale for each output channel, activations fixed ones (``scales.py``). ONNX
Runtime's ``quantize_dynamic`` finds a scale for each whole tensor while running, which makes
a text's scores depend on the other texts of its batch.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import NodeProto

from sentiserve.models.quantisation.attention import Attention, find_attention
from sentiserve.models.quantisation.first_token import keep_first_token
from sentiserve.models.quantisation.graph import CONTRIB, IDS, MASK, Graph
from sentiserve.models.quantisation.products import Product, find_products
from sentiserve.models.quantisation.samples import Feed, observe, pooled
from sentiserve.models.quantisation.scales import Scheme, choose, folded, quantised

__all__ = ["IDS", "MASK", "Feed", "quantise"]

_LARGE_TABLE = 1_000_000  # numbers; what is smaller (positions, say) gains nothing


def quantise(model: onnx.ModelProto, feeds: Sequence[Feed]) -> onnx.ModelProto:
    """The model with int8 products and embedding tables.

    Args:
        model: a float32 graph that takes ``input_ids`` and ``attention_mask``; products with a
            constant on the right and look-ups in a constant table are changed.
        feeds: what the model is asked, for choosing scales: a few hundred texts, some of
            them in batches with padding.
    """
    graph = Graph(model)
    products = find_products(graph)
    attentions = find_attention(graph, products, feeds)
    totals = {left: [product.total for product in group] for left, group in products.items()}
    seen = observe(model, totals, feeds)
    rewriter = _Rewriter(graph)
    for lefts in _sharing_weights(products):
        weight = np.concatenate([p.weight for p in products[lefts[0]]], axis=1)
        scheme = choose(pooled([seen[left] for left in lefts]), weight)
        for left in lefts:
            rewriter.input(left, scheme)
    for left, group in products.items():
        scheme = rewriter.scheme(left)
        attended = [a for a in attentions if a.query.left == left and not scheme.outliers.size]
        merged = {id(p) for a in attended for p in (a.query, a.key, a.value)}
        for attention in attended:
            rewriter.attention(attention)
        for product in group:
            if id(product) not in merged:
                rewriter.product(product)
    for node in graph.nodes:
        table = graph.matrix(node.input[0]) if node.op_type == "Gather" else None
        if table is not None and table.size > _LARGE_TABLE:
            rewriter.look_up(node)
    _add_before_normalising(graph)
    keep_first_token(graph)
    return graph.finish()


def _sharing_weights(products: Mapping[str, Sequence[Product]]) -> Iterable[list[str]]:
    """The inputs of products, those together that are multiplied by the same weights."""
    sharing: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for left, group in products.items():
        sharing[tuple(product.name for product in group)].append(left)
    return sharing.values()


class _Rewriter:
    """Puts int8 nodes in the place of float ones."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._schemes: dict[str, Scheme] = {}
        self._weights: dict[tuple[object, ...], tuple[str, str]] = {}

    def scheme(self, left: str) -> Scheme:
        """How a tensor is quantised."""
        return self._schemes[left]

    def input(self, name: str, scheme: Scheme) -> None:
        """Quantise a tensor, for all the products that take it."""
        graph, left = self._graph, name
        self._schemes[name] = scheme
        if scheme.smoothing is not None:
            inverse = graph.constant(f"{name}_smoothing", 1 / scheme.smoothing)
            left = graph.add("Mul", [name, inverse], f"{name}_smooth")
        scale = graph.constant(f"{name}_scale", scheme.scale)
        zero_point = graph.constant(f"{name}_zero_point", scheme.zero_point)
        graph.add("QuantizeLinear", [left, scale, zero_point], f"{name}_uint8")

    def product(self, product: Product) -> None:
        graph, out, left = self._graph, product.out, product.left
        weight, scale = self._weight([product])
        inputs = [f"{left}_uint8", weight, f"{left}_scale", scale, f"{left}_zero_point", ""]
        if product.bias is not None:
            inputs.append(graph.constant(f"{out}_bias", product.bias))
        outliers = self._schemes[left].outliers
        main = f"{out}_main" if outliers.size else out
        graph.add("MatMulIntegerToFloat", inputs, main, CONTRIB)
        if outliers.size:
            channels = graph.constant(f"{left}_outliers", outliers)
            picked = graph.add("Gather", [left, channels], f"{left}_picked", axis=-1)
            rows = graph.constant(f"{out}_outlier_weight", product.weight[outliers])
            graph.add("Sum", [main, graph.add("MatMul", [picked, rows], f"{out}_exact")], out)

    def attention(self, attention: Attention) -> None:
        graph, left = self._graph, attention.query.left
        parts = (attention.query, attention.key, attention.value)
        bias = np.concatenate([_bias(part) for part in parts])
        weight, scale = self._weight(parts)
        mask = graph.add("Cast", [MASK], f"{MASK}_int32", to=onnx.TensorProto.INT32)
        inputs = [
            f"{left}_uint8", weight, graph.constant(f"{attention.out}_bias", bias),
            f"{left}_scale", scale, mask, f"{left}_zero_point",
            graph.constant(f"{attention.out}_weight_zero", np.zeros(len(bias), dtype=np.int8)),
        ]  # fmt: skip
        graph.add("QAttention", inputs, attention.out, CONTRIB, num_heads=attention.heads)

    def look_up(self, node: NodeProto) -> None:
        graph, (table, indices), out = self._graph, node.input, node.output[0]
        values, scales = quantised(graph.value(table), axis=1)
        rows = [
            graph.add("Gather", [graph.constant(name, value), indices], f"{out}_{name}", axis=0)
            for name, value in ((f"{table}_int8", values), (f"{table}_scale", scales))
        ]
        row = graph.add("Cast", rows[:1], f"{out}_float", to=onnx.TensorProto.FLOAT)
        graph.add("Mul", [row, rows[1]], out)

    def _weight(self, parts: Sequence[Product]) -> tuple[str, str]:
        """The weights of products side by side, and their scales; written once if shared."""
        scheme, out = self._schemes[parts[0].left], parts[0].out
        key = (id(scheme), *(part.name for part in parts))
        if key not in self._weights:
            matrix = np.concatenate([part.weight for part in parts], axis=1)
            values, scales = quantised(folded(scheme, matrix), axis=0)
            self._weights[key] = (
                self._graph.constant(f"{out}_weight", values),
                self._graph.constant(f"{out}_weight_scale", scales.reshape(-1)),
            )
        return self._weights[key]


def _bias(product: Product) -> np.ndarray:
    return np.zeros(product.weight.shape[1], np.float32) if product.bias is None else product.bias


def _add_before_normalising(graph: Graph) -> None:
    """Write additions in front of a LayerNormalization as Sum.

    ONNX Runtime would make one node of Add and LayerNormalization, which takes five times as
    long on a processor as the two.
    """
    users = graph.consumers()
    for node in graph.nodes:
        normalised = [user.op_type == "LayerNormalization" for user in users[node.output[0]]]
        if node.op_type == "Add" and any(normalised):
            terms = [term for name in node.input for term in _terms(graph, users, name)]
            graph.add("Sum", terms, node.output[0])


def _terms(graph: Graph, users: dict[str, list[NodeProto]], name: str) -> list[str]:
    inner = graph.made_by(name, "Sum")
    return list(inner.input) if inner is not None and len(users[name]) == 1 else [name]
