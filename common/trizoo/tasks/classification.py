"""Classification: a class for a whole image."""

from dataclasses import dataclass, replace

from trizoo.data.classes.find import find_classes
from trizoo.data.images import read_image
from trizoo.data.synthetic import SINGLES_TO_TRAIN_ON
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few
from trizoo.metrics.classification import ClassificationMetrics, report
from trizoo.metrics.curves import write_classification_report
from trizoo.metrics.plain import shown
from trizoo.pictures.draw_class import draw_class
from trizoo.tasks import predictors
from trizoo.tasks.classify import Classifier, ranked
from trizoo.tasks.records import RecordSet

TOP = 5  # classes that are told of an image


@dataclass(frozen=True)
class ClassEvaluationSet(RecordSet):
    """See `trizoo.tasks.base.EvaluationSet`."""

    def measure(self, pipeline):
        """Metrics (see `trizoo.metrics.classification.report`), and what `ClassificationMetrics.measure` gives."""
        measures = self.measures(ClassificationMetrics(self.classes), pipeline)
        return report(measures), measures

    def draw(self, found, number):
        """See `trizoo.tasks.base.EvaluationSet`."""
        record = self.records[number]
        image = read_image(record.image)
        predicted = draw_class(image, found["predicted"][number], self.classes, found["confidence"][number])
        return draw_class(image, record.label, self.classes), predicted

    def write_report(self, folder, found):
        """See `trizoo.metrics.curves.write_classification_report`."""
        write_classification_report(folder, found)


class Classification:
    """See `trizoo.tasks.base.Task`."""

    name = "classification"
    synthetic = SINGLES_TO_TRAIN_ON
    metrics = ("top1", "top5")
    has_validation_loss = True
    predictor_class = predictors.Classifier
    ends = ("probabilities", ("probabilities",))
    pipeline_class = Classifier
    does = "does classification"  # what a model is for, at the end of a sentence
    unfit = ("mosaic",)  # augmentations that are refused, since the model …
    learns = "learns from whole images and from blends of them, by mixup and cutmix"

    def find(self, data):
        """See `trizoo.data.classes.find.find_classes`."""
        return find_classes(data.root, data.layout, data.images, data.annotations)

    def open(self, listing, data, split, classes):
        """See `trizoo.data.classes.dataset.ClassSet`. Raises UserError where there is one class alone."""
        training = listing.open(split, classes or None)
        if len(training.classes) < 2:
            where, others = training.root, ""
            if len(listing.class_names) > 1:
                where, others = (
                    f"the split {split} of {where}",
                    f", of the whole set's {first_few(listing.class_names)}",
                )
            raise UserError(
                f"{where} has the class {training.classes[0]} alone{others}; two or more are needed to tell apart"
            )
        return training

    def evaluation_set(self, listing, recipe, split):
        """A `ClassEvaluationSet`."""
        source = listing.open(split, recipe.classes)
        return ClassEvaluationSet(source.records, source.classes, split or "all", source.problems, source.notes)

    def remarks(self, recipe, sources):
        """On classes without an image to learn from. Raises UserError for augmentations that are unfit."""
        unfit = [operation.op for operation in recipe.augment if operation.op in self.unfit]
        if unfit:
            raise UserError(
                f"augment has {unfit[0]}, which makes one image of several, and {recipe.model.name} {self.learns}; "
                f"leave it out"
            )
        labels = {label for member in sources.members for label in sources.training.labels_in(member)}
        lacking = [name for label, name in enumerate(recipe.classes) if label not in labels]
        return [f"no image to train on is of the class {name}" for name in lacking]

    def as_asked(self, evaluation, args):
        """The same: there is one way to measure."""
        return evaluation

    def write_results(self, evaluation, found, recipe, args):
        """None."""
        return []

    def evaluator(self, framework, model, spec, recipe, device):
        """A `pipeline_class`."""
        predict = framework.predictor(model, recipe.precision, device)
        return self.pipeline_class(predict=predict, spec=spec, input_size=recipe.input_size, resize=recipe.resize)

    def pipeline(self, framework, model, spec, recipe, device):
        """As `evaluator`."""
        return self.evaluator(framework, model, spec, recipe, device)

    def predictor(self, framework, model, spec, recipe, device, args):
        """As `evaluator`."""
        return self.evaluator(framework, model, spec, recipe, device)

    def as_used(self, pipeline, args):
        """The same, which also looks at mirrored images for --tta. Raises UserError for --tta-scales."""
        if args.tta_scales:
            raise UserError(
                f"--tta-scales is for detection and segmentation and {pipeline.spec.name} {self.does}; leave it out"
            )
        return replace(pipeline, flip=True) if args.tta else pipeline

    def lists(self, recipe, args):
        """classes.json."""
        return {"classes": lambda result, number: [result]} if args.json else {}

    def result(self, photo, found, recipe, args):
        """{"image", "width", "height", "classes": [{"class", "label", "probability"}, …]}, the likeliest first."""
        classes = [
            {"class": recipe.classes[label], "label": label, "probability": round(float(found[label]), 4)}
            for label in ranked(found, getattr(args, "top", None) or TOP).tolist()
        ]
        width, height = photo.size()
        return {"image": photo.name, "width": width, "height": height, "classes": classes} | photo.about

    def line(self, photo, found, result, recipe, args):
        """Classes and how likely they are in per cent, the likeliest first."""
        classes = [f"{one['class']} {100 * one['probability']:.1f} %" for one in result["classes"]]
        return f"{photo.name}: {', '.join(classes)}"

    def draw(self, photo, found, recipe, args):
        """The image with the name of its class."""
        if args.hide_labels:
            return photo.pixels()
        label = int(found.argmax())
        return draw_class(photo.pixels(), label, recipe.classes, found[label])

    def write(self, photo, target, found, recipe, args):
        """Nothing."""

    def table(self, metrics):
        """Metrics per class, then of all."""
        width = max([len("class"), *(len(name) for name in metrics["per_class"])])
        columns = ("F1", "precision", "recall")
        lines = [f"{'class':{width}}  " + "  ".join(f"{name:>9}" for name in columns) + "   images"]
        for name, values in metrics["per_class"].items():
            numbers = "  ".join(f"{shown(values[column]):>9}" for column in columns)
            lines.append(f"{name:{width}}  {numbers}  {values['images']:7}")
        means = ("top1", "top5", "mF1", "calibration_error")
        lines.append("  ".join(f"{name.replace('_', ' ')} {shown(metrics[name])}" for name in means))
        return "\n".join(lines)

    def total(self, recipe, args):
        """A `Total`: how many images are of each class."""
        return Total(recipe.classes)


class Total:
    """How many images are of each class.

    Args:
        most: classes of an image that count, the likeliest first; None: all that are told
    """

    def __init__(self, classes, most=1):
        self._images, self._counts, self._most = 0, dict.fromkeys(classes, 0), most

    def add(self, result):
        """Counts one image's result."""
        self._images += 1
        for one in result["classes"][: self._most]:
            self._counts[one["class"]] += 1

    def text(self):
        """One line, the most frequent first."""
        counts = sorted(self._counts.items(), key=lambda pair: -pair[1])
        told = ", ".join(f"{count} {name}" for name, count in counts if count) or "no label"
        return f"{self._images} {'image' if self._images == 1 else 'images'}: {told}"
