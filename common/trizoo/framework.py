"""What each framework's package provides, small enough to read at once.

`torch_zoo.framework`, `tf2_zoo.framework` and `keras_zoo.framework` each hold one object that satisfies `Framework`;
everything else (data, loop, metrics, files, command lines) is written once, against these two protocols.
Arrays are NumPy, names canonical (see `trizoo`), images uint8 (B, H, W, 3).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from trizoo.families import ModelSpec
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import Batch, BatchPlan

Model = Any  # a model object of the framework
Arrays = dict[str, np.ndarray]


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

    def freeze(self, prefixes: tuple[str, ...]) -> None:
        """Holds what these names start: no gradient, batch norms in inference mode. () lets go of all."""

    def optimizer_arrays(self) -> dict[str, Arrays]:
        """Slot -> canonical name -> array. SGD: "momentum"; Adam: "m", "v" and "step" (a 0-d array per name)."""

    def assign_optimizer(self, slots: dict[str, Arrays]) -> None:
        """The inverse of `optimizer_arrays`."""

    def state(self) -> dict[str, Any]:
        """What else an exact resume needs, as JSON: "loss_scale" and "loss_scale_steps" in fp16, else nothing."""

    def assign_state(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""


class Framework(Protocol):
    """One framework's half of the zoo."""

    name: str  # "pytorch", "tf2" or "keras"

    def versions(self) -> str:
        """Name and version for a person, and what it runs on."""

    def device(self, wanted: str) -> Any:
        """The device for "auto", "cpu" or "cuda"; UserError where there is none."""

    def is_cpu(self, device: Any) -> bool:
        """Whether a device is the CPU."""

    def describe_device(self, device: Any) -> str:
        """The device in words: "cpu (2 threads)"."""

    def build(self, spec: ModelSpec, device: Any, seed: int | None = 0) -> Model:
        """A model that gives outputs from uint8 images, with its initial weights by name.

        seed: of these (see `trizoo.weights.initial`); None leaves them to whoever assigns others next.
        """

    def loss(self, spec: ModelSpec, section: Any) -> Callable[..., dict[str, Any]]:
        """The family's loss, by a recipe's loss section: (outputs, targets, (width, height)) -> {"loss", term...}."""

    def shapes(self, model: Model) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape, in the model's order."""

    def arrays(self, model: Model) -> Arrays:
        """Canonical name -> copy of the array, in the model's order."""

    def assign(self, model: Model, arrays: Arrays) -> None:
        """Fills the model; ValueError unless names and shapes are exactly the model's."""

    def learner(self, model: Model, spec: ModelSpec, recipe: Recipe, device: Any) -> Learner:
        """The model with the recipe's loss, optimiser and precision."""

    def predictor(self, model: Model, precision: str, device: Any) -> Callable[[np.ndarray], list[np.ndarray]]:
        """uint8 (B, H, W, 3) -> raw heads, float32; the weights of now, folded for speed where the framework can."""

    def loader(
        self, dataset: Callable[[BatchPlan], Batch], plans: Iterable[BatchPlan], workers: int, device: Any
    ) -> Iterator[Batch]:
        """Batches made by `dataset` from plans, in order, by `workers` processes (0: here)."""
