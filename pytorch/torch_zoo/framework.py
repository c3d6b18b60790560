"""PyTorch's side of `trizoo.framework.Framework`."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

# before PyTorch is loaded: C++ frames of a process that another one has left stay out
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

import numpy as np
import torch
from torch import nn

from torch_zoo import weights
from torch_zoo.export import to_onnx
from torch_zoo.families import FAMILIES, make_network
from torch_zoo.learner import Learner
from torch_zoo.loader import load
from torch_zoo.losses.distillation import DistillationLoss
from torch_zoo.memory import memory_of
from torch_zoo.network import Network
from torch_zoo.predictor import make_predictor, make_teacher
from torch_zoo.processes import own_gpu, world
from torch_zoo.pt2 import to_pt2
from torch_zoo.tracing import held_bytes, trace
from trizoo.families import ModelSpec
from trizoo.ground.cores import cpu_multiplies_bf16, describe_cpu
from trizoo.ground.devices import chosen
from trizoo.ground.fields import Section
from trizoo.ground.memory import keep_freed_memory
from trizoo.recipes.schema import Recipe
from trizoo.training.distill import Teacher
from trizoo.training.world import World
from trizoo.weights.initial import initial_arrays


class PyTorch:
    """See `trizoo.framework.Framework` for what each method gives."""

    name = "pytorch"
    exporters: ClassVar = {"onnx": to_onnx, "pt2": to_pt2}
    shapes = staticmethod(weights.shapes)
    arrays = staticmethod(weights.arrays)
    assign = staticmethod(weights.assign)
    predictor = staticmethod(make_predictor)
    teacher = staticmethod(make_teacher)
    loader = staticmethod(load)
    trace = staticmethod(trace)
    held_bytes = staticmethod(held_bytes)
    memory_of = staticmethod(memory_of)

    def versions(self) -> str:
        """ "PyTorch 2.13.0" and so on."""
        return f"PyTorch {torch.__version__}"

    def devices(self) -> list[str]:
        """ "cpu", each CUDA device, and Apple's GPU as "mps"."""
        mps = ["mps"] if torch.backends.mps.is_available() else []
        return ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count())), *mps]

    def device(self, wanted: str) -> torch.device:
        """torch.device for a name of `trizoo.ground.devices`; UserError where it isn't there."""
        name = chosen(wanted, self.devices(), "PyTorch")
        if name == "cpu":
            keep_freed_memory()
        if name.startswith("cuda"):
            name = own_gpu(name)
        return torch.device(name)

    def world(self) -> World:
        """The processes that torchrun started, this one alone without it."""
        return world()

    def spread(self, device: torch.device, most: int) -> tuple[torch.device, int]:
        """The device itself: of one process PyTorch trains on one."""
        return device, 1

    def is_cpu(self, device: torch.device) -> bool:
        """Whether a torch.device is the CPU."""
        return device.type == "cpu"

    def multiplies_bf16(self, device: torch.device) -> bool:
        """A CPU as Linux says, NVIDIA's GPUs since Ampere."""
        if device.type == "cuda":
            return torch.cuda.get_device_capability(device) >= (8, 0)
        return device.type == "cpu" and cpu_multiplies_bf16()

    def describe_device(self, device: torch.device) -> str:
        """The GPU's name, or the number of CPU threads."""
        if device.type == "cuda":
            return f"{device} ({torch.cuda.get_device_name(device)})"
        return describe_cpu(torch.get_num_threads()) if device.type == "cpu" else str(device)

    def build(self, spec: ModelSpec, device: torch.device, seed: int | None = 0) -> Network:
        """The network on its device, in channels_last memory."""
        model = make_network(spec).to(device, memory_format=torch.channels_last)
        if seed is not None:
            self.assign(model, initial_arrays(self.shapes(model), seed, spec))
        return model

    def loss(self, spec: ModelSpec, section: Section) -> Callable[..., dict[str, torch.Tensor]]:
        """The family's loss, by the recipe's loss section."""
        return FAMILIES[spec.family].loss(spec, section)

    def measured_loss(self, spec: ModelSpec, section: Section, device: torch.device) -> Callable[..., dict[str, float]]:
        """The family's loss of NumPy arrays, as floats."""
        loss = self.loss(spec, section)

        def measure(
            outputs: Iterable[np.ndarray], targets: Mapping[str, np.ndarray], size: tuple[int, int]
        ) -> dict[str, float]:
            with torch.no_grad():
                tensors = [torch.as_tensor(output, device=device) for output in outputs]
                terms = loss(tensors, {name: torch.as_tensor(a, device=device) for name, a in targets.items()}, size)
            return {name: float(value) for name, value in terms.items()}

        return measure

    def feature_channels(self, model: Network) -> dict[int, int]:
        """Stride -> channels of the features of its backbone."""
        return dict(model.backbone.channels)

    def add_adapters(self, model: Network, channels: Mapping[int, int], device: torch.device) -> None:
        """1x1 convolutions of the features to so many channels: {stride: channels}."""
        model.add_adapters(channels)

    def learner(
        self, model: nn.Module, spec: ModelSpec, recipe: Recipe, device: torch.device, teacher: Teacher | None = None
    ) -> Learner:
        """The model in training: a `torch_zoo.learner.Learner`."""
        loss = self.loss(spec, recipe.loss)
        if teacher is not None:
            taught = teacher.spec and self.loss(teacher.spec, recipe.loss)
            loss = DistillationLoss(loss, taught, recipe.distill)
        return Learner(model, loss, recipe, device)
