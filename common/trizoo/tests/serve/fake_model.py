"""Models whose answers are known: of an image's colours, so that it shows whose answer somebody got."""

from dataclasses import dataclass

import numpy as np

from trizoo.commands.flags.serve import parser
from trizoo.families import model_spec
from trizoo.gallery.gallery import Entry, Gallery
from trizoo.gallery.pipeline import RecognitionPipeline
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.serve.model import Served
from trizoo.serve.recognizer import ServedRecognizer
from trizoo.tasks import tasks
from trizoo.tasks.classify import Classifier
from trizoo.tasks.detect import Detector
from trizoo.tasks.segment import Segmenter
from trizoo.tests.galleries import EMBEDDING, mean_colours

SIZE = 64
CLASSES = ("cat", "dog", "<b>bird</b>")


@dataclass(frozen=True)
class ColourDetector(Detector):
    """Finds three boxes in every image, with scores 0.9, 0.6 and 0.3; the first one's left side is its redness."""

    def results(self, outputs, placements, images):
        found = []
        for image, place in zip(images, placements, strict=True):
            top, left = place.top + place.resized[1] // 2, place.left + place.resized[0] // 2
            redness, (width, height) = float(image[top, left, 0]) / 1000, place.original
            shares = np.array([[redness, 0.1, 0.5, 0.6], [0.2, 0.3, 0.7, 0.9], [0.6, 0.1, 0.9, 0.4]], np.float32)
            boxes = shares * np.array([width, height] * 2, np.float32)
            every = Detections(boxes, np.array([0.9, 0.6, 0.3], np.float32), np.arange(3))
            kept = np.flatnonzero(np.isin(every.labels, range(3) if self.only is None else self.only))
            found.append(Detections(boxes[kept], every.scores[kept], every.labels[kept]))
        return found


def no_outputs(images):
    """A network that gives nothing: uint8 (B, H, W, 3) -> []."""
    return []


def brightness(images):
    """A network that tells dark pixels, class 0, from bright ones, class 1, and never finds class 2."""
    bright = images.mean(axis=-1) > 127
    return [np.stack([~bright, bright, np.zeros_like(bright)], axis=-1).astype(np.float32)]


def fake_detector(predict=no_outputs, *flags):
    """A Served that detects.

    Args:
        predict: uint8 (B, H, W, 3) -> outputs, which nobody looks at
        flags: of trizoo serve
    """
    pipeline = ColourDetector(predict, None, (SIZE, SIZE), "letterbox", score=0.01, nms=0.5)
    return _served("detection", "yolov3-tiny", pipeline, flags)


def fake_keypoint_detector():
    """A Served that finds three marks."""
    pipeline = ColourDetector(no_outputs, None, (SIZE, SIZE), "stretch", score=0.01, nms=1.0, max_detections=1000)
    return _served("keypoints", "keypoints-stride32", pipeline, ())


def fake_segmenter():
    """A Served that segments by brightness."""
    return _served(
        "segmentation", "deeplabv3plus-mobilenetv2", Segmenter(brightness, None, (SIZE, SIZE), "stretch"), ()
    )


def redness(images):
    """A network that tells red, class 0, from what isn't, class 1; class 2 is never likely: logits (B, 3)."""
    share = images[..., 0].mean(axis=(1, 2), dtype=np.float64) / 255
    return [np.log(np.stack([0.01 + share, 1.01 - share, np.full_like(share, 0.01)], axis=-1)).astype(np.float32)]


def fake_classifier(*flags):
    """A Served that classifies by redness."""
    pipeline = Classifier(redness, model_spec("classify-resnet18", len(CLASSES)), (SIZE, SIZE), "stretch")
    return _served("classification", "classify-resnet18", pipeline, flags)


def fake_labeller(*flags):
    """A Served that says of each class whether an image is of it, by redness: logits r, -r and 0, r from 0 to 2."""

    def labels(images):
        red = 2 * images[..., 0].mean(axis=(1, 2), dtype=np.float64) / 255
        return [np.stack([red, -red, np.zeros_like(red)], axis=-1).astype(np.float32)]

    pipeline = Classifier(labels, model_spec("multilabel-resnet18", len(CLASSES)), (SIZE, SIZE), "stretch")
    return _served("multilabel", "multilabel-resnet18", pipeline, flags)


def fake_recognizer():
    """A ServedRecognizer that finds the left half of an image, which is red or unknown."""

    def halves(images, batch_size, *, skip):
        for image in images:
            try:
                width, height = image.size()
                image.pixels()
            except UserError as error:
                yield error
                continue
            box = np.array([[0, 0, width / 2, height]], np.float32)
            yield Detections(box, np.array([0.8], np.float32), np.array([0]))

    (vector,) = mean_colours([np.full((4, 4, 3), (200, 0, 0), np.uint8)])
    red = Gallery(EMBEDDING, threshold=0.9).joined([Entry("<b>red</b>", "r.jpg", bytes(32), vector)])
    pipeline = RecognitionPipeline(mean_colours, red, halves, margin=0.0)
    return ServedRecognizer("d.h5, e.h5, g.h5", pipeline, "Fake 1.0", "paper and pencil", 8)


@dataclass(frozen=True)
class Named:
    """A model's spec, as far as it is told of."""

    name: str


def _served(task, model, pipeline, flags):
    recipe = load(Recipe, base=model).recipe.model_copy(update={"classes": CLASSES, "input_size": (SIZE, SIZE)})
    args = parser().parse_args(["best.h5", *flags])
    return Served("best.h5", tasks()[task], pipeline, recipe, Named(model), "Fake 1.0", "paper and pencil", args)
