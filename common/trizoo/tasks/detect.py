"""Detections of many images."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from trizoo.families.base.decode import after_nms
from trizoo.families.base.shortlist import Shortlist, decode_shortlist
from trizoo.ground.sample import Detections
from trizoo.tasks.pipeline import ImagePipeline


@dataclass(frozen=True)
class Detector(ImagePipeline):
    """Gives the `Detections` of each image.

    Args:
        score: the least
        nms: IoU above which NMS removes the weaker box
        max_detections: of an image, None for all
        nms_method: see `trizoo.ground.boxes.nms`
        only: the class ids that count, None for all
        flip: whether each image is looked at mirrored too, with one NMS over what is found both ways
    """

    score: float
    nms: float
    max_detections: int | None = 100
    nms_method: str = "hard"
    only: tuple[int, ...] | None = None
    flip: bool = False

    def results(self, outputs, placements, images):
        """See `ImagePipeline.results`."""
        if not self.flip:
            return self._decoded(outputs, placements, images)
        loose = self.loose()
        found = loose._decoded(outputs, placements, images)
        images = np.ascontiguousarray(images[:, :, ::-1])
        mirrored = [replace(place, left=place.canvas[0] - place.left - place.resized[0]) for place in placements]
        found_mirrored = loose._decoded(self.predict(images), mirrored, images)
        widths = [place.original[0] for place in placements]
        return [
            self.joined([one, _mirrored(other, width)])
            for one, other, width in zip(found, found_mirrored, widths, strict=True)
        ]

    def loose(self):
        """The same without NMS and without an end, for `joined` to take from."""
        return replace(self, nms=1.0, nms_method="hard", max_detections=None)

    def joined(self, several):
        """Detections of an image in its own pixels, several times looked at by `loose`, as one after NMS."""
        boxes, scores, labels = (
            np.concatenate([getattr(found, part) for found in several]) for part in ("boxes", "scores", "labels")
        )
        return after_nms(
            boxes,
            scores,
            labels,
            threshold=self.nms,
            method=self.nms_method,
            min_score=self.score,
            max_detections=self.max_detections,
        )

    def _decoded(self, outputs, placements, images):
        """The Detections of a batch: of the classes that count, as many as are wanted."""
        decode = partial(decode_shortlist, self.spec) if isinstance(outputs, Shortlist) else self.spec.decode
        found = decode(
            outputs,
            placements,
            images.shape[2:0:-1],
            score=self.score,
            threshold=self.nms,
            max_detections=self.max_detections if self.only is None else None,
            method=self.nms_method,
        )
        return found if self.only is None else [self._of_only(of_image) for of_image in found]

    def _of_only(self, found):
        """Those of the classes that count: NMS is per class, so the others took nothing away but places."""
        kept = np.flatnonzero(np.isin(found.labels, self.only))[: self.max_detections]
        return Detections(found.boxes[kept], found.scores[kept], found.labels[kept])


def _mirrored(found, width):
    """Detections of a mirrored image as of the image itself."""
    left, top, right, bottom = found.boxes.T
    boxes = np.stack([width - right, top, width - left, bottom], axis=1)
    return Detections(boxes.astype(np.float32), found.scores, found.labels)
