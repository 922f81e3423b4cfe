"""Self-attention as encoders of BERT's kind compute it, found in a graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from sentiserve.models.quantisation.graph import MASK, Graph, only_consumer
from sentiserve.models.quantisation.products import Product
from sentiserve.models.quantisation.samples import Feed, run

_MASKED = -1e4  # a score this low gives a weight of zero


@dataclass(frozen=True, slots=True)
class Attention:
    """softmax(query @ key.T * heads' scale + mask) @ value, all three of one input.

    Attributes:
        mask: the tensor that is added to the scores.
        out: of shape (batch, tokens, width).
    """

    query: Product
    key: Product
    value: Product
    heads: int
    mask: str
    out: str


def find_attention(
    graph: Graph, products: Mapping[str, Sequence[Product]], feeds: Sequence[Feed]
) -> list[Attention]:
    """Every self-attention whose mask hides the padding and does nothing else."""
    by_out = {product.out: product for group in products.values() for product in group}
    users = graph.consumers()
    candidates = [
        attention
        for node in graph.nodes
        if node.op_type == "Softmax" and (attention := _match(graph, users, by_out, node))
    ]
    plain = _padding_masks(graph, {a.mask for a in candidates}, feeds)
    return [attention for attention in candidates if attention.mask in plain]


def _match(
    graph: Graph,
    users: Mapping[str, Sequence[NodeProto]],
    by_out: Mapping[str, Product],
    softmax: NodeProto,
) -> Attention | None:
    masked = graph.made_by(softmax.input[0], "Add")
    scaled = masked and graph.made_by(masked.input[0], "Mul")
    scores = scaled and graph.made_by(scaled.input[0], "MatMul")
    if masked is None or scaled is None or scores is None or not graph.is_constant(scaled.input[1]):
        return None
    context, out = _context(users, softmax)
    if context is None or out is None:
        return None
    sources = [_projected(graph, name) for name in (*scores.input, context.input[1])]
    parts = [by_out.get(source) for source in sources]
    query, key, value = parts
    if query is None or key is None or value is None:
        return None
    shapes = {part.weight.shape for part in (query, key, value)}
    if len(shapes) > 1 or len({query.left, key.left, value.left}) > 1:
        return None
    width = round(float(graph.value(scaled.input[1])) ** -2)
    if width < 1 or query.weight.shape[1] % width:
        return None
    return Attention(
        query, key, value, query.weight.shape[1] // width, masked.input[1], out.output[0]
    )


def _context(
    users: Mapping[str, Sequence[NodeProto]], softmax: NodeProto
) -> tuple[NodeProto | None, NodeProto | None]:
    """The product with the values, and the node that brings the heads together again."""
    context = only_consumer(users, softmax.output[0], "MatMul")
    transposed = context and only_consumer(users, context.output[0], "Transpose")
    return context, transposed and only_consumer(users, transposed.output[0], "Reshape")


def _projected(graph: Graph, name: str) -> str:
    """The tensor before it was divided among the heads."""
    while (node := graph.producer(name)) is not None and node.op_type in {"Transpose", "Reshape"}:
        name = node.input[0]
    return name


def _padding_masks(graph: Graph, names: set[str], feeds: Sequence[Feed]) -> set[str]:
    """Those that are 0 for a token and very low for padding: position biases are not."""
    return {
        name
        for name in names
        if all(
            _hides_padding(mask, feed[MASK])
            for feed, (mask,) in zip(feeds, run(graph.model, [name], feeds), strict=True)
        )
    }


def _hides_padding(mask: NDArray[np.float32], tokens: NDArray[np.int64]) -> bool:
    batch, length = tokens.shape
    if mask.ndim != 4 or mask.shape[-1] != length or mask.shape[1] != 1:
        return False
    added = np.broadcast_to(mask, (batch, 1, length, length))[:, 0]
    seen = tokens.astype(bool)
    real = added[seen]  # of shape (tokens, length): what each real token adds to the others
    hidden = ~np.repeat(seen, seen.sum(axis=1), axis=0)
    return bool((real[~hidden] == 0).all() and (real[hidden] < _MASKED).all())
