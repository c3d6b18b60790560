"""TensorFlow 2's side of `trizoo.framework.Framework`."""

import logging
import os
from typing import ClassVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is loaded: its remarks on the machine stay out

import tensorflow as tf

from tf2_zoo import weights
from tf2_zoo.export import to_saved_model, to_tflite
from tf2_zoo.families import FAMILIES, make_network
from tf2_zoo.learner import Learner
from tf2_zoo.loader import load
from tf2_zoo.losses.distillation import DistillationLoss
from tf2_zoo.memory import memory_of
from tf2_zoo.predictor import make_predictor, make_teacher
from tf2_zoo.processes import world
from tf2_zoo.replicas import scope_of, spread
from tf2_zoo.tracing import held_bytes, trace
from trizoo.ground.cores import available_cores, cpu_multiplies_bf16, describe_cpu
from trizoo.ground.devices import chosen
from trizoo.ground.memory import keep_freed_memory
from trizoo.weights.initial import initial_arrays, unfilled

tf.get_logger().setLevel(logging.ERROR)  # no advice on retracing: each learner and predictor has functions of its own


class TF2:
    """See `trizoo.framework.Framework` for what each method gives."""

    name = "tf2"
    exporters: ClassVar = {"saved_model": to_saved_model, "tflite": to_tflite}
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
        """ "TensorFlow 2.21.0" and so on."""
        return f"TensorFlow {tf.__version__}"

    def devices(self):
        """ "cpu", and each GPU as "cuda:N"."""
        return ["cpu", *(f"cuda:{number}" for number in range(len(tf.config.list_physical_devices("GPU"))))]

    def device(self, wanted):
        """TensorFlow's name for a name of `trizoo.ground.devices`; UserError where it isn't there."""
        name = chosen(wanted, self.devices(), "TensorFlow")
        if name == "cpu":
            keep_freed_memory()
            return "/CPU:0"
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        return f"/GPU:{name.partition(':')[2]}"

    def world(self):
        """The processes that TF_CONFIG tells of, this one alone without it."""
        return world()

    def spread(self, device, most):
        """All GPUs of this machine, or as many as share a batch equally, and how many."""
        return spread(device, most)

    def is_cpu(self, device):
        """Whether a device is the CPU."""
        return device == "/CPU:0"

    def multiplies_bf16(self, device):
        """A CPU as Linux says, NVIDIA's GPUs since Ampere."""
        if self.is_cpu(device):
            return cpu_multiplies_bf16()
        gpu = _gpu(device)
        details = tf.config.experimental.get_device_details(gpu)
        return details.get("compute_capability", (0, 0)) >= (8, 0)

    def describe_device(self, device):
        """The GPU's name, or the number of CPU threads."""
        if self.is_cpu(device):
            return describe_cpu(tf.config.threading.get_intra_op_parallelism_threads() or available_cores())
        gpu = _gpu(device)
        details = tf.config.experimental.get_device_details(gpu)
        return f"cuda:{device.partition(':')[2]} ({details.get('device_name', gpu.name)})"

    def build(self, spec, device, seed=0):
        """The network on its device."""
        with scope_of(device), tf.device(device), unfilled():
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
            with tf.device(device):
                tensors = [tf.constant(output) for output in outputs]
                terms = loss(tensors, {name: tf.constant(array) for name, array in targets.items()}, size)
            return {name: float(value) for name, value in terms.items()}

        return measure

    def feature_channels(self, model):
        """Stride -> channels of the features of its backbone."""
        return dict(model.backbone.channels)

    def add_adapters(self, model, channels, device):
        """1x1 convolutions of the features to so many channels: {stride: channels}."""
        with scope_of(device), tf.device(device):
            model.add_adapters(channels)

    def learner(self, model, spec, recipe, device, teacher=None):
        """The model in training: a `tf2_zoo.learner.Learner`."""
        loss = self.loss(spec, recipe.loss)
        if teacher is not None:
            taught = teacher.spec and self.loss(teacher.spec, recipe.loss)
            loss = DistillationLoss(loss, taught, recipe.distill)
        return Learner(model, loss, recipe, device)


def _gpu(device):
    """TensorFlow's own object of "/GPU:N"."""
    return tf.config.list_physical_devices("GPU")[int(device.partition(":")[2])]
