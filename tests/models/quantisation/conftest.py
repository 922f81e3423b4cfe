"""A float graph of BERT's kind, and its int8 one."""

import numpy as np
import onnx
import pytest
from checkpoints import Exports
from models.quantisation.asking import LOUD, samples
from onnx import ModelProto, numpy_helper

from sentiserve.models.quantisation import quantise


@pytest.fixture(scope="session")
def bert(exported: Exports) -> ModelProto:
    """Untrained; a few of its tokens have a channel a hundred times as large as the others."""
    model = onnx.load(exported("bert", "onnx") / "model.onnx")
    (words,) = [t for t in model.graph.initializer if t.name.endswith("word_embeddings.weight")]
    table = np.array(numpy_helper.to_array(words))
    table[LOUD, 0] = 100 * np.abs(table).max()
    words.CopyFrom(numpy_helper.from_array(table, words.name))
    return model


@pytest.fixture(scope="session")
def int8_bert(bert: ModelProto) -> ModelProto:
    return quantise(bert, samples())
