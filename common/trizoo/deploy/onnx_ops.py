"""Nodes of an ONNX graph, added one by one."""

import numpy as np


class Ops:
    """What adds nodes behind one another: `ops("Add", a, b)` gives the name of the sum.

    Args:
        prefix: of the names of all that is added, such as "decode/"
    """

    def __init__(self, prefix):
        self.prefix = prefix
        self.nodes = []
        self.constants = {}  # name -> array
        self._names = {}  # (dtype, shape, bytes) -> name

    def __call__(self, op, *inputs, outputs=1, **attributes):
        """The name of a new node's output, or a tuple of the names of several.

        Args:
            op: of ONNX's operators
            inputs: names, or NumPy arrays and numbers, which become constants
            outputs: how many
            attributes: of the operator; a NumPy dtype stands for ONNX's number of it
        """
        from onnx import helper

        attributes = {
            key: helper.np_dtype_to_tensor_dtype(np.dtype(value)) if isinstance(value, type) else value
            for key, value in attributes.items()
        }
        name = f"{self.prefix}{op}_{len(self.nodes)}"
        names = [name] if outputs == 1 else [f"{name}_{place}" for place in range(outputs)]
        given = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self.nodes.append(helper.make_node(op, given, names, name=name, **attributes))
        return names[0] if outputs == 1 else tuple(names)

    def name(self, value, name):
        """The same value under a name of one's own, for the outputs of the whole."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [value], [name], name=f"{self.prefix}{name}"))

    def add_to(self, graph):
        """Puts all of it at the end of an onnx.GraphProto."""
        from onnx import numpy_helper

        graph.node.extend(self.nodes)
        graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in self.constants.items())

    def _constant(self, value):
        array = np.asarray(value)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._names:
            self._names[key] = f"{self.prefix}constant_{len(self._names)}"
            self.constants[self._names[key]] = array
        return self._names[key]
