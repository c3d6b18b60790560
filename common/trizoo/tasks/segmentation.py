"""Segmenting: a class for every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np

from trizoo.data.images import read_image
from trizoo.data.masks.find import find_masks
from trizoo.data.synthetic import SHAPES_TO_TRAIN_ON
from trizoo.ground.files import replacing, write_from_memory
from trizoo.metrics.curves import write_segmentation_report
from trizoo.metrics.plain import shown
from trizoo.metrics.pool import mean_over_classes
from trizoo.metrics.segmentation import SegmentationMetrics, iou_of_classes, report
from trizoo.pictures.draw_masks import blend, colours, cut_out
from trizoo.pictures.palette import palette_image
from trizoo.tasks import predictors
from trizoo.tasks.scales import ScaledSegmenter, sizes_at
from trizoo.tasks.segment import Segmenter
from trizoo.tasks.segmentation_flags import VIEWS
from trizoo.tasks.writers import in_folder

KEPT_MASKS = 8  # of an evaluation, for pictures
KEPT_WORST = 12  # the same, of those that are least like the truth


@dataclass(frozen=True)
class Measured:
    """An evaluation's counts, and some predictions: uint8 (H, W) each.

    Args:
        masks: the first ones
        worst: (mean IoU over the classes in truth or prediction, number of the image, mask), the lowest IoU first
    """

    measures: Any
    masks: list
    worst: list


@dataclass(frozen=True)
class MaskEvaluationSet:
    """See `trizoo.tasks.base.EvaluationSet`.

    Args:
        source: a `trizoo.data.masks.dataset.MaskSet`
        places: which of its images
        boundary: whether boundary IoU is measured
    """

    source: Any
    split: str
    places: Sequence[int]
    boundary: bool = False

    @property
    def records(self):
        """See `trizoo.tasks.base.EvaluationSet`."""
        return [self.source.records[place] for place in self.places]

    @property
    def problems(self):
        """See `trizoo.tasks.base.EvaluationSet`."""
        return self.source.problems

    @property
    def classes(self):
        """See `trizoo.tasks.base.EvaluationSet`."""
        return self.source.classes

    @property
    def notes(self):
        """See `trizoo.tasks.base.EvaluationSet`."""
        return self.source.notes

    def only(self, places, split):
        """See `trizoo.tasks.base.EvaluationSet`."""
        return replace(self, split=split, places=[self.places[place] for place in places])

    def measure(self, pipeline):
        """Metrics (see `trizoo.metrics.segmentation`) at the images' own sizes, and a `Measured`."""
        metrics, first, worst = SegmentationMetrics(self.classes, self.boundary), [], []
        found = pipeline(record.image for record in self.records)
        for number, (place, mask) in enumerate(zip(self.places, found, strict=True)):
            matrix = metrics.add(mask, self.source.mask(place), self.source.records[place].id)
            if matrix.any():
                worst.append((mean_over_classes(iou_of_classes(matrix)), number, mask))
                worst = sorted(worst, key=itemgetter(0))[:KEPT_WORST]
            if number < KEPT_MASKS:
                first.append(mask)
        measures = metrics.measure()
        return report(measures), Measured(measures, first, worst)

    def draw(self, found, number):
        """See `trizoo.tasks.base.EvaluationSet`."""
        image = read_image(self.records[number].image)
        return blend(image, self.source.mask(self.places[number])), blend(image, found.masks[number])

    def write_report(self, folder, found):
        """See `trizoo.metrics.curves.write_segmentation_report`."""
        write_segmentation_report(folder, found.measures)


