"""The Python door: `trizoo.load` and `trizoo.train`, the same for the three frameworks.

    import trizoo
    detector = trizoo.load("best.h5")
    found = detector("photo.jpg")
    found.boxes, found.scores, found.names

Nothing here imports a framework before it is asked for.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from trizoo.data.finding import is_there
from trizoo.deploy.runtimes import is_exported, make_model, read_model, runtime_of
from trizoo.families import check_input_size
from trizoo.framework import FRAMEWORKS, Framework, find, require_installed
from trizoo.ground.devices import device_name
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Sample
from trizoo.ground.text import hint, quoted
from trizoo.ground.truth import as_truth
from trizoo.recipes.load import from_dict, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.tasks.predictors import Detector, Predictor
from trizoo.training.batch_size import with_batch_size
from trizoo.training.callbacks import as_callbacks
from trizoo.training.distill import check_has_one, with_teacher
from trizoo.training.recipe import check_anchored, check_frozen, new_recipe, smallest_batch, wanted_model
from trizoo.training.resume import recipe_of as recipe_of_run
from trizoo.training.run import RunFolder
from trizoo.training.schedule import AUTO
from trizoo.training.train import Run
from trizoo.training.train import train as train_recipe
from trizoo.weights.store import resolve_weights

PRECISIONS = get_args(Recipe.model_fields["precision"].annotation)


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
    text = as_text(weights, "weights")
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
    return task.predictor_class(model, spec, recipe, zoo, chosen, tuple(recipe.classes), pipeline)


def train(
    recipe: "Recipe | str | Path | dict[str, Any] | None" = None,
    framework: str | None = None,
    *,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    teacher: str | Path | None = None,
    resume: str | Path | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    quiet: bool = False,
    callbacks: Iterable[Any] = (),
    track: Iterable[str] = (),
    batch_size: int | str | None = None,
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
        data: folder of the data set, in the place of the recipe's; with `resume` where it is now
        weights: checkpoint or tag to fine-tune from
        teacher: checkpoint or tag of a trained model to learn from; with `resume` where the run's teacher is now
        resume: the folder of a run to resume; its own recipe counts
        out: run folder to make; None: the next runs/MODEL-NNN
        device: as `load` takes it
        workers: loader processes; None: half the cores
        quiet: no progress
        callbacks: `trizoo.Callback` objects, or functions (trainer, record) called at each epoch's end
        track: where to follow the run beside its own log: "tensorboard", "mlflow", "wandb", or several
        batch_size: images a step, in the place of the recipe's; "auto": as many as memory has room for
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
    if batch_size not in (None, AUTO) and type(batch_size) is not int:
        raise UserError(f"batch_size is {batch_size!r}; a number or {AUTO!r} is needed")
    zoo = open_framework(framework)
    folder = None if resume is None else RunFolder.open(as_text(resume, "resume"))
    if folder:
        if recipe is not None or weights is not None:
            raise UserError(f"a resumed run keeps its recipe and weights; leave recipe and weights out with {resume}")
        if batch_size is not None:
            raise UserError(f"a resumed run keeps its batch size; leave batch_size out with {resume}")
        recipe, path = _with_root(recipe_of_run(folder), data), None
        if not is_there(recipe.data.root):
            ways = f"data=ROOT here, or trizoo train --resume {quoted(folder.path)} --data ROOT,"
            raise UserError(
                f"the data of {folder.path}, {recipe.data.root}, is not there any more; {ways} says where it is"
            )
        if teacher is not None:
            check_has_one(recipe, folder)
            recipe = with_teacher(recipe, resolve_weights(as_text(teacher, "teacher")), "trizoo.train")
    else:
        recipe, path = _new_run(recipe, data, weights, teacher, batch_size)
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


def _with_root(recipe, root):
    """A Recipe with its data set in a folder; as it is without one."""
    if root is None:
        return recipe
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": as_text(root, "data")})})


def _new_run(given, data=None, weights=None, teacher=None, batch_size=None):
    """The Recipe that `train`'s arguments mean, and the checkpoint file of its weights or None."""
    file, values, model = None, {}, None
    if isinstance(given, Recipe):
        model = given.model.name
    elif given is None or isinstance(given, dict):
        values = dict(_dotted(given or {}))
        model = values.pop("model.name", None)
    else:
        file = as_text(given, "recipe", "; a Recipe, a file or name of a recipe, or a dict of values is needed")
    path, origin, of_batch = None, "trizoo.train", "trizoo.train batch_size"
    if teacher is not None:
        teacher = str(resolve_weights(as_text(teacher, "teacher")))
        values["distill.teacher"] = teacher
    if data is not None:
        values["data.root"] = as_text(data, "data")
    overrides = [(key, value, origin) for key, value in values.items()]
    if batch_size == AUTO:
        overrides += smallest_batch(overrides, file, of_batch)
    elif batch_size is not None:
        overrides += [("schedule.batch_size", batch_size, of_batch), ("freeze.batch_size", None, of_batch)]
    if weights is not None:
        path = str(resolve_weights(as_text(weights, "weights"), model=wanted_model(model, file, overrides)))
    if isinstance(given, Recipe):
        given = _with_root(given, data)
        if batch_size not in (None, AUTO):
            given = from_dict(Recipe, to_dict(with_batch_size(given, batch_size)), of_batch)
        return given if teacher is None else with_teacher(given, teacher, origin), path
    loaded = new_recipe(overrides, model=model, file=file, weights=path, origin=origin)
    check_anchored(loaded)
    if path is None:
        check_frozen(loaded, file)
    return loaded.recipe, path


def as_text(value, name, needed="; text or a path is needed"):
    """Text or a path as text. Raises TypeError for anything else."""
    if not isinstance(value, str | os.PathLike):
        shown = repr(value)
        if len(shown) > 80 or "\n" in shown:  # of a network it is as long as this file
            shown = f"a {type(value).__name__}"
        raise TypeError(f"{name} is {shown}{needed}")
    return os.fspath(value)


def _dotted(values, prefix=""):
    """Yields (dotted key, value) of a dict, nested or not."""
    for key, value in values.items():
        if isinstance(value, dict) and str(key).rpartition(".")[2] not in ("mask_map", "classes_map"):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", os.fspath(value) if isinstance(value, os.PathLike) else value
