"""What each framework's package provides, small enough to read at once, and which frameworks there are.

`torch_zoo.framework`, `tf2_zoo.framework` and `keras_zoo.framework` each hold one object that satisfies `Framework`;
everything else (data, loop, metrics, files, command lines) is written once, against these two protocols.
Arrays are NumPy, names canonical (see `trizoo`), images uint8 (B, H, W, 3).

Importing this module loads next to nothing: command lines ask it what is installed before they load anything.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trizoo.ground.errors import UserError
from trizoo.ground.stderr import without_remarks

if TYPE_CHECKING:
    import numpy as np

    from trizoo.families import ModelSpec
    from trizoo.families.base.shortlist import Shortlist
    from trizoo.recipes.schema import Recipe
    from trizoo.training.batch import Batch, BatchPlan
    from trizoo.training.distill import Teacher
    from trizoo.training.world import World

    Arrays = dict[str, np.ndarray]

Model = Any  # a model object of the framework


class Average(Protocol):
    """A moving average of a model's parameters and statistics, which costs nothing until it is first moved."""

    def move(self, decay: float) -> None:
        """average = decay * average + (1 - decay) * the model; it begins as the model is at the first call."""

    def arrays(self) -> Arrays:
        """Canonical name -> copy of the array, in the model's order; nothing where it was never moved."""

    def assign(self, arrays: Arrays) -> None:
        """The inverse of `arrays`."""


