"""What a classifier computes of tokens that it doesn't look at."""

import numpy as np
from models.quantisation.asking import Asked, feed, samples, with_output
from onnx import ModelProto

from sentiserve.models.quantisation import quantise
from sentiserve.models.quantisation.first_token import keep_first_token
from sentiserve.models.quantisation.graph import Graph


def cut(model: ModelProto) -> ModelProto:
    graph = Graph(model)
    keep_first_token(graph)
    return graph.finish()


def made_by(model: ModelProto, operator: str) -> str:
    """The tensor that the only node of a kind makes."""
    (node,) = [node for node in model.graph.node if node.op_type == operator]
    return str(node.output[0])


def test_the_logits_stay_the_same(bert: ModelProto) -> None:
    whole, first = Asked(bert), Asked(cut(bert))
    for batch in samples(4):
        assert np.allclose(first(batch), whole(batch), atol=1e-5)


def test_the_last_layer_is_computed_for_one_token(bert: ModelProto, int8_bert: ModelProto) -> None:
    batch, inner = feed([[8, 9, 10, 11], [12]]), made_by(bert, "Gelu")
    assert Asked(with_output(bert, inner))(batch).shape == (2, 4, 64)
    assert Asked(with_output(int8_bert, inner))(batch).shape == (2, 1, 64)


def test_attention_still_sees_all_tokens(int8_bert: ModelProto) -> None:
    attention = with_output(int8_bert, made_by(int8_bert, "QAttention"))
    assert Asked(attention)(feed([[8, 9, 10, 11], [12]])).shape == (2, 4, 32)


def test_a_graph_whose_output_is_of_all_tokens_is_left_alone(bert: ModelProto) -> None:
    *_, last = [n.output[0] for n in bert.graph.node if n.op_type == "LayerNormalization"]
    states, batch = with_output(bert, last), feed([[8, 9, 10, 11], [12]])
    assert np.array_equal(Asked(cut(states))(batch), Asked(states)(batch))
    assert Asked(quantise(states, samples(4)))(batch).shape == (2, 4, 32)
