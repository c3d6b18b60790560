"""The Python door: `trizoo.load`, `trizoo.train` and what they return, the same for the three frameworks.

    import trizoo
    detector = trizoo.load("best.h5")
    found = detector("photo.jpg")
    found.boxes, found.scores, found.names

Nothing here imports a framework before it is asked for.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np

from trizoo.data.images import as_image, read_size
from trizoo.deploy.runtimes import is_exported, make_model, read_model, runtime_of
from trizoo.families import check_input_size
from trizoo.framework import FRAMEWORKS, Framework, find, require_installed
from trizoo.ground.devices import device_name
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Sample
from trizoo.ground.text import hint
from trizoo.ground.truth import as_truth
from trizoo.pictures.draw_masks import blend
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.tasks.classify import above, ranked
from trizoo.tasks.found import Classified, Detections, Image, Keypoints, Labelled
from trizoo.tasks.pipeline import ImagePipeline
from trizoo.training.batch_size import AUTO
from trizoo.training.callbacks import as_callbacks
from trizoo.training.recipe import check_frozen, new_recipe, wanted_model
from trizoo.training.resume import recipe_of as recipe_of_run
from trizoo.training.run import RunFolder
from trizoo.training.train import Run
from trizoo.training.train import train as train_recipe
from trizoo.weights.store import resolve_weights

PRECISIONS = (*get_args(Recipe.model_fields["precision"].annotation), "auto")


@dataclass(frozen=True)
class Predictor:
    """A trained model, ready for images; `trizoo.load` makes it.

    Args:
        model: the framework's own: nn.Module, tf.Module or keras.Model. Calling it on uint8 (B, H, W, 3) gives the
            outputs before decoding. Of an exported file a `trizoo.deploy.runtimes.Opened`
        spec: `trizoo.families.ModelSpec`: names, anchors, strides
        recipe: `trizoo.recipes.schema.Recipe`, as the checkpoint carries it
        framework: `trizoo.framework.Framework`
        device: the framework's own
        classes: names by class id
    """

    model: Any
    spec: Any
    recipe: Recipe
    framework: Framework
    device: Any
    classes: tuple[str, ...]
    pipeline: ImagePipeline

    options: ClassVar[tuple[str, ...]] = ()  # of a call, beside batch_size

    def __call__(self, images: Any, *, batch_size: int = 8, **options: Any) -> Any:
        """The result of an image, or a list of those of several.

        Args:
            images: a path, a Pillow image, an array uint8 (H, W, 3) RGB, (H, W, 4) or (H, W); or a list of these
            batch_size: images at once
            options: see the task's own

        Raises:
            UserError: for a file that can't be read
            ValueError: for what is no image, and for an option out of its range
            TypeError: for an option that the task hasn't
        """
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r}; a whole number of at least 1 is needed")
        for name in options:
            if name not in self.options:
                known = ", ".join(("batch_size", *self.options))
                raise TypeError(f"{name} is no option of a call{hint(name, self.options)}; there are {known}")
        several = isinstance(images, list | tuple)
        given = images if several else [images]
        places = (f"images[{number}]" if several else "the image" for number in range(len(given)))
        found = list(self._run(map(_read, given, places), batch_size, **options))
        return found if several else found[0]

    def heatmap(self, image: Any) -> np.ndarray:
        """How sure the network is at each of an image's pixels: float32 (H, W) in [0, 1].

        Of a detector the best score of a cell's boxes, of a segmentation model the likeliest class's share.

        Args:
            image: as for a call
        """
        (seen,) = replace(self.pipeline, heated=True)([_read(image, "the image")])
        return seen.heat()

    def _run(self, images: Iterable[Any], batch_size: int) -> Iterable[Any]:
        """The result of each image, as a user gets it."""
        return self.pipeline(images, batch_size)


class Detector(Predictor):
    """Finds objects: an image -> `Detections`.

    Options of a call:
        confidence: the least score; None: the recipe's, 0.5 unless it says otherwise
        nms: IoU above which the weaker of two boxes of a class goes; None: the recipe's
    """

    options = ("confidence", "nms")
    gives: ClassVar = Detections

    def _run(
        self, images: Iterable[Any], batch_size: int, confidence: float | None = None, nms: float | None = None
    ) -> Iterable[Detections]:
        wanted = {"score": confidence, "nms": nms}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        for name, value in wanted.items():
            if not isinstance(value, int | float | np.floating) or not 0 <= value <= 1:
                raise ValueError(f"{'confidence' if name == 'score' else name} is {value!r}; 0 to 1 is needed")
        sizes = deque()

        def noted():
            for image in images:
                sizes.append(image.shape[1::-1] if isinstance(image, np.ndarray) else read_size(image))
                yield image

        for found in replace(self.pipeline, **wanted)(noted(), batch_size):
            yield self.gives(**vars(found), classes=self.classes, size=sizes.popleft())


class KeypointDetector(Detector):
    """Finds marks: an image -> `Keypoints`, which have `points`. Options of a call are a Detector's, less nms."""

    options = ("confidence",)
    gives: ClassVar = Keypoints


