"""Invented texts for tiny graphs, and what a graph says of them."""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

from sentiserve.models.quantisation import IDS, MASK, Feed

LOUD = (5, 6, 7)  # tokens that one channel stands out of
QUIET = range(8, 400)
Text = Sequence[int]


def feed(texts: Sequence[Text], padding: int = 0) -> Feed:
    """A batch, as long as its longest text and some more."""
    shape = len(texts), max(map(len, texts)) + padding
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return {IDS: ids, MASK: mask}


def samples(count: int = 24) -> list[Feed]:
    """Batches of texts of different lengths, loud ones among them."""
    rng = np.random.default_rng(2)
    tokens = [*LOUD, *QUIET]
    return [
        feed([rng.choice(tokens, length).tolist() for length in rng.integers(1, 20, size=4)])
        for _ in range(count)
    ]


class Asked:
    """A graph in ONNX Runtime."""

    def __init__(self, model: ModelProto, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {given.name for given in self._session.get_inputs()}

    def __call__(self, batch: Feed) -> NDArray[np.float32]:
        given = {name: value for name, value in batch.items() if name in self._inputs}
        return np.asarray(self._session.run(None, given)[0])


def with_output(model: ModelProto, name: str) -> ModelProto:
    """A copy that gives an inner tensor of all tokens, and nothing else."""
    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.append(_of_tokens(name))
    return copy


def _of_tokens(name: str) -> ValueInfoProto:
    shape = ["texts", "tokens", "channels"]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def look_up_and_multiply(table: NDArray[np.float32], weight: NDArray[np.float32]) -> ModelProto:
    """Tokens' rows of a table, multiplied by a matrix."""
    constants = {"table": table, "weight": weight}
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Gather", ["table", IDS], ["rows"], axis=0),
                helper.make_node("MatMul", ["rows", "weight"], ["out"]),
            ],
            "two",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
                for name in (IDS, MASK)
            ],
            [_of_tokens("out")],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )


def operators(model: ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]
