"""Multi-label classification: any number of labels for a whole image."""

from dataclasses import dataclass

from trizoo.data.classes.find import find_label_sets
from trizoo.data.images import read_image
from trizoo.data.synthetic import LABELS_TO_TRAIN_ON
from trizoo.ground.errors import UserError
from trizoo.metrics.multilabel import MultilabelMetrics, report
from trizoo.metrics.multilabel_report import write_multilabel_report
from trizoo.metrics.plain import shown
from trizoo.pictures.draw_class import draw_classes
from trizoo.tasks import predictors
from trizoo.tasks.classification import Classification, Total
from trizoo.tasks.classify import above
from trizoo.tasks.detection import confidence
from trizoo.tasks.records import RecordSet

COLUMNS = ("AP", "F1", "precision", "recall")
MEANS = ("mAP", "mF1", "F1", "all_right")


@dataclass(frozen=True)
class LabelEvaluationSet(RecordSet):
    """See `trizoo.tasks.base.EvaluationSet`."""

    def truth(self, record):
        """The class ids of an image."""
        return record.labels

    def measure(self, pipeline):
        """Metrics (see `trizoo.metrics.multilabel.report`), and what `MultilabelMetrics.measure` gives."""
        measures = self.measures(MultilabelMetrics(self.classes, self.score), pipeline)
        return report(measures), measures

    def draw(self, found, number):
        """See `trizoo.tasks.base.EvaluationSet`."""
        record, scores = self.records[number], found["probabilities"][number]
        image, labels = read_image(record.image), above(scores, self.score)
        predicted = draw_classes(image, labels, self.classes, scores[labels].tolist())
        return draw_classes(image, record.labels.tolist(), self.classes), predicted

    def write_report(self, folder, found):
        """See `trizoo.metrics.multilabel_report.write_multilabel_report`."""
        write_multilabel_report(folder, found)


class Multilabel(Classification):
    """See `trizoo.tasks.base.Task`."""

    name = "multilabel"
    synthetic = LABELS_TO_TRAIN_ON
    metrics = ("mAP", "mF1")
    predictor_class = predictors.MultilabelClassifier
    does = "gives labels of whole images"

    def find(self, data):
        """See `trizoo.data.classes.find.find_label_sets`."""
        return find_label_sets(data.root, data.layout, data.images, data.annotations)

    def open(self, listing, data, split, classes):
        """See `trizoo.data.classes.dataset.ClassSet`. Raises UserError where no image has a label."""
        training = listing.open(split, classes or None)
        if not training.classes:
            raise UserError(f"no image of {training.root} has a label; a class or more is needed")
        return training

    def remarks(self, recipe, sources):
        """See `Classification`. Raises UserError for batches of images of one class too."""
        if recipe.data.per_class:
            raise UserError(
                f"data.per_class is {recipe.data.per_class}, for images of one class each, and those of "
                f"{recipe.model.name} have any number of labels; leave it out"
            )
        return super().remarks(recipe, sources)

    def evaluation_set(self, listing, recipe, split):
        """A `LabelEvaluationSet`."""
        source = listing.open(split, recipe.classes)
        about = (split or "all", source.problems, source.notes)
        return LabelEvaluationSet(source.records, source.classes, *about, score=recipe.predict.score)

    def result(self, photo, found, recipe, args):
        """{"image", "width", "height", "classes": [{"class", "label", "probability"}, …]} of those above the score."""
        classes = [
            {"class": recipe.classes[label], "label": label, "probability": round(float(found[label]), 4)}
            for label in above(found, confidence(recipe, args))
        ]
        width, height = photo.size()
        return {"image": photo.name, "width": width, "height": height, "classes": classes} | photo.about

    def line(self, photo, found, result, recipe, args):
        """Labels above the score and how likely they are, the likeliest first; where there is none the likeliest."""
        if result["classes"]:
            return super().line(photo, found, result, recipe, args)
        label = int(found.argmax())
        best = f"{recipe.classes[label]} {100 * found[label]:.1f} %"
        return f"{photo.name}: no label above {confidence(recipe, args):g}; the likeliest is {best}"

    def draw(self, photo, found, recipe, args):
        """The image with the names of its labels."""
        labels = above(found, confidence(recipe, args))
        if args.hide_labels or not labels:
            return photo.pixels()
        return draw_classes(photo.pixels(), labels, recipe.classes, found[labels].tolist())

    def table(self, metrics):
        """Metrics per class, then of all."""
        width = max([len("class"), *(len(name) for name in metrics["per_class"])])
        lines = [f"{'class':{width}}  " + "  ".join(f"{name:>9}" for name in COLUMNS) + "   images"]
        for name, values in metrics["per_class"].items():
            numbers = "  ".join(f"{shown(values[column]):>9}" for column in COLUMNS)
            lines.append(f"{name:{width}}  {numbers}  {values['images']:7}")
        lines.append("  ".join(f"{name.replace('_', ' ')} {shown(metrics[name])}" for name in MEANS))
        return "\n".join(lines)

    def total(self, recipe, args):
        """A `Total`: how many images have each label."""
        return Total(recipe.classes, most=None)
