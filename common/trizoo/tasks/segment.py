"""A class for every pixel of many images."""

from dataclasses import dataclass

import cv2
import numpy as np

from trizoo.tasks.pipeline import ImagePipeline


@dataclass(frozen=True)
class Segmenter(ImagePipeline):
    """Gives the class ids of each image, uint8 (H, W) in its own pixels.

    Args:
        flip: whether each image is looked at mirrored too; the logits are the mean of both
    """

    flip: bool = False

    def results(self, outputs, placements, images):
        """See `ImagePipeline.results`.

        Args:
            outputs: one, logits (B, H, W, C)
        """
        logits = self.logits(outputs, images)
        return [class_ids(of_image, placement) for of_image, placement in zip(logits, placements, strict=True)]

    def logits(self, outputs, images):
        """Those of a batch, float32 (B, H, W, C); with `flip` the mean of both."""
        (logits,) = outputs
        if self.flip:
            (mirrored,) = self.predict(np.ascontiguousarray(images[:, :, ::-1]))
            logits = (logits + mirrored[:, :, ::-1]) / 2
        return logits


def class_ids(logits, placement, *others):
    """The likeliest class of each of the original's pixels: float32 (H, W, C) on a canvas, Placement -> uint8 (h, w).

    The part of the canvas that the image covers is resized bilinearly to its original size, then compared, so that
    borders between classes run as finely as the logits say. Of equal ones the first class.

    Args:
        others: logits and Placement of the same image on other canvases; the sum of all counts
    """
    parts = [_covered(*canvas) for canvas in ((logits, placement), *others)]
    if not others and placement.resized == placement.original:
        return parts[0].argmax(axis=-1).astype(np.uint8)
    best = np.full(placement.original[::-1], -np.inf, np.float32)
    found = np.zeros(best.shape, np.uint8)
    # a class at a time: a large photograph's logits of all classes would fill memory
    for channel in range(logits.shape[-1]):
        values = 0
        for part in parts:
            of_class = np.ascontiguousarray(part[..., channel])
            values = values + cv2.resize(of_class, placement.original, interpolation=cv2.INTER_LINEAR)
        higher = values > best
        found[higher] = channel
        np.maximum(best, values, out=best)
    return found


def _covered(logits, placement):
    """The part of a canvas that the image covers."""
    (width, height), (left, top) = placement.resized, (placement.left, placement.top)
    return logits[top : top + height, left : left + width]
