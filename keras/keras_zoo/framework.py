"""Keras's side of `trizoo.framework.Framework`, on the backend that KERAS_BACKEND or a user's keras.json names."""

import os
from importlib import metadata
from typing import ClassVar

# before TensorFlow is loaded: its remarks on the machine stay out, and it takes no more of a GPU's memory than it needs
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # C++ frames of a process that another one has left stay out

import keras
import numpy as np

from keras_zoo import weights
from keras_zoo.export import to_keras
from keras_zoo.families import FAMILIES, make_network
from keras_zoo.learner import Learner
from keras_zoo.loader import load
from keras_zoo.losses.distillation import DistillationLoss
from keras_zoo.memory import memory_of
from keras_zoo.predictor import make_predictor, make_teacher
from keras_zoo.processes import own_gpu, world
from keras_zoo.replicas import scope_of, spread
from keras_zoo.tracing import held_bytes, trace
from trizoo.ground.cores import available_cores, cpu_multiplies_bf16, describe_cpu
from trizoo.ground.devices import chosen
from trizoo.ground.memory import keep_freed_memory
from trizoo.weights.initial import initial_arrays, unfilled

_BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


class Keras:
    """See `trizoo.framework.Framework` for what each method gives."""

    name = "keras"
    exporters: ClassVar = {"keras": to_keras}
    shapes = staticmethod(weights.shapes)
    arrays = staticmethod(weights.arrays)
    assign = staticmethod(weights.assign)
    predictor = staticmethod(make_predictor)
    teacher = staticmethod(make_teacher)
    loader = staticmethod(load)
    trace = staticmethod(trace)
    held_bytes = staticmethod(held_bytes)
    memory_of = staticmethod(memory_of)

    def versions(self):
        """ "Keras 3.15.1 on TensorFlow 2.21.0" and so on."""
        backend = keras.backend.backend()
        # TensorFlow's distribution may be tensorflow, tensorflow-cpu and others
        distribution = metadata.packages_distributions()[backend][0]
        return f"Keras {keras.__version__} on {_BACKENDS[backend]} {metadata.version(distribution)}"

    def devices(self):
        """ "cpu", and each GPU of the backend as "cuda:N"."""
        return ["cpu", *(f"cuda:{number}" for number in range(_count_gpus()))]

    def device(self, wanted):
        """Keras's name for a name of `trizoo.ground.devices`; UserError where it isn't there."""
        name = chosen(wanted, self.devices(), f"Keras on {_BACKENDS[keras.backend.backend()]}")
        if name == "cpu":
            keep_freed_memory()
            return "cpu"  # not "cpu:0": parameters made there by Keras on PyTorch could not be frozen
        return f"gpu:{own_gpu(name, _count_gpus()).partition(':')[2]}"

    def world(self):
        """The processes that were started, see `keras_zoo.processes`; on JAX this one alone."""
        return world()

    def spread(self, device, most):
        """All GPUs of this machine, or as many as share a batch equally, and how many."""
        return spread(device, most)

    def is_cpu(self, device):
        """Whether a device is the CPU."""
        return device.startswith("cpu")

    def multiplies_bf16(self, device):
        """A CPU as Linux says, but for JAX, which is no faster there; of a GPU Keras doesn't say."""
        return self.is_cpu(device) and keras.backend.backend() != "jax" and cpu_multiplies_bf16()

    def describe_device(self, device):
        """The number of CPU threads, or which GPU."""
        return describe_cpu(available_cores()) if self.is_cpu(device) else f"cuda ({device})"

    def build(self, spec, device, seed=0):
        """The network on its device."""
        with scope_of(device), keras.device(device), unfilled():
            model = make_network(spec)
        if seed is not None:
            self.assign(model, initial_arrays(self.shapes(model), seed, spec))
        return model

    def loss(self, spec, section):
        """The family's loss, by the recipe's loss section."""
        return FAMILIES[spec.family].loss(spec, section)

    def measured_loss(self, spec, section, device):
        """The family's loss of NumPy arrays, as floats."""
        loss = self.loss(spec, section)

        def measure(outputs, targets, size):
            with keras.device(device):
                tensors = [keras.ops.convert_to_tensor(output) for output in outputs]
                arrays = {name: keras.ops.convert_to_tensor(np.asarray(array)) for name, array in targets.items()}
                terms = loss(tensors, arrays, size)
            return {name: float(value) for name, value in terms.items()}

        return measure

    def feature_channels(self, model):
        """Stride -> channels of the features of its backbone."""
        return dict(model.backbone.channels)

    def add_adapters(self, model, channels, device):
        """1x1 convolutions of the features to so many channels: {stride: channels}."""
        with scope_of(device), keras.device(device):
            model.add_adapters(channels)

    def learner(self, model, spec, recipe, device, teacher=None):
        """The model in training: a `keras_zoo.learner.Learner`."""
        loss = self.loss(spec, recipe.loss)
        if teacher is not None:
            taught = teacher.spec and self.loss(teacher.spec, recipe.loss)
            loss = DistillationLoss(loss, taught, recipe.distill)
        return Learner(model, loss, recipe, device)


def _count_gpus():
    """How many GPUs the backend has to work on."""
    if keras.backend.backend() != "torch":
        return sum(device.startswith("gpu") for device in keras.distribution.list_devices())
    count = 0  # for PyTorch Keras has no list
    try:
        while True:
            with keras.device(f"gpu:{count}"):
                keras.ops.convert_to_tensor(0.0)
            count += 1
    except (AssertionError, RuntimeError):  # PyTorch without CUDA, and with CUDA but without that GPU
        return count
