"""The figure of a model on a split: one evaluator for training, `evaluate.py` and tests."""

from dataclasses import dataclass
from typing import Any

from common.data.voc import VOC
from common.inference.detect import Detector
from common.metrics.detection import evaluate


@dataclass(frozen=True)
class EvaluationSet:
    """Images with ground truth to measure on. records: list of `common.data.sample.Record`; split: its name."""

    records: Any
    classes: tuple[str, ...]
    split: str

    @classmethod
    def of(cls, root, split, classes):
        """A split of a VOC data set, None for all its images; names in it that aren't among `classes` are an error."""
        return cls(VOC(root, split, classes, masks=False).records, classes, split or "all")

    def measure(self, detector):
        """Runs the detector over the images: metrics (see `common.metrics.detection.evaluate`), list of Detections."""
        found = list(detector(record.image for record in self.records))
        return evaluate(found, self.records, self.classes), found


def make_detector(framework, model, spec, recipe, device):
    """The detector that evaluation uses: the model as it is now, with the recipe's `evaluate` section."""
    options = recipe.evaluate
    predict = framework.predictor(model, recipe.precision, device)
    return Detector(
        predict=predict,
        spec=spec,
        input_size=recipe.input_size,
        resize=recipe.resize,
        score=options.score,
        nms=options.nms,
        max_detections=options.max_detections,
        nms_method=options.nms_method,
    )


def shown(value):
    """A metric for a person: four digits, or "none"."""
    return "none" if value is None else f"{value:.4f}"
