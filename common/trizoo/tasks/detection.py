"""Finding objects: boxes with classes."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trizoo.data.boxes.coco import file_numbers
from trizoo.data.boxes.kept import open_boxes
from trizoo.data.boxes.points import LAYOUTS as OF_POINTS
from trizoo.data.class_maps import renamed, with_synonyms
from trizoo.data.images import read_image
from trizoo.data.synthetic import SHAPES_TO_TRAIN_ON
from trizoo.ground.errors import UserError
from trizoo.ground.text import suggest
from trizoo.metrics.curves import write_report
from trizoo.metrics.detection import evaluate
from trizoo.metrics.plain import shown
from trizoo.pictures.counts import draw_counts
from trizoo.pictures.draw import draw_boxes, draw_detections
from trizoo.tasks import predictors
from trizoo.tasks.coco_results import write_coco_results
from trizoo.tasks.detect import Detector
from trizoo.tasks.others import coco_categories, to_coco, write_names, write_yolo
from trizoo.tasks.records import RecordSet
from trizoo.tasks.scales import ScaledDetector, sizes_at
from trizoo.tasks.tiles import TiledDetector
from trizoo.tasks.writers import Counts, in_folder, to_json, write_crops, write_voc

LOWEST_SCORE = 0.01  # what predict looks at, so as to say how good the best detection below --confidence was
OVERLAP = 0.2  # of tiles, of their side
SAMPLE_SCORE = 0.3  # detections below it are not drawn into the run folder


@dataclass(frozen=True)
class BoxEvaluationSet(RecordSet):
    """See `trizoo.tasks.base.EvaluationSet`."""

    def measure(self, pipeline):
        """Metrics (see `trizoo.metrics.detection.evaluate`), and the list of Detections."""
        found = list(pipeline(record.image for record in self.records))
        return evaluate(found, self.records, self.classes, self.score), found

    def draw(self, found, number):
        """See `trizoo.tasks.base.EvaluationSet`."""
        record, strong = self.records[number], found[number].above(SAMPLE_SCORE)
        image = read_image(record.image)
        truth = draw_boxes(image, record.boxes, record.labels, self.classes)
        return truth, draw_detections(image, strong, self.classes)

    def write_report(self, folder, found):
        """See `trizoo.metrics.curves.write_report`."""
        write_report(folder, found, self.records, self.classes, self.score)


class Detection:
    """See `trizoo.tasks.base.Task`."""

    name = "detection"
    synthetic = SHAPES_TO_TRAIN_ON
    metrics = ("mAP50", "mAP")
    has_validation_loss = True
    predictor_class = predictors.Detector
    ends = ("boxes", ("boxes", "scores", "labels"))

    def find(self, data):
        """The `trizoo.data.boxes.index.BoxIndex`. Raises UserError for masks alone."""
        listing = open_boxes(data.root, data.layout, data.images, data.annotations)
        if not listing.annotations and listing.masks:
            raise UserError(
                f"{data.root} has {listing.masks} masks and no annotations, and a detector needs boxes; "
                f"a segmentation model learns from masks: --model deeplabv3plus-mobilenetv2"
            )
        if listing.layout in OF_POINTS:
            raise UserError(
                f"{data.root} has points (layout {listing.layout}), and a detector needs boxes; a key point model "
                f"learns from points: --model keypoints-stride32"
            )
        return listing

    def open(self, listing, data, split, classes):
        """See `trizoo.data.boxes.dataset.BoxSet`. Raises UserError where there is nothing to find."""
        training = self.training_set(listing, split, classes or None, dict(data.classes_map))
        if not training.classes:
            raise UserError(f"{training.root} has no object of any class, so there is nothing to learn")
        return training

    def training_set(self, listing, split, classes, classes_map):
        """A BoxSet, whatever is in it."""
        return listing.open(split, classes, classes_map)

    def evaluation_set(self, listing, recipe, split):
        """A `BoxEvaluationSet`, on VOC's and COCO's names for the same classes alike."""
        own, classes = recipe.data.classes_map, recipe.classes
        mapping = with_synonyms(listing.class_names, classes, own)
        source = listing.open(split, classes, mapping)
        found = [f"{old} as {new}" for old, new in mapping.items() if old not in dict(own)]
        notes = [*source.notes, *([f"measured are {', '.join(found)}"] if found else [])]
        about = (split or "all", source.problems, notes)
        return BoxEvaluationSet(source.records, classes, *about, score=recipe.predict.score)

    def remarks(self, recipe, sources):
        """None."""
        return []

    def as_asked(self, evaluation, args):
        """The same: there is one way to measure boxes."""
        return evaluation

    def write_results(self, evaluation, found, recipe, args):
        """COCO's results where --coco asks for them, see `trizoo.tasks.coco_results`."""
        if not args.coco:
            return []
        data, numbers = recipe.data, None
        if data.layout in (None, "coco"):
            ids = [record.id for record in evaluation.records]
            numbers = file_numbers(data.root, data.images, data.annotations, ids)
        if numbers:
            mapping = with_synonyms(numbers.categories, evaluation.classes, data.classes_map)
            numbers = replace(numbers, categories=renamed(numbers.categories, mapping))
        return write_coco_results(args.coco, found, evaluation.records, evaluation.classes, numbers)

    def evaluator(self, framework, model, spec, recipe, device):
        """A Detector, by the recipe's `evaluate` section."""
        return _detector(framework, model, spec, recipe, device, **_thresholds(recipe.evaluate))

    def pipeline(self, framework, model, spec, recipe, device):
        """A Detector, by the recipe's `predict` section."""
        return _detector(framework, model, spec, recipe, device, **_thresholds(recipe.predict))

    def predictor(self, framework, model, spec, recipe, device, args):
        """A Detector, which also finds what lies below the score that is shown."""
        nms = recipe.predict.nms if args.nms is None else args.nms
        method = args.nms_method or recipe.predict.nms_method
        score = min(confidence(recipe, args), LOWEST_SCORE)
        only = None if args.classes is None else class_ids(args.classes, recipe.classes)
        options = {"score": score, "nms": nms, "nms_method": method, "only": only}
        return _detector(framework, model, spec, recipe, device, **options)

    def as_used(self, pipeline, args):
        """The Detector as --tta wants it, in a ScaledDetector for --tta-scales, a TiledDetector for --tiles."""
        if args.overlap is not None and args.tiles is None:
            raise UserError(f"--overlap {args.overlap:g} is of tiles; --tiles N, their side in pixels, is needed too")
        if args.tta:
            pipeline = replace(pipeline, flip=True)
        if args.tta_scales:
            sizes = sizes_at(args.tta_scales, pipeline.spec.name, pipeline.input_size, pipeline.resize)
            pipeline = ScaledDetector(pipeline, sizes)
        if args.tiles is None:
            return pipeline
        return TiledDetector(pipeline, args.tiles, OVERLAP if args.overlap is None else args.overlap)

    def lists(self, recipe, args):
        """detections.json, and coco.json."""
        lists = {}
        if args.json:
            lists["detections"] = lambda result, number: [result]
        if args.coco:
            categories = coco_categories(recipe.classes)
            lists["coco"] = lambda result, number: to_coco(result, number, categories)
        return lists

    def result(self, photo, found, recipe, args):
        """See `trizoo.tasks.writers.to_json`."""
        shown = found.above(confidence(recipe, args))
        return to_json(photo.name, photo.size(), shown, recipe.classes) | photo.about

    def line(self, photo, found, result, recipe, args):
        """What was found in one image, and where nothing was, how near it came."""
        score = confidence(recipe, args)
        if result["counts"]:
            return f"{photo.name}: " + ", ".join(f"{count} {name}" for name, count in result["counts"].items())
        if not len(found):
            return f"{photo.name}: 0 boxes above {score:g}, none above {min(score, LOWEST_SCORE):g} either"
        best = f"{found.scores[0]:.2f} ({recipe.classes[found.labels[0]]})"
        return f"{photo.name}: 0 boxes above {score:g}, best {best}"

    def draw(self, photo, found, recipe, args):
        """The image with boxes, names and scores."""
        found = found.above(confidence(recipe, args))
        options = {"thickness": args.line_width, "labelled": not args.hide_labels}
        picture = self.draw_found(photo.pixels(), found, recipe.classes, **options)
        if not args.count:
            return picture
        counts = np.bincount(found.labels, minlength=len(recipe.classes)).tolist()
        return draw_counts(picture, recipe.classes, counts)

    def draw_found(self, image, found, classes, **options):
        """Detections in their image: see `trizoo.pictures.draw.draw_detections`."""
        return draw_detections(image, found, classes, **options)

    def write(self, photo, target, found, recipe, args):
        """A VOC annotation, a YOLO label file, crops."""
        found, classes = found.above(confidence(recipe, args)), recipe.classes
        if args.voc:
            write_voc(target.with_suffix(".xml"), photo.path, photo.size(), found, classes)
        if args.yolo:
            write_yolo(in_folder(args.out, "labels", target).with_suffix(".txt"), photo.size(), found)
            write_names(Path(args.out, "classes.txt"), classes)
        if args.crop:
            folder = in_folder(args.out, "crops", target).parent
            write_crops(folder, photo.pixels(), target.stem, found, classes)

    def table(self, metrics):
        """Metrics per class, then the means."""
        width = max([len("class"), *(len(name) for name in metrics["per_class"])])
        columns = ("AP50", "AP", "precision", "recall", "F1")
        lines = [f"{'class':{width}}  " + "  ".join(f"{name:>9}" for name in columns) + "  objects"]
        for name, values in metrics["per_class"].items():
            numbers = "  ".join(f"{shown(values[column]):>9}" for column in columns)
            lines.append(f"{name:{width}}  {numbers}  {values['ground_truths']:7}")
        voc = shown(metrics["voc"]["mAP50"])
        lines.append(f"mAP50 {shown(metrics['mAP50'])}  mAP {shown(metrics['mAP'])}  VOC mAP50 {voc}")
        lines.append(f"IoU of what is found at 0.5: {shown(metrics['matched_iou'])} on average")
        lines += [f"AP at IoU {place} lost by {_losses(rows)}" for place, rows in metrics["errors"].items()]
        return "\n".join(lines)

    def total(self, recipe, args):
        """A `Total`: how many of each class there are."""
        return Total(recipe.classes, recipe.evaluate.max_detections)


