"""Detections of many images."""

from dataclasses import dataclass

from trizoo.tasks.pipeline import ImagePipeline


@dataclass(frozen=True)
class Detector(ImagePipeline):
    """Gives the `Detections` of each image.

    Args:
        score: the least
        nms: IoU above which NMS removes the weaker box
        max_detections: of an image
        nms_method: see `trizoo.ground.boxes.nms`
    """

    score: float
    nms: float
    max_detections: int = 100
    nms_method: str = "hard"

    def results(self, outputs, placements, images):
        """See `ImagePipeline.results`."""
        return self.spec.decode(
            outputs,
            placements,
            images.shape[2:0:-1],
            score=self.score,
            threshold=self.nms,
            max_detections=self.max_detections,
            method=self.nms_method,
        )
