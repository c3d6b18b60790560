"""TensorFlow's SavedModels, by TensorFlow alone."""

import json
import os
from itertools import chain
from pathlib import Path

from trizoo.deploy import notes
from trizoo.deploy.endings import GRAPH
from trizoo.deploy.metadata import NUMBERS
from trizoo.ground.errors import UserError
from trizoo.ground.stderr import without_remarks

MOST_BYTES = 1 << 26  # of a graph without its weights
# all operations that the zoo's models are made of; none reads or writes a file, runs Python or lasts beyond a call
COMPUTING = frozenset(
    [
        "Abs",
        "AddV2",
        "ArgMax",
        "BatchMatMulV2",
        "BatchToSpaceND",
        "BiasAdd",
        "BroadcastTo",
        "Cast",
        "ConcatV2",
        "Const",
        "Conv2D",
        "DepthwiseConv2dNative",
        "Einsum",
        "Equal",
        "Exp",
        "ExpandDims",
        "FloorDiv",
        "FloorMod",
        "GatherV2",
        "Greater",
        "GreaterEqual",
        "Identity",
        "LeakyRelu",
        "Less",
        "LogicalAnd",
        "Max",
        "MaxPool",
        "Maximum",
        "Mean",
        "Min",
        "Minimum",
        "Mul",
        "Neg",
        "NoOp",
        "NonMaxSuppressionV4",
        "Pack",
        "Pad",
        "PadV2",
        "Placeholder",
        "Pow",
        "Range",
        "ReadVariableOp",
        "RealDiv",
        "Relu",
        "Relu6",
        "Reshape",
        "ResizeBilinear",
        "Rsqrt",
        "SelectV2",
        "Shape",
        "Sigmoid",
        "Softmax",
        "SpaceToBatchND",
        "Split",
        "Squeeze",
        "StatefulPartitionedCall",
        "StatelessWhile",
        "StridedSlice",
        "Sub",
        "Sum",
        "TensorListFromTensor",
        "TensorListGetItem",
        "TensorListReserve",
        "TensorListSetItem",
        "TensorListStack",
        "Tile",
        "TopKV2",
        "Transpose",
        "VarHandleOp",
    ]
)
# those of TensorFlow's own two functions that write and read the variables, which nothing else may call
SAVING = frozenset(
    [
        "AssignVariableOp",
        "DisableCopyOnRead",
        "MergeV2Checkpoints",
        "RestoreV2",
        "SaveV2",
        "Select",
        "ShardedFilename",
        "StaticRegexFullMatch",
        "StringJoin",
    ]
)


def load():
    """The tensorflow module."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before it is loaded: its remarks on the machine stay out
    import tensorflow

    return tensorflow


def version():
    """TensorFlow's."""
    return load().__version__


def devices():
    """What it runs on here."""
    return ["cpu", "cuda"] if load().config.list_physical_devices("GPU") else ["cpu"]


def start(path, device, threads):
    """See `trizoo.deploy.runtimes.Runtime`. Threads are TensorFlow's own matter, which are one number of a process."""
    tf = load()
    check_operations(path)
    place = "/GPU:0" if device == "cuda" else "/CPU:0"
    with without_remarks(), tf.device(place):
        model = tf.saved_model.load(str(path))
    own = json.loads(notes.read_saved_model(path))["thresholds"]
    defaults = own and {name: own[name] for name in NUMBERS}
    raw = set(model.signatures["raw"].structured_outputs)
    dtypes = {"max_detections": tf.int64}

    def run(images, names, numbers):
        with tf.device(place):
            given = {}
            if numbers:
                given = {name: tf.constant(n, dtypes.get(name, tf.float32)) for name, n in (defaults | numbers).items()}
            signature = "thresholds" if given else "raw" if raw.issuperset(names) else "serving_default"
            found = model.signatures[signature](images=tf.constant(images), **given)
            return [found[name].numpy() for name in names]

    return run


def check_operations(path):
    """UserError for a SavedModel with operations that no model of the zoo has, before TensorFlow opens it."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    graph = Path(path) / GRAPH
    if graph.stat().st_size > MOST_BYTES:
        raise UserError(f"{graph} has more than {MOST_BYTES >> 20} MiB, so it is no graph of TriZoo's")
    parts = SavedModel.FromString(graph.read_bytes()).meta_graphs
    if len(parts) != 1 or not parts[0].HasField("object_graph_def"):  # as TensorFlow 1's, whose main graph is run
        raise UserError(f"{graph} is of another form than trizoo export writes; exporting it again would do")
    (part,) = parts
    functions = {function.signature.name: function.node_def for function in part.graph_def.library.function}
    savers = {name for name, nodes in functions.items() if SAVING & {node.op for node in nodes}}
    computing = [node for name, nodes in functions.items() if name not in savers for node in nodes]
    odd = {node.op for node in chain(computing, part.graph_def.node)} - COMPUTING
    odd |= {node.op for name in savers for node in functions[name]} - COMPUTING - SAVING
    odd |= savers & {*_called(computing), *_offered(part.object_graph_def)}
    odd |= {file.filename for file in part.asset_file_def}
    if odd:
        raise UserError(
            f"{path} does what no model of TriZoo does ({', '.join(sorted(odd)[:3])}), and some operations of "
            f"TensorFlow's read and write files; it wasn't opened"
        )


def _called(nodes):
    """Names of the functions that nodes call."""
    for node in nodes:
        for value in node.attr.values():
            yield value.func.name
            yield from (function.name for function in value.list.func)


def _offered(objects):
    """Names of the functions that a program can call, or that are called when a SavedObjectGraph is loaded."""
    yield from objects.concrete_functions
    for node in objects.nodes:
        yield from node.function.concrete_functions
        yield node.bare_concrete_function.concrete_function_name