class Segmenter(Predictor):
    """A class for every pixel: an image -> uint8 (H, W) of class ids, in the image's own pixels."""

    def draw(self, image: "str | Path | Image", mask: np.ndarray) -> np.ndarray:
        """The image under the classes' colours: uint8 (H, W, 3)."""
        return blend(as_image(image), np.asarray(mask))


class Classifier(Predictor):
    """A class for a whole image: an image -> `Classified`, whose `name` is the likeliest class's."""

    def _run(self, images: Iterable[Any], batch_size: int) -> Iterable[Classified]:
        for found in self.pipeline(images, batch_size):
            labels = ranked(found)
            yield Classified(labels, found[labels], self.classes)


class MultilabelClassifier(Predictor):
    """Labels of a whole image: an image -> `Labelled`, whose `names` are those above the score.

    Options of a call:
        confidence: the least score; None: the recipe's, 0.5 unless it says otherwise
    """

    options = ("confidence",)

    def _run(self, images: Iterable[Any], batch_size: int, confidence: float | None = None) -> Iterable[Labelled]:
        score = self.recipe.predict.score if confidence is None else confidence
        if not isinstance(score, int | float | np.floating) or not 0 <= score <= 1:
            raise ValueError(f"confidence is {score!r}; 0 to 1 is needed")
        for found in self.pipeline(images, batch_size):
            labels = np.array(above(found, score), np.int64)
            yield Labelled(labels, found[labels], self.classes, found)


class Embedder(Predictor):
    """A vector for a whole image: an image -> float32 (D,) of length 1, whose products with others are cosines."""


PREDICTORS = {
    "detection": Detector,
    "segmentation": Segmenter,
    "keypoints": KeypointDetector,
    "classification": Classifier,
    "embedding": Embedder,
    "multilabel": MultilabelClassifier,
}


def load(
    weights: str | Path,
    framework: str | None = None,
    *,
    device: str = "auto",
    precision: str | None = None,
    offline: bool = False,
) -> Predictor:
    """A trained model, ready for images.

    Args:
        weights: a checkpoint (.h5) that any of the three frameworks wrote; a tag of the manifest such as
            "yolov4-tiny.coco", which is downloaded and converted where it isn't here yet; or a file of trizoo export
            (.onnx, .xml, .tflite, .pt2, .keras, a SavedModel's folder), which its runtime opens
        framework: "pytorch", "tf2" or "keras"; None: the first of these that is installed, or what opens the file
        device: "auto" (a GPU where there is one), "cpu", "cuda" or "gpu", "cuda:1", "mps"
        precision: "fp32", "bf16" or "fp16"; "auto": bf16 where the device multiplies it itself, else as None; None:
            fp32 on a CPU, as it was trained on a GPU
        offline: with a tag: only what was downloaded before

    Returns:
        A `Detector`, a `Segmenter`, a `KeypointDetector`, a `Classifier` or an `Embedder`.

    Raises:
        UserError: for a file that is no checkpoint, an unknown tag or framework, or one that isn't installed
        TypeError: for weights that are neither text nor a path
    """
    if precision not in (None, *PRECISIONS):
        raise UserError(f"precision is {precision!r}; one of {', '.join(PRECISIONS)} is needed")
    text = _as_text(weights, "weights")
    if is_exported(text):
        if framework is not None:
            raise UserError(f"framework is {framework!r}, and {text} is opened by a runtime; leave it out")
        zoo, path = runtime_of(text), text
    else:
        zoo = open_framework(framework)
        path = resolve_weights(text, offline=offline)
    read = read_model(str(path))
    chosen = _device(zoo, device)
    recipe, model = make_model(zoo, read, chosen, precision)
    spec, task = read.spec, task_of(read.spec.name)
    pipeline = task.pipeline(zoo, model, spec, recipe, chosen)
    return PREDICTORS[task.name](model, spec, recipe, zoo, chosen, tuple(recipe.classes), pipeline)


