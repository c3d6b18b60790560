"""What each of two processes measures, and one alone: `python -m trizoo.tests.one_of_two FRAMEWORK FOLDER [DATA]`."""

import sys
from pathlib import Path
from unittest import mock

import numpy as np

from trizoo.framework import find
from trizoo.ground.text import to_json
from trizoo.parity import probe
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.tests.contract.learner import NO_DECAY, first_gradients, make_batch, make_learner
from trizoo.tests.shared_steps import shared_steps
from trizoo.training.shared import measure as measure_shared
from trizoo.training.shared import packed
from trizoo.training.specs import spec_of
from trizoo.training.validation import ValidationLoss
from trizoo.training.world import places_of

MODELS = ("yolov3-tiny", "retinanet-resnet18", "deeplabv3plus-mobilenetv2")
OPTIONS = {
    "schedule": {"accumulate": 2},
    "optimizer": {"name": "sgd", "weight_decay": 0.0, "clip_norm": 1.0},
    "freeze": {"batch_norm": False},
}
EVALUATED = ("yolov3-tiny", "deeplabv3plus-mobilenetv2")
CURVE_STEPS = 20


class Spread:
    """A framework whose device is what `spread` makes of it where this is one of several processes."""

    def __init__(self, zoo):
        self.zoo = zoo

    def __getattr__(self, name):
        return getattr(self.zoo, name)

    def device(self, wanted):
        """See `trizoo.framework.Framework.device`."""
        device = self.zoo.device(wanted)
        return device if self.zoo.world().size == 1 else self.zoo.spread(device, 4)[0]


class Shared(Spread):
    """A framework whose learners take their share of a batch alone."""

    parts = 1

    def learner(self, *arguments):
        """The learner, with another step."""
        learner, world = self.zoo.learner(*arguments), self.zoo.world()
        step = learner.step

        learner.step = lambda batch, lr: step(share_of(batch, world, self.parts), lr)
        return learner


def share_of(batch, world, parts=1):
    """A process's share of a whole batch in equal parts."""
    places = places_of(world, len(batch.images), parts)
    targets = {
        name: array[places] if array.ndim else np.float32(array / world.size) for name, array in batch.targets.items()
    }
    return batch._replace(images=batch.images[places], targets=targets)


def measure_step(zoo, model):
    """{"what/name": array} of a model's loss terms and gradients, and of what a step makes of its arrays."""
    terms, gradients = probe.loss_and_gradients(zoo, model)
    found = {f"{model} loss/{name}": np.array(value) for name, value in terms.items()}
    found |= {f"{model} gradients/{name}": array for name, array in gradients.items()}
    stepped = probe.step(zoo, model, batch_norm=False)
    return found | {f"{model} step/{name}": array for name, array in stepped.items()}


def measure(zoo):
    """{"what/name": array} of all that is compared."""
    found = {}
    for model in MODELS:
        found |= measure_step(zoo, model)
        with mock.patch.object(probe, "CURVE_STEPS", CURVE_STEPS):
            found[f"{model} curve/loss"] = probe.curve(zoo, model)
    found |= shared_steps(Spread(zoo.zoo), lambda batch: share_of(batch, zoo.world()))
    zoo.parts = 2
    learner = make_learner(zoo, **OPTIONS)
    learner.average.move(0.5)
    learner.step(make_batch(), 0.01)
    learner.average.move(0.5)
    found |= {f"parts gradients/{name}": array for name, array in first_gradients(learner).items()}
    found |= {f"parts average/{name}": array for name, array in learner.average.arrays().items()}
    zoo.parts = 1
    parts = {"accumulate": 2 // zoo.world().size}  # each of which has statistics of its own in one process, too
    learner = make_learner(zoo, optimizer=NO_DECAY, sync_batch_norm=False, schedule=parts)
    learner.step(make_batch(), 0.0)
    found |= {f"own statistics/{name}": array for name, array in first_gradients(learner).items()}
    learner = make_learner(zoo, precision="bf16")
    learner.freeze(("backbone.",))
    found["bf16 loss/loss"] = np.array(float(learner.step(make_batch(), 0.0)["loss"]))
    return found


def found_arrays(found):
    """{"number/name": array} of all detections, or of the masks that an evaluation keeps."""
    return packed(found) if isinstance(found, list) else packed([*found.masks, *(mask for *_, mask in found.worst)])


def evaluate(zoo, model, data):
    """A model's (metrics, what was found, validation loss) of a data set, in the first process."""
    zoo, task = Shared(zoo), task_of(model)
    world, device = zoo.world(), zoo.device("cpu")
    chosen = {"data.root": str(data), "input_size": [64, 64], "evaluate.score": 0.001}
    recipe = load(Recipe, base=model, overrides=[(key, value, "test") for key, value in chosen.items()]).recipe
    listing = task.find(recipe.data)
    training = task.open(listing, recipe.data, "train", ())
    recipe = recipe.model_copy(update={"classes": training.classes})
    spec = spec_of(recipe)
    use = task.evaluator(zoo, zoo.build(spec, device, seed=0), spec, recipe, device)
    evaluation = task.evaluation_set(listing, recipe, "train")
    loss = zoo.measured_loss(spec, recipe.loss, device)
    unseen = ValidationLoss(training, range(len(training)), recipe, spec).measure(use.predict, loss, world)
    return *measure_shared(evaluation, use, world), unseen


def main(name, folder, data=None):
    """What one of several processes does: files of all that is compared go into the folder.

    Without data it is YOLOv3-tiny's loss, gradients and step alone, for any number of processes that shares 4 images.
    """
    zoo = find(name).open()
    folder, rank = Path(folder), zoo.world().rank
    np.savez(folder / f"{rank}.npz", **(measure(Shared(zoo)) if data else measure_step(Shared(zoo), MODELS[0])))
    for name in EVALUATED if data else ():
        metrics, found, unseen = evaluate(zoo, name, Path(data))
        if rank == 0:
            arrays = found_arrays(found)
            np.savez(folder / f"{name}.npz", metrics=to_json(metrics), loss=unseen, **arrays)
        else:
            assert metrics is found is unseen is None


if __name__ == "__main__":
    main(*sys.argv[1:])
