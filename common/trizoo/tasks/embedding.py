"""Embedding: a vector for a whole image, near those of images of the same class, also of classes never seen."""

from dataclasses import dataclass

import numpy as np

from trizoo.augment.pipeline import OF_SEVERAL
from trizoo.data.images import read_image
from trizoo.data.synthetic import IDENTITIES_TO_TRAIN_ON
from trizoo.metrics.embedding import EmbeddingMetrics, report
from trizoo.metrics.embedding_report import write_embedding_report
from trizoo.metrics.plain import shown
from trizoo.pictures.draw_class import draw_class
from trizoo.tasks import predictors
from trizoo.tasks.classification import Classification
from trizoo.tasks.embed import Embedder
from trizoo.tasks.records import RecordSet

DIGITS = 6  # of a vector's numbers in a file


@dataclass(frozen=True)
class EmbeddingEvaluationSet(RecordSet):
    """See `trizoo.tasks.base.EvaluationSet`."""

    def measure(self, pipeline):
        """Metrics (see `trizoo.metrics.embedding.report`), and what `EmbeddingMetrics.measure` gives."""
        measures = self.measures(EmbeddingMetrics(self.classes), pipeline)
        return report(measures), measures

    def draw(self, found, number):
        """An image, and the one that is most similar to it; see `trizoo.tasks.base.EvaluationSet`."""
        first, second = (self.records[place] for place in (number, int(found["nearest"][number])))
        return tuple(draw_class(read_image(record.image), record.label, self.classes) for record in (first, second))

    def write_report(self, folder, found):
        """See `trizoo.metrics.embedding_report.write_embedding_report`."""
        write_embedding_report(folder, found)


class Embedding(Classification):
    """See `trizoo.tasks.base.Task`. Data are those of classification."""

    name = "embedding"
    synthetic = IDENTITIES_TO_TRAIN_ON
    metrics = ("recall_at_1", "map_at_r")
    has_validation_loss = False
    predictor_class = predictors.Embedder
    ends = ("raw", ())  # the first output is the vectors
    pipeline_class = Embedder
    does = "gives vectors of whole images"
    unfit = OF_SEVERAL
    learns = "learns one class an image"

    def open(self, listing, data, split, classes):
        """See `trizoo.data.classes.dataset.ClassSet`: of the classes of this split alone.

        Raises UserError where there is one class alone.
        """
        return super().open(listing, data, split, classes or listing.class_names_of(split))

    def evaluation_set(self, listing, recipe, split):
        """An `EmbeddingEvaluationSet`, whose classes are its own."""
        source = listing.open(split, listing.class_names_of(split))
        counts = np.bincount(source.records.labels, minlength=len(source.classes))
        notes = list(source.notes)
        if alone := int((counts == 1).sum()):
            notes.append(f"{alone} of {len(counts)} classes have one image in {split or 'all'}, which isn't looked for")
        return EmbeddingEvaluationSet(source.records, source.classes, split or "all", source.problems, notes)

    def lists(self, recipe, args):
        """vectors.json."""
        return {"vectors": lambda result, number: [result]} if args.json else {}

    def result(self, photo, found, recipe, args):
        """{"image", "width", "height", "vector": [numbers]}."""
        width, height = photo.size()
        vector = [round(value, DIGITS) for value in found.tolist()]
        return {"image": photo.name, "width": width, "height": height, "vector": vector} | photo.about

    def line(self, photo, found, result, recipe, args):
        """How long the vector is, and its first numbers."""
        first = ", ".join(f"{value:.3f}" for value in found[:4].tolist())
        return f"{photo.name}: a vector of {len(found)} numbers, {first}, …"

    def draw(self, photo, found, recipe, args):
        """The image as it is."""
        return photo.pixels()

    def table(self, metrics):
        """Metrics per class, then of all."""
        width = max([len("class"), *(len(name) for name in metrics["per_class"])])
        columns = ("recall_at_1", "map_at_r")
        lines = [f"{'class':{width}}  " + "  ".join(f"{_spoken(name):>11}" for name in columns) + "   images"]
        for name, values in metrics["per_class"].items():
            numbers = "  ".join(f"{shown(values[column]):>11}" for column in columns)
            lines.append(f"{name:{width}}  {numbers}  {values['images']:7}")
        means = ("recall_at_1", "recall_at_5", "map_at_r", "threshold", "kept", "refused")
        lines.append("  ".join(f"{_spoken(name)} {shown(metrics[name])}" for name in means))
        return "\n".join(lines)

    def total(self, recipe, args):
        """A `Total`: how many images there were."""
        return Total()


class Total:
    """How many images there were."""

    def __init__(self):
        self._count = 0

    def add(self, result):
        """Counts one image's result."""
        self._count += 1

    def text(self):
        """One line."""
        return f"{self._count} {'image' if self._count == 1 else 'images'}"


def _spoken(metric):
    """A metric's name for a person."""
    return metric.replace("_at_", "@").replace("map@r", "mAP@R")