def train(
    recipe: "Recipe | str | Path | dict[str, Any] | None" = None,
    framework: str | None = None,
    *,
    weights: str | Path | None = None,
    resume: str | Path | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    quiet: bool = False,
    callbacks: Iterable[Any] = (),
    track: Iterable[str] = (),
    batch_size: str | None = None,
    layer_stats: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Trains a model, as `trizoo train` does.

    Args:
        recipe: a Recipe; a recipe file, or the name of one that comes with the zoo; or a dict of values by key, such
            as {"model.name": "yolov3-tiny", "data.root": "photos", "schedule.epochs": 20} or nested ones, on top of
            the recipe that comes with the model; None: YOLOv3-tiny on the zoo's synthetic data. The model is the
            weights' unless it is named
        framework: "pytorch", "tf2" or "keras"; None: the first of these that is installed
        weights: checkpoint or tag to fine-tune from
        resume: the folder of a run to resume; its own recipe counts
        out: run folder to make; None: the next runs/MODEL-NNN
        device: as `load` takes it
        workers: loader processes; None: half the cores
        quiet: no progress
        callbacks: `trizoo.Callback` objects, or functions (trainer, record) called at each epoch's end
        track: where to follow the run beside its own log: "tensorboard", "mlflow", "wandb", or several
        batch_size: "auto": the largest that memory has room for, as --batch-size auto; None: as the recipe says
        layer_stats: whether mean and variance of each layer's outputs go into layers.csv of the run, as --layer-stats
        say: gets the lines that a person would read

    Returns:
        The `Run`: its path, metrics, the checkpoint `best`.

    Raises:
        UserError: for whatever doesn't fit, in one sentence
        TypeError: for an argument of another kind than these
    """
    callbacks = as_callbacks(callbacks)
    if not callable(say):
        raise TypeError(f"say is {say!r}; a function of a line is needed")
    if batch_size not in (None, AUTO):
        raise UserError(
            f"batch_size is {batch_size!r}; {AUTO!r} is needed, or a number as schedule.batch_size of the recipe"
        )
    zoo = open_framework(framework)
    folder = None if resume is None else RunFolder.open(_as_text(resume, "resume"))
    if folder:
        if recipe is not None or weights is not None:
            raise UserError(f"a resumed run keeps its recipe and weights; leave recipe and weights out with {resume}")
        if batch_size is not None:
            raise UserError(f"a resumed run keeps its batch size; leave batch_size out with {resume}")
        recipe, path = recipe_of_run(folder), None
    else:
        recipe, path = _new_run(recipe, weights)
    return train_recipe(
        zoo,
        recipe,
        _device(zoo, device),
        say,
        run=folder,
        weights=path,
        out=out,
        workers=workers,
        quiet=quiet,
        callbacks=callbacks,
        track=track,
        fit_batch=batch_size == AUTO,
        layer_stats=layer_stats,
    )


def targets(
    detector: Predictor, boxes: Sequence[np.ndarray], labels: Sequence[np.ndarray], size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """What the model's loss compares its outputs with, of a batch of images with boxes.

    Args:
        boxes: per image float32 (N, 4) xmin, ymin, xmax, ymax in pixels of the network's input
        labels: per image int64 (N,), class ids from 0
        size: (width, height) of the network's input

    Returns:
        {name: array}, as `trizoo.loss(detector)` takes it.

    Raises:
        UserError: for a size that the model doesn't take
        ValueError: for lists that don't match, for a box that isn't finite, has no area or reaches out of the input,
            and for a label that is no class
        TypeError: for what is no detector
    """
    if not isinstance(detector, Detector):
        raise TypeError(f"detector is {detector!r}; what trizoo.load gives of a model that finds boxes is needed")
    if not isinstance(size, Sequence) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise ValueError(f"size is {size!r}; (width, height) in whole pixels is needed")
    size = tuple(size)
    check_input_size(detector.spec.name, size)
    empty = np.zeros((size[1], size[0], 3), np.uint8)
    samples = [Sample(empty, *truth) for truth in zip(*as_truth(boxes, labels, size), strict=True)]
    return detector.spec.targets(samples, size, detector.recipe.loss)


def loss(detector: Predictor) -> Callable[..., dict[str, Any]]:
    """The model's loss in its framework: (outputs, targets, (width, height)) -> {"loss", term...}.

    Args of what it gives:
        outputs: what `detector.model` gives in training
        targets: of `trizoo.targets`, as the framework's tensors
        size: (width, height) of the network's input
    """
    if not isinstance(detector, Predictor):
        raise TypeError(f"detector is {detector!r}; what trizoo.load gives is needed")
    return detector.framework.loss(detector.spec, detector.recipe.loss)


def open_framework(name: str | None = None) -> Framework:
    """The zoo's side of a framework. Raises UserError for an unknown one, and where what it needs isn't installed."""
    name = require_installed()[0] if name is None else name
    if name not in FRAMEWORKS:
        raise UserError(f"framework is {name!r}{hint(str(name), FRAMEWORKS)}; {', '.join(FRAMEWORKS)} are there")
    return find(name).open()


def _device(zoo, wanted):
    """The framework's own device. Raises UserError for a word that is none."""
    try:
        return zoo.device(device_name(wanted))
    except ValueError as error:
        raise UserError(f"device: {error}") from error


def _new_run(given, weights):
    """The Recipe that `train`'s argument means, and the checkpoint file of its weights or None."""
    file, values, model = None, {}, None
    if isinstance(given, Recipe):
        model = given.model.name
    elif given is None or isinstance(given, dict):
        values = dict(_dotted(given or {}))
        model = values.pop("model.name", None)
    else:
        file = _as_text(given, "recipe", "; a Recipe, a file or name of a recipe, or a dict of values is needed")
    path = None
    if weights is not None:
        path = str(resolve_weights(_as_text(weights, "weights"), model=wanted_model(model, file)))
    if isinstance(given, Recipe):
        return given, path
    origin = "trizoo.train"
    overrides = [(key, value, origin) for key, value in values.items()]
    loaded = new_recipe(overrides, model=model, file=file, weights=path, origin=origin)
    if path is None:
        check_frozen(loaded, file)
    return loaded.recipe, path


def _read(image, place):
    """A path as it is, anything else as uint8 (H, W, 3); what is neither is named by its place."""
    if isinstance(image, str | Path):
        return image
    try:
        return as_image(image)
    except ValueError as error:
        raise ValueError(f"{place}, of type {type(image).__name__}: {error}") from error


def _as_text(value, name, needed="; text or a path is needed"):
    """Text or a path as text. Raises TypeError for anything else."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {value!r}{needed}")
    return os.fspath(value)


def _dotted(values, prefix=""):
    """Yields (dotted key, value) of a dict, nested or not."""
    for key, value in values.items():
        if isinstance(value, dict) and key not in ("mask_map", "classes_map"):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