def _losses(rows):
    """What the kinds of errors cost, the dearest first, in words."""
    costs = {kind: row["cost"] for kind, row in rows.items() if row["cost"]}
    dearest = sorted(costs, key=costs.get, reverse=True)
    # where nothing is found, nothing gains by putting one kind right
    alone = "missed objects alone" if rows["missed"]["count"] else "nothing"
    return ", ".join(f"{kind} {shown(costs[kind])}" for kind in dearest) or alone


class Total:
    """Counts of all images, and whether some reached the most detections that are kept."""

    def __init__(self, classes, most):
        self._counts, self._most, self._full = Counts(classes), most, 0

    def add(self, result):
        """Adds one image's result."""
        self._counts.add(result)
        self._full += len(result["detections"]) >= self._most

    def text(self):
        """A table, and a line where there may be more than is shown."""
        table = self._counts.text()
        if not self._full:
            return table
        images = "1 image has" if self._full == 1 else f"{self._full} images have"
        kept = f"{images} as many detections as are kept, {self._most} an image"
        return f"{table}\n{kept}; there may be more (--max-detections N)"


def class_ids(names, classes):
    """The ids of classes by their names -> tuple. Raises UserError for a name that none has, with the nearest."""
    for name in names:
        if name not in classes:
            raise UserError(f"--classes has {name!r}, which the model doesn't know{suggest(name, classes)}")
    return tuple(number for number, name in enumerate(classes) if name in names)


def confidence(recipe, args):
    """The lowest score that is shown."""
    return recipe.predict.score if args.confidence is None else args.confidence


def _thresholds(section):
    """What `_detector` takes of a recipe's `evaluate` or `predict` section."""
    return {"score": section.score, "nms": section.nms, "nms_method": section.nms_method}


def _detector(framework, model, spec, recipe, device, **options):
    """The Detector of a model in its recipe's way. options: score, nms, nms_method."""
    shortlist = not framework.is_cpu(device)  # on a CPU nothing has to be copied
    return Detector(
        predict=framework.predictor(model, recipe.precision, device, shortlist),
        spec=spec,
        input_size=recipe.input_size,
        resize=recipe.resize,
        max_detections=recipe.evaluate.max_detections,
        **options,
    )
