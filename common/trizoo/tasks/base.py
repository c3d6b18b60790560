"""What a task can do, and what an evaluation set is."""

from collections.abc import Sequence
from typing import Any, Protocol

from trizoo.data.reading import Problem


class EvaluationSet(Protocol):
    """Images with ground truth to measure on.

    Args:
        records: list of `trizoo.ground.sample.Record`
        split: its name
        notes: sentences about what was found, for a log
        problems: what was put right or left out of it
    """

    records: Any
    problems: Sequence[Problem]
    classes: tuple[str, ...]
    split: str
    notes: Any

    def only(self, places, split):
        """The same of some of its images alone.

        Args:
            places: of them in `records`
            split: what they are called
        """

    def measure(self, pipeline):
        """Runs an `ImagePipeline` over the images: metrics ready for JSON, and what `draw` and `write_report` need.

        Over those of `records`, once and in order: processes share them.
        """

    def draw(self, found, number):
        """Two pictures of image `number`, ground truth and prediction: two uint8 (H, W, 3)."""

    def write_report(self, folder, found):
        """Writes plots and tables of the measurement into a folder."""


class Task(Protocol):
    """Detection or segmentation.

    Arguments that several methods have:
        data: a recipe's data section, its root given
        args: the flags of evaluate.py or predict.py, those of the task's `TaskFlags` among them
    """

    metrics: tuple[str, ...]  # names of those that stand in a log; the first chooses the best weights, greatest first
    name: str
    has_validation_loss: bool  # whether images of the validation split have the classes that the loss knows
    predictor_class: type  # of `trizoo.tasks.predictors`: what `trizoo.load` gives
    ends: tuple[str, tuple[str, ...]]  # what an exported graph ends in: a kind of `trizoo.deploy.metadata`, its outputs
    synthetic: dict[str, Any]  # what `trizoo.data.synthetic.synthesize` draws for a training without data

    def find(self, data):
        """The listing of what there is under the root, looked for once; its `splits` are {split: ids}."""

    def open(self, listing, data, split, classes):
        """The training set of a split.

        It has records, classes, notes, problems, `sample(index, at_least)`, `labels_in(index)` and `labels_are_read`.
        """

    def evaluation_set(self, listing, recipe, split):
        """The EvaluationSet of a split, None for all images; its classes are the recipe's."""

    def remarks(self, recipe, sources):
        """Sentences about what a model can't learn of the `trizoo.training.data.Sources` that it is trained on."""

    def as_asked(self, evaluation, args):
        """An EvaluationSet of this task's as evaluate.py's arguments want it measured."""

    def write_results(self, evaluation, found, recipe, args):
        """The files of a measurement that evaluate.py's arguments ask for -> lines that say so.

        Args:
            found: what `EvaluationSet.measure` gave
            recipe: with the data set that was measured on
        """

    def evaluator(self, framework, model, spec, recipe, device):
        """The ImagePipeline that evaluation uses: the model as it is now, with the recipe's `evaluate` section."""

    def pipeline(self, framework, model, spec, recipe, device):
        """The ImagePipeline that `trizoo.load` gives a program, by the recipe's `predict` section."""

    def predictor(self, framework, model, spec, recipe, device, args):
        """The ImagePipeline of predict.py, as its arguments and the recipe's `predict` section say."""

    def as_used(self, pipeline, args):
        """An ImagePipeline of this task's as evaluate.py's or predict.py's arguments want images looked at."""

    def lists(self, recipe, args):
        """What predict writes as lists: {file name without suffix: (result, photo's number) -> its entries}."""

    def result(self, photo, found, recipe, args):
        """What is known of one image, a `trizoo.data.photo.Photo`, for `lists` and the last line."""

    def line(self, photo, found, result, recipe, args):
        """What is known of one image, for a person."""

    def draw(self, photo, found, recipe, args):
        """The picture of what was found: uint8 (H, W, 3), or (H, W, 4) with transparency."""

    def write(self, photo, target, found, recipe, args):
        """The files that the flags ask for, of one image, less its picture.

        Args:
            target: where its picture goes
        """

    def table(self, metrics):
        """Metrics per class as text, and a line of those that sum them up."""

    def total(self, recipe, args):
        """What sums up all images: `add(result)`, and `text()`, one line or several."""