class Segmentation:
    """See `trizoo.tasks.base.Task`."""

    name = "segmentation"
    synthetic = SHAPES_TO_TRAIN_ON
    metrics = ("mIoU", "pixel_accuracy")
    has_validation_loss = True
    predictor_class = predictors.Segmenter
    ends = ("mask", ("mask",))

    def find(self, data):
        """See `trizoo.data.masks.find.find_masks`."""
        return find_masks(data.root, data.layout, data.images, data.annotations)

    def open(self, listing, data, split, classes):
        """See `trizoo.data.masks.dataset.MaskSet`."""
        return listing.open(
            split,
            classes or None,
            mask_map=dict(data.mask_map),
            palette=data.palette,
            ignore_colours=data.ignore_colours,
        )

    def evaluation_set(self, listing, recipe, split):
        """A `MaskEvaluationSet`."""
        source = self.open(listing, recipe.data, split, recipe.classes)
        return MaskEvaluationSet(source, split or "all", range(len(source)))

    def remarks(self, recipe, sources):
        """None."""
        return []

    def as_asked(self, evaluation, args):
        """With boundary IoU where --boundary asks for it."""
        return replace(evaluation, boundary=args.boundary)

    def write_results(self, evaluation, found, recipe, args):
        """None."""
        return []

    def evaluator(self, framework, model, spec, recipe, device):
        """A Segmenter."""
        predict = framework.predictor(model, recipe.precision, device)
        return Segmenter(predict=predict, spec=spec, input_size=recipe.input_size, resize=recipe.resize)

    def pipeline(self, framework, model, spec, recipe, device):
        """A Segmenter."""
        return self.evaluator(framework, model, spec, recipe, device)

    def predictor(self, framework, model, spec, recipe, device, args):
        """A Segmenter."""
        return self.evaluator(framework, model, spec, recipe, device)

    def as_used(self, pipeline, args):
        """The Segmenter, which also looks at mirrored images for --tta, in a ScaledSegmenter for --tta-scales."""
        if args.tta:
            pipeline = replace(pipeline, flip=True)
        if not args.tta_scales:
            return pipeline
        sizes = sizes_at(args.tta_scales, pipeline.spec.name, pipeline.input_size, pipeline.resize)
        return ScaledSegmenter(pipeline, sizes)

    def lists(self, recipe, args):
        """areas.json."""
        return {"areas": lambda result, number: [result]} if args.json else {}

    def result(self, photo, found, recipe, args):
        """{"image", "width", "height", "areas": {class: share of the pixels}}, of classes that there are."""
        counts = np.bincount(found.ravel(), minlength=len(recipe.classes))
        areas = {name: count / found.size for name, count in zip(recipe.classes, counts.tolist(), strict=True) if count}
        width, height = found.shape[1::-1]
        return {"image": photo.name, "width": width, "height": height, "areas": areas} | photo.about

    def line(self, photo, found, result, recipe, args):
        """Each class's share of the pixels in per cent, largest first."""
        return f"{photo.name}: {_percent(result['areas'])}"

    def draw(self, photo, found, recipe, args):
        """The view that was asked for."""
        view = args.view or VIEWS[0]
        if view == "mask":
            return colours(found)
        return (cut_out if view == "cut-out" else blend)(photo.pixels(), found)

    def write(self, photo, target, found, recipe, args):
        """A mask with VOC's palette in the folder `masks`, which keeps every pixel's class."""
        if args.masks:
            _save_png(in_folder(args.out, "masks", target).with_suffix(".png"), palette_image(found))

    def table(self, metrics):
        """Metrics per class, then the means."""
        width = max([len("class"), *(len(name) for name in metrics["per_class"])])
        first = next(iter(metrics["per_class"].values()))
        columns = [name for name in ("IoU", "precision", "recall", "F1", "boundary_IoU") if name in first]
        lines = [f"{'class':{width}}  " + "  ".join(f"{_words(name):>9}" for name in columns) + "      pixels"]
        for name, values in metrics["per_class"].items():
            numbers = "  ".join(f"{shown(values[column]):>{max(9, len(column))}}" for column in columns)
            lines.append(f"{name:{width}}  {numbers}  {values['truth_pixels']:10}")
        means = ("mIoU", "mean_pixel_accuracy", "pixel_accuracy", "frequency_weighted_IoU", "boundary_mIoU")
        lines.append("  ".join(f"{_words(name)} {shown(metrics[name])}" for name in means if name in metrics))
        return "\n".join(lines)

    def total(self, recipe, args):
        """A `Total`: the mean share of each class."""
        return Total(recipe.classes)


class Total:
    """The mean share of each class of all images."""

    def __init__(self, classes):
        self._sums, self._count = dict.fromkeys(classes, 0), 0

    def add(self, result):
        """Adds one image's result."""
        self._count += 1
        for name, share in result["areas"].items():
            self._sums[name] += share

    def text(self):
        """One line."""
        means = {name: share / max(1, self._count) for name, share in self._sums.items() if share}
        return f"{self._count} {'image' if self._count == 1 else 'images'}: {_percent(means)}"


def _save_png(path, picture):
    with replacing(path) as temporary:
        write_from_memory(temporary, lambda file: picture.save(file, format="PNG"))


def _words(name):
    return name.replace("_", " ")


def _percent(areas):
    """Shares as text: "background 87.7 %, cell 12.3 %", largest first."""
    in_order = sorted(areas.items(), key=lambda area: -area[1])
    return ", ".join(f"{name} {100 * share:.1f} %" for name, share in in_order)
