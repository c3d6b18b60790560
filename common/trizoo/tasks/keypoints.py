"""Finding key points: marks with classes, which the centres of boxes stand for.

Data, networks' results and runtimes have boxes; here they are about their centres. What isn't different is as for
detection.
"""

from dataclasses import dataclass

from trizoo.augment.letterbox import fit
from trizoo.data.boxes.dataset import BoxSet
from trizoo.data.boxes.find import first_of_points
from trizoo.data.boxes.kept import open_boxes
from trizoo.data.boxes.points import shared_cells
from trizoo.data.images import read_image
from trizoo.data.synthetic import MARKS_TO_TRAIN_ON
from trizoo.families import architecture
from trizoo.ground.boxes import around, centres
from trizoo.ground.errors import UserError
from trizoo.metrics.curves import write_keypoint_report
from trizoo.metrics.plain import shown
from trizoo.metrics.points import evaluate_points
from trizoo.pictures.draw_points import draw_points
from trizoo.tasks import predictors
from trizoo.tasks.detection import BoxEvaluationSet, Detection, confidence

MOST_COUNTED = 5000  # images whose marks are placed to see which share a cell
HALF = 1.0  # pixels to each side of a mark that its box has


class MarkSet(BoxSet):
    """A `BoxSet` whose samples have a box of two pixels about each mark."""

    def sample(self, index, at_least=None):
        """See `BoxSet.sample`."""
        sample = super().sample(index, at_least)
        return sample.replace(boxes=around(centres(sample.boxes), HALF), points=True)


@dataclass(frozen=True)
class KeypointEvaluationSet(BoxEvaluationSet):
    """See `trizoo.tasks.base.EvaluationSet`."""

    def measure(self, pipeline):
        """Metrics (see `trizoo.metrics.points.evaluate_points`), and the list of Detections."""
        found = list(pipeline(record.image for record in self.records))
        return evaluate_points(found, self.records, self.classes), found

    def draw(self, found, number):
        """See `trizoo.tasks.base.EvaluationSet`."""
        record, image = self.records[number], read_image(self.records[number].image)
        truth = draw_points(image, centres(record.boxes), record.labels, self.classes)
        return truth, draw_found(image, found[number], self.classes)

    def write_report(self, folder, found):
        """See `trizoo.metrics.curves.write_keypoint_report`."""
        write_keypoint_report(folder, found, self.records, self.classes)


class Keypoints(Detection):
    """See `trizoo.tasks.base.Task`."""

    name = "keypoints"
    synthetic = MARKS_TO_TRAIN_ON
    metrics = ("mF1", "F1")
    predictor_class = predictors.KeypointDetector

    def find(self, data):
        """The `trizoo.data.boxes.index.BoxIndex`: of COCO's key points or tables of points, else of boxes."""
        return first_of_points(open_boxes, data.root, data.layout, data.images, data.annotations)

    def training_set(self, listing, split, classes, classes_map):
        """A MarkSet."""
        return MarkSet(listing, split, classes, classes_map)

    def evaluation_set(self, listing, recipe, split):
        """A KeypointEvaluationSet."""
        return KeypointEvaluationSet(**vars(super().evaluation_set(listing, recipe, split)))

    def remarks(self, recipe, sources):
        """On marks that share a cell as they will be placed, of which one alone is learned."""
        stride = architecture(recipe.model.name).size_multiple
        records = sources.training.records
        total = shared = 0
        for member in sources.members[:: -(-len(sources.members) // MOST_COUNTED)]:
            record = records[member]
            boxes = fit(record.size, recipe.input_size, recipe.resize).forward(record.boxes)
            total, shared = total + len(boxes), shared + shared_cells(centres(boxes), stride)
        if not shared:
            return []
        finer = "" if stride == 16 else "--model keypoints-stride16 or "
        return [
            f"{shared} of {total} key points can't be learned, since another is in the same cell of {stride}x{stride} "
            f"pixels, and a cell holds one; {finer}a larger --input-size tells more of them apart"
        ]

    def evaluator(self, framework, model, spec, recipe, device):
        """A Detector of what predict shows: marks have no curve over all scores."""
        return self.pipeline(framework, model, spec, recipe, device)

    def as_used(self, pipeline, args):
        """The same. Raises UserError for --tta and --tta-scales, since marks found several times aren't joined."""
        for name in ("tta", "tta_scales"):
            if getattr(args, name):
                flag = f"--{name.replace('_', '-')}"
                raise UserError(
                    f"{flag} is for detection and segmentation and {pipeline.spec.name} does keypoints; leave it out"
                )
        return pipeline

    def lists(self, recipe, args):
        """keypoints.json."""
        return {"keypoints": lambda result, number: [result]} if args.json else {}

    def result(self, photo, found, recipe, args):
        """As a detector's, but each detection has a point, x and y, beside the box of two pixels about it."""
        result = super().result(photo, found, recipe, args)
        points = centres(found.above(confidence(recipe, args)).boxes).tolist()
        for one, point in zip(result["detections"], points, strict=True):
            one["point"] = [round(side, 2) for side in point]
        return result

    def line(self, photo, found, result, recipe, args):
        """What was found in one image."""
        return super().line(photo, found, result, recipe, args).replace("boxes", "key points", 1)

    def draw_found(self, image, found, classes, **options):
        """Detections as crosses: see `trizoo.pictures.draw_points.draw_points`."""
        return draw_found(image, found, classes, **options)

    def table(self, metrics):
        """Metrics per class, then of all."""
        width = max([len("class"), *(len(name) for name in metrics["per_class"])])
        columns = ("F1", "precision", "recall", "mean_distance", "median_distance", "p95_distance")
        heads = ("F1", "precision", "recall", "mean px", "median px", "95 % px")
        lines = [f"{'class':{width}}  " + "  ".join(f"{head:>9}" for head in heads) + "    marks"]
        for name, values in metrics["per_class"].items():
            numbers = "  ".join(f"{shown(values[column]):>9}" for column in columns)
            lines.append(f"{name:{width}}  {numbers}  {values['ground_truths']:7}")
        sums = "  ".join(f"{name} {shown(metrics[name])}" for name in ("mF1", "F1", "precision", "recall"))
        apart = ", ".join(shown(metrics[column]) for column in columns[3:])
        lines.append(f"{sums}  distance in pixels: mean, median, 95 % {apart}")
        return "\n".join(lines)


def draw_found(image, found, classes, **options):
    """Detections as crosses: see `trizoo.pictures.draw_points.draw_points`."""
    return draw_points(image, centres(found.boxes), found.labels, classes, found.scores, **options)
