"""What each of two processes measures for test_processes.py: `torchrun … one_of_two.py FOLDER`."""

import os
import sys
from pathlib import Path
from unittest import mock

import numpy as np

from torch_zoo.framework import PyTorch
from trizoo.parity import probe
from trizoo.tests.contract.learner import first_gradients, make_batch, make_learner
from trizoo.training.world import places_of

MODELS = ("yolov3-tiny", "retinanet-resnet18", "deeplabv3plus-mobilenetv2")
OPTIONS = {
    "schedule": {"accumulate": 2},
    "optimizer": {"name": "sgd", "weight_decay": 0.0, "clip_norm": 1.0},
    "freeze": {"batch_norm": False},
}
CURVE_STEPS = 20


class Shared:
    """PyTorch whose learners take their share of a batch alone."""

    def __init__(self):
        self.zoo = PyTorch()
        self.parts = 1

    def __getattr__(self, name):
        return getattr(self.zoo, name)

    def learner(self, *arguments):
        """The learner, with another step."""
        learner, world = self.zoo.learner(*arguments), self.zoo.world()
        step = learner.step

        def of_share(batch, lr):
            places = places_of(world, len(batch.images), self.parts)
            targets = {
                name: array[places] if array.ndim else np.float32(array / world.size)
                for name, array in batch.targets.items()
            }
            return step(batch._replace(images=batch.images[places], targets=targets), lr)

        learner.step = of_share
        return learner


def measure(zoo):
    """{"what/name": array} of all that is compared."""
    found = {}
    for model in MODELS:
        terms, gradients = probe.loss_and_gradients(zoo, model)
        found |= {f"{model} loss/{name}": np.array(value) for name, value in terms.items()}
        found |= {f"{model} gradients/{name}": array for name, array in gradients.items()}
        stepped = probe.step(zoo, model, batch_norm=False)
        found |= {f"{model} step/{name}": array for name, array in stepped.items()}
        with mock.patch.object(probe, "CURVE_STEPS", CURVE_STEPS):
            found[f"{model} curve/loss"] = probe.curve(zoo, model)
    zoo.parts = 2
    learner = make_learner(zoo, **OPTIONS)
    learner.average.move(0.5)
    learner.step(make_batch(), 0.01)
    learner.average.move(0.5)
    found |= {f"parts gradients/{name}": array for name, array in first_gradients(learner).items()}
    found |= {f"parts average/{name}": array for name, array in learner.average.arrays().items()}
    zoo.parts = 1
    learner = make_learner(zoo, precision="bf16")
    learner.freeze(("backbone.",))
    found["bf16 loss/loss"] = np.array(float(learner.step(make_batch(), 0.0)["loss"]))
    return found


if __name__ == "__main__":
    np.savez(Path(sys.argv[1]) / f"{os.environ['RANK']}.npz", **measure(Shared()))
