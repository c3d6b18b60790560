"""What export takes."""

import argparse
from pathlib import Path

from trizoo.commands.flags.shared import Parser, positive_int, size_argument
from trizoo.tasks.detection_flags import share

# those of `trizoo.deploy.targets`, which takes long to load
TARGETS = ("onnx", "openvino", "tflite", "saved-model", "torch-export", "keras")
DYNAMIC = "dynamic"


def parser(prog="trizoo export"):
    """The command line of export. A flag that isn't given is None or False."""
    flags = Parser(
        prog=prog,
        description="Write a checkpoint for other programs: a graph that a runtime opens without a training framework "
        "(ONNX, OpenVINO, TFLite, SavedModel, torch.export, Keras), or the weights alone (Darknet, safetensors).",
        epilog="What each target can do, and the ways to TensorRT and CoreML: docs/export.md.",
    )
    flags.add_argument("source", metavar="FILE.h5|TAG", help="a checkpoint, or a tag that trizoo weights list shows")
    flags.add_argument("--to", choices=TARGETS, help="default: as --out ends")
    flags.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="ending in .onnx, .xml, .tflite, .pt2, .keras, .weights or .safetensors; of saved-model a folder "
        "(default: beside the checkpoint)",
    )
    flags.add_argument("--offline", action="store_true", help="with a tag: only what was downloaded before")
    graph = flags.add_argument_group("graphs: " + ", ".join(TARGETS))
    graph.add_argument("--raw", action="store_true", help="end in the network's outputs, without decoding or NMS")
    graph.add_argument(
        "--size", type=_or_dynamic(size_argument), metavar="WxH|dynamic", help="of images (default: the recipe's)"
    )
    graph.add_argument(
        "--batch",
        type=_or_dynamic(positive_int),
        metavar="N|dynamic",
        help="images at once (default: dynamic, tflite 1)",
    )
    precision = graph.add_mutually_exclusive_group()
    precision.add_argument("--half", action="store_true", help="weights in fp16")
    precision.add_argument(
        "--int8", metavar="DATA", help="convolutions in int8, calibrated on this data set; prints what it costs"
    )
    boxes = flags.add_argument_group("thresholds in the graphs of detectors")
    boxes.add_argument("--confidence", type=_share, metavar="X", help="default: the recipe's predict.score")
    boxes.add_argument("--nms", type=_share, metavar="X", help="IoU (default: the recipe's predict.nms)")
    boxes.add_argument("--max-detections", type=positive_int, metavar="N", help="of an image (default: the recipe's)")
    weights = flags.add_argument_group("weights alone: .weights, .safetensors")
    weights.add_argument("--names", metavar="WHOSE", help="in .safetensors: trizoo or torchvision (default: trizoo)")
    return flags


def _or_dynamic(parse):
    """The same function, which leaves the word dynamic as it is."""
    return lambda text: text if text == DYNAMIC else parse(text)


def _share(text):
    try:
        return share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
