"""The model that is served: images placed, looked at in batches, and told of."""

import base64
import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trizoo import __version__
from trizoo.ground.conventions import GREY
from trizoo.pictures.palette import class_colours, palette_image, shown_colour, voc_palette
from trizoo.tasks.detection import LOWEST_SCORE, confidence


@dataclass(frozen=True)
class Served:
    """A model in use.

    Args:
        weights: what it is called
        task: a `trizoo.tasks.base.Task`
        pipeline: its ImagePipeline, which finds what lies below the score that is shown too
        recipe: the model's
        spec: the model's
        runtime: what runs it, in words
        device: where, in words
        args: predict's flags, as the command has them
    """

    weights: str
    task: Any
    pipeline: Any
    recipe: Any
    spec: Any
    runtime: str
    device: str
    args: Any

    @property
    def classes(self):
        """Names by class id."""
        return tuple(self.recipe.classes)

    def place(self, photo):
        """A Photo on the network's canvas: see `trizoo.tasks.pipeline.ImagePipeline.place`."""
        return self.pipeline.place(photo)

    def answers(self, asked):
        """What is found in each of a few images: [(what `place` gave, Wish)] -> results, as the pipeline gives them."""
        results, alike = [None] * len(asked), {}
        for number, (_, wish) in enumerate(asked):
            alike.setdefault(wish.options(), []).append(number)
        for options, numbers in alike.items():
            pipeline = replace(self.pipeline, **dict(options))
            found = pipeline.answers([asked[number][0] for number in numbers])
            for number, result in zip(numbers, found, strict=True):
                results[number] = result
        return results

    def grey(self):
        """A grey image of the network's size, on its canvas."""
        width, height = self.recipe.input_size
        return self.place(np.full((height, width, 3), GREY, np.uint8))

    def result(self, photo, found, wish):
        """An entry of predict's detections.json, areas.json or classes.json; for segmentation perhaps with the mask.

        The mask is a PNG in base64, whose pixels are class ids with VOC's colours.
        """
        args = self.args
        if wish.confidence is not None:
            args = _changed(args, confidence=wish.confidence)
        if wish.top is not None:
            args = _changed(args, top=wish.top)
        result = self.task.result(photo, found, self.recipe, args)
        return result | {"mask": _png(found)} if wish.mask else result

    def about(self):
        """What a client may want to know of the model, for JSON."""
        detects, has_masks = self.task.name in ("detection", "keypoints"), self.task.name == "segmentation"
        shown, thresholds = confidence(self.recipe, self.args), {}
        if detects or self.task.name == "multilabel":
            lowest = min(LOWEST_SCORE, shown) if detects else 0.0
            thresholds = {"confidence": shown, "lowest_confidence": lowest}
        names = {"detection": ("nms", "nms_method", "max_detections"), "keypoints": ("max_detections",)}
        for name in names.get(self.task.name, ()):
            thresholds[name] = getattr(self.pipeline, name)
        colours = voc_palette()[: len(self.classes)] if has_masks else class_colours(len(self.classes))
        return {
            "weights": self.weights,
            "model": self.spec.name,
            "task": self.task.name,
            "classes": list(self.classes),
            "colours": [shown_colour(colour) for colour in colours.tolist()],
            "input_size": list(self.recipe.input_size),
            "resize": self.recipe.resize,
            "runtime": self.runtime,
            "device": self.device,
            "precision": self.recipe.precision,
            "thresholds": thresholds,
            "version": __version__,
        }


def _changed(args, **values):
    return type(args)(**{**vars(args), **values})


def _png(mask):
    """A mask as a PNG in base64: uint8 (H, W) -> text."""
    file = io.BytesIO()
    palette_image(mask).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
