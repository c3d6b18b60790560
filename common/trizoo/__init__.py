"""Everything in the zoo that is neither a network nor a gradient, written once and without any framework.

Importing `trizoo`, or any module in it, never imports torch, tensorflow, keras or jax. The conventions below hold in
every module, in the three framework packages, in files and in tests:

    image        uint8 (H, W, 3) RGB until it is on the device; the model normalises it, as its first operation
    boxes        float32 (N, 4): xmin, ymin, xmax, ymax; continuous absolute pixels of the image they belong to.
                 A box's width is xmax - xmin, without "+ 1". VOC files count from 1 and include the last pixel, so
                 their reader subtracts 1 from xmin and ymin only
    labels       int64 (N,): class ids from 0, no background
    masks        uint8 (H, W): class ids, 255 = ignore
    detections   `Detections(boxes, scores, labels)` in the original image's pixels, highest score first
    outputs      of a network, before decoding. YOLO: one (B, H, W, A, 5 + C) per level, coarsest level first. SSD and
                 RetinaNet: deltas (B, N, 4) and logits (B, N, C). Segmentation: logits (B, H, W, C)
    names        dotted attribute path and PyTorch's leaf: `backbone.stages.2.blocks.0.conv1.conv.weight`;
                 kernels are (out, in, h, w) float32
    sizes        (width, height) where a person reads or writes it, (H, W) in arrays
    seeds        one run seed; image i of epoch e is augmented by a generator seeded with (seed, e, i)
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trizoo.api import load, loss, targets, train
    from trizoo.gallery.pipeline import Recognized
    from trizoo.ground.errors import UserError
    from trizoo.recipes.schema import register_augmentation, register_family
    from trizoo.recognition import Recognizer, load_recognizer
    from trizoo.tasks.found import Classified, Detections, Keypoints, Labelled
    from trizoo.tasks.predictors import (
        Classifier,
        Detector,
        Embedder,
        KeypointDetector,
        MultilabelClassifier,
        Predictor,
        Segmenter,
    )
    from trizoo.training.callbacks import Callback

__version__ = "0.14.0"

# what a program may use -> where it is; loaded when it is first asked for, since `import trizoo` should cost nothing
_DOOR = {
    **dict.fromkeys(("Classified", "Detections", "Keypoints", "Labelled"), "tasks.found"),
    **dict.fromkeys(("Classifier", "Detector", "Embedder", "KeypointDetector"), "tasks.predictors"),
    **dict.fromkeys(("MultilabelClassifier", "Predictor", "Segmenter"), "tasks.predictors"),
    **dict.fromkeys(("load", "loss", "targets", "train"), "api"),
    **dict.fromkeys(("Recognizer", "load_recognizer"), "recognition"),
    "Callback": "training.callbacks",
    "Recognized": "gallery.pipeline",
    "UserError": "ground.errors",
    "register_augmentation": "recipes.schema",
    "register_family": "recipes.schema",
}
__all__ = [
    "Callback",
    "Classified",
    "Classifier",
    "Detections",
    "Detector",
    "Embedder",
    "KeypointDetector",
    "Keypoints",
    "Labelled",
    "MultilabelClassifier",
    "Predictor",
    "Recognized",
    "Recognizer",
    "Segmenter",
    "UserError",
    "__version__",
    "load",
    "load_recognizer",
    "loss",
    "register_augmentation",
    "register_family",
    "targets",
    "train",
]


def __getattr__(name):
    if name not in _DOOR:
        raise AttributeError(f"module 'trizoo' has no attribute {name!r}")
    return getattr(importlib.import_module(f"trizoo.{_DOOR[name]}"), name)


def __dir__():
    return [*globals(), *_DOOR]
