"""ONNX graphs that can be asked who makes and who uses a tensor, and be rewritten."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

CONTRIB = "com.microsoft"  # ONNX Runtime's own operators: its ContribOperators.md
IDS, MASK = "input_ids", "attention_mask"


class Graph:
    """A graph in the making; nodes may be added in any order, and left behind unused."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Start from a model, which is left as it is."""
        self.model = model
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._producers: dict[str, NodeProto] = {}
        for node in deepcopy(model.graph).node:
            self._producers |= dict.fromkeys(node.output, node)

    @property
    def nodes(self) -> list[NodeProto]:
        """What the outputs depend on, each node after those that it needs."""
        ordered: dict[int, NodeProto] = {}
        waiting = [(self.producer(output.name), False) for output in self.model.graph.output]
        while waiting:
            node, ready = waiting.pop()
            if node is None or id(node) in ordered:
                continue
            if ready:
                ordered[id(node)] = node
            else:
                waiting.append((node, True))
                waiting += [(self.producer(name), False) for name in reversed(node.input)]
        return list(ordered.values())

    def producer(self, name: str) -> NodeProto | None:
        """The node that makes a tensor; None for constants and inputs."""
        return self._producers.get(name)

    def made_by(self, name: str, operator: str) -> NodeProto | None:
        """The node that makes a tensor, if it is of that kind."""
        node = self.producer(name)
        return node if node is not None and node.op_type == operator else None

    def consumers(self) -> dict[str, list[NodeProto]]:
        """The nodes that use each tensor."""
        users: dict[str, list[NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                users[name].append(node)
        return users

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is the same for all inputs."""
        return name in self._constants

    def matrix(self, name: str) -> NDArray[np.float32] | None:
        """A constant float matrix; None if the tensor is anything else."""
        tensor = self._constants.get(name)
        if tensor is None or tensor.data_type != TensorProto.FLOAT or len(tensor.dims) != 2:
            return None
        return np.asarray(numpy_helper.to_array(tensor))

    def value(self, name: str) -> NDArray[Any]:
        """A constant."""
        return np.asarray(numpy_helper.to_array(self._constants[name]))

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """Add a constant, and give its name back."""
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def add(
        self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any
    ) -> str:
        """Add a node, in the place of the one that made ``output`` before; gives that name."""
        node = helper.make_node(operator, inputs, [output], domain=domain, **attributes)
        self._producers[output] = node
        return output

    def finish(self) -> onnx.ModelProto:
        """The model as it is now, without what nothing uses."""
        nodes = self.nodes
        used = {name for node in nodes for name in node.input}
        old = self.model.graph
        graph = helper.make_graph(
            nodes, old.name, old.input, old.output, self._used_constants(used)
        )
        imports = [
            *(known for known in self.model.opset_import if known.domain != CONTRIB),
            helper.make_opsetid(CONTRIB, 1),
        ]
        result = helper.make_model(graph, opset_imports=imports)
        result.ir_version = self.model.ir_version
        onnx.checker.check_model(result)
        return result

    def _used_constants(self, used: Iterable[str]) -> list[TensorProto]:
        return [self._constants[name] for name in sorted(used) if name in self._constants]


def only_consumer(
    users: Mapping[str, Sequence[NodeProto]], name: str, operator: str
) -> NodeProto | None:
    """The node that uses a tensor, if no other does and it is of that kind."""
    consumers = users[name]
    return consumers[0] if len(consumers) == 1 and consumers[0].op_type == operator else None