class Learner(Protocol):
    """A model in training: its loss, gradients and optimiser."""

    model: Model
    average: Average

    def step(self, batch: Batch, lr: float) -> dict[str, Any]:
        """One optimiser step on a batch: {"loss", term...} -> scalars that `float()` takes.

        Nothing waits for the device here; the loop calls `float()` once per logging interval.
        """

    def layer_stats(self, images: Any) -> list[tuple[str, int, tuple[Any, Any, Any]]]:
        """What layers with parameters put out in a step's forward pass of uint8 (B, H, W, 3), which changes nothing.

        Returns:
            in the order of the calls (name, how many values, (mean and variance of those that are finite, how many
            aren't)), these as scalars that `float()` takes
        """

    def freeze(self, prefixes: tuple[str, ...]) -> None:
        """Holds what these names start: no gradient, batch norms in inference mode. () lets go of all."""

    def optimizer_arrays(self) -> dict[str, Arrays]:
        """Slot -> canonical name -> array. SGD: "momentum"; both Adams: "m", "v" and "step" (a 0-d array per name)."""

    def assign_optimizer(self, slots: dict[str, Arrays]) -> None:
        """The inverse of `optimizer_arrays`."""

    def state(self) -> dict[str, Any]:
        """What else an exact resume needs, as JSON: "loss_scale" and "loss_scale_steps" in fp16, else nothing."""

    def assign_state(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""


class Framework(Protocol):
    """One framework's half of the zoo."""

    name: str  # "pytorch", "tf2" or "keras"
    exporters: dict[str, Callable[..., Any]]  # form -> (model, (width, height), ...) -> its graph

    def versions(self) -> str:
        """Name and version for a person, and what it runs on."""

    def devices(self) -> list[str]:
        """The names of those that are there: "cpu", "cuda:0", "cuda:1" …, "mps"."""

    def device(self, wanted: str) -> Any:
        """The device for a name of `trizoo.ground.devices`; UserError where it isn't there."""

    def world(self) -> World:
        """The processes that train one model with this one, which are told of each other at the first call.

        UserError where several were started and the framework trains in one alone.
        """

    def spread(self, device: Any, most: int) -> tuple[Any, int]:
        """All devices of a kind that this process trains a model on, and how many: the device itself where it is one.

        Args:
            device: of `device`
            most: images that a step takes at once, which the devices share equally
        """

    def is_cpu(self, device: Any) -> bool:
        """Whether a device is the CPU."""

    def multiplies_bf16(self, device: Any) -> bool:
        """Whether a device multiplies bfloat16 itself, and so faster than float32; False where that isn't known."""

    def describe_device(self, device: Any) -> str:
        """The device in words: "cpu (2 threads)"."""

    def build(self, spec: ModelSpec, device: Any, seed: int | None = 0) -> Model:
        """A model that gives outputs from uint8 images, with its initial weights by name.

        Args:
            seed: of these (see `trizoo.weights.initial`); None leaves them to whoever assigns others next
        """

    def loss(self, spec: ModelSpec, section: Any) -> Callable[..., dict[str, Any]]:
        """The family's loss, by a recipe's loss section: (outputs, targets, (width, height)) -> {"loss", term...}."""

    def measured_loss(self, spec: ModelSpec, section: Any, device: Any) -> Callable[..., dict[str, float]]:
        """`loss` of NumPy arrays on a device, as floats and without gradients."""

    def trace(
        self, spec: ModelSpec, size: tuple[int, int]
    ) -> tuple[list[tuple[str, tuple[int, ...]]], list[tuple[int, ...]]]:
        """What a network puts out for an image of (width, height), found without computing it.

        Returns:
            (name, shape) of each call of a layer that has parameters, and the shapes of the outputs, all without the
            batch; features are (H, W, C)
        """

    def held_bytes(self, spec: ModelSpec, recipe: Recipe, batch: Batch) -> int:
        """The most bytes that the forward and the backward pass of a batch hold at once, found without computing it.

        Parameters and their gradients apart; buffers that convolutions have for themselves aren't seen.
        """

    def memory_of(self, device: Any) -> int | None:
        """Bytes of a device's memory that this process can have in all, those it has now included; None: not known."""

    def shapes(self, model: Model) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape, in the model's order."""

    def arrays(self, model: Model) -> Arrays:
        """Canonical name -> copy of the array, in the model's order."""

    def assign(self, model: Model, arrays: Arrays) -> None:
        """Fills the model; ValueError unless names and shapes are exactly the model's."""

    def learner(
        self, model: Model, spec: ModelSpec, recipe: Recipe, device: Any, teacher: Teacher | None = None
    ) -> Learner:
        """The model with the recipe's loss, that of a teacher included, optimiser and precision."""

    def feature_channels(self, model: Model) -> dict[int, int]:
        """Stride -> channels of the features of a model's backbone."""

    def add_adapters(self, model: Model, channels: dict[int, int], device: Any) -> None:
        """Adds 1x1 convolutions, "adapters.…", of features to so many channels, which training gives behind outputs."""

    def teacher(
        self, model: Model, strides: tuple[int, ...], precision: str, device: Any
    ) -> Callable[[np.ndarray], tuple[list[Any], list[Any]]]:
        """uint8 (B, H, W, 3) -> a trained model's outputs, and its features of these strides, without gradients.

        Tensors stay on the device where the learner can take them so.
        """

    def predictor(
        self, model: Model, precision: str, device: Any, shortlist: bool = False
    ) -> Callable[[np.ndarray], list[np.ndarray] | Shortlist]:
        """uint8 (B, H, W, 3) -> outputs, float32; the weights of now, folded for speed where the framework can.

        Args:
            shortlist: only the rows that decoding can need leave the device, where the model's spec ranks them
        """

    def loader(
        self, dataset: Callable[[BatchPlan], Batch], plans: Iterable[BatchPlan], workers: int, device: Any
    ) -> Iterator[Batch]:
        """Batches made by `dataset` from plans, in order, by `workers` processes (0: here)."""


# module -> what pip is asked for: the newest version that the tests run with
PIP = {
    "torch": "torch==2.13.0",
    "tensorflow": "tensorflow==2.21.0",
    "keras": "keras==3.15.1",
    "jax": "jax==0.10.2",
}
KERAS_BACKENDS = ("tensorflow", "jax", "torch")


@dataclass(frozen=True)
class Package:
    """One of the three packages, which isn't loaded before `open` is called.

    Args:
        missing: a sentence about what has to be installed first, None where all is there
        open: loads and makes it
    """

    title: str
    missing: Callable[[], str | None]
    open: Callable[[], Framework]


def is_installed(module):
    """Whether `import module` would find more than an empty folder of that name; nothing is imported."""
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None


def installed():
    """The names of the frameworks that could be opened, in the order of FRAMEWORKS."""
    return [name for name, package in FRAMEWORKS.items() if package.missing() is None]


def require_installed():
    """`installed`, at least one. Raises UserError where there is none."""
    there = installed()
    if not there:
        first, *others = FRAMEWORKS.values()
        titles = " or ".join(package.title for package in others)
        raise UserError(
            f"no framework is installed; pip install {PIP['torch']} brings {first.title}, {titles} would do as well"
        )
    return there


def keras_backend():
    """What Keras will run on: as KERAS_BACKEND says, else the user's keras.json, else TensorFlow."""
    if wanted := os.environ.get("KERAS_BACKEND"):
        return wanted
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    try:
        return json.loads((folder / "keras.json").read_text(encoding="utf-8")).get("backend", "tensorflow")
    except (OSError, ValueError):
        return "tensorflow"


def _missing(title, module):
    return None if is_installed(module) else f"{title} isn't installed; pip install {PIP[module]} would do"


def _missing_for_keras():
    backend = keras_backend()
    if backend not in KERAS_BACKENDS:
        return f"KERAS_BACKEND, or keras.json, says {backend!r}; one of {', '.join(KERAS_BACKENDS)} is needed"
    if not is_installed("keras"):
        also = "" if is_installed(backend) else f" {PIP[backend]}"
        return f"Keras isn't installed; pip install {PIP['keras']}{also} would do"
    if is_installed(backend):
        return None
    others = [f"KERAS_BACKEND={other}" for other in KERAS_BACKENDS if is_installed(other)]
    return (
        f"Keras is to run on {backend}, which isn't installed; "
        f"{' or '.join([f'pip install {PIP[backend]}', *others])} would do"
    )


def _open_pytorch():
    from torch_zoo.framework import PyTorch

    return PyTorch()


def _open_tf2():
    with without_remarks():
        from tf2_zoo.framework import TF2

        return TF2()


def _open_keras():
    with without_remarks():
        from keras_zoo.framework import Keras

        return Keras()


# in the order in which one is taken where several are installed
FRAMEWORKS = {
    "pytorch": Package("PyTorch", lambda: _missing("PyTorch", "torch"), _open_pytorch),
    "tf2": Package("TensorFlow 2", lambda: _missing("TensorFlow", "tensorflow"), _open_tf2),
    "keras": Package("Keras 3", _missing_for_keras, _open_keras),
}


def find(name):
    """The Package of a name. Raises UserError where something that it needs isn't installed."""
    missing = FRAMEWORKS[name].missing()
    if missing:
        raise UserError(missing)
    return FRAMEWORKS[name]
