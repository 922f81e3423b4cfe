"""Which attentions become one node."""

import onnx
import pytest
from checkpoints import Exports
from models.quantisation.asking import operators, samples
from onnx import ModelProto

from sentiserve.models.quantisation import quantise
from sentiserve.models.quantisation.attention import find_attention
from sentiserve.models.quantisation.graph import Graph
from sentiserve.models.quantisation.products import find_products


def test_attention_whose_mask_hides_padding_is_fused(int8_bert: ModelProto) -> None:
    found = operators(int8_bert)
    assert "QAttention" in found
    assert "Softmax" not in found


def test_attention_is_found_with_its_heads_and_its_products(bert: ModelProto) -> None:
    graph = Graph(bert)
    (attention,) = find_attention(graph, find_products(graph), samples(2))
    shapes = [p.weight.shape for p in (attention.query, attention.key, attention.value)]
    assert (attention.heads, shapes) == (2, [(32, 32)] * 3)


@pytest.fixture(scope="module")
def mpnet(exported: Exports) -> ModelProto:
    return onnx.load(exported("mpnet", "onnx") / "model.onnx")


def test_attention_with_a_bias_for_positions_is_not_fused(mpnet: ModelProto) -> None:
    found = operators(quantise(mpnet, samples(4)))
    assert "QAttention" not in found
    assert "Softmax" in found


def test_attention_that_sees_padding_is_not_fused(bert: ModelProto) -> None:
    blind = ModelProto()
    blind.CopyFrom(bert)
    (mask,) = [node for node in blind.graph.node if node.op_type == "Where"]
    mask.input[2] = mask.input[1]  # 0 for padding as well
    assert "QAttention" not in operators(quantise(blind, samples(4)))
