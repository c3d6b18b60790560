"""Steps of models beside detectors and segmentation that several devices or processes share, and one takes alone."""

import numpy as np

from trizoo.families import model_spec
from trizoo.families.classification.targets import assign as assign_classes
from trizoo.parity.pseudo import calm, pseudo_arrays, pseudo_images
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Distillation
from trizoo.tests.contract.learner import NO_DECAY, SPEC, first_gradients, make_batch
from trizoo.training.batch import Batch
from trizoo.training.distill import Teacher

CLASSES = ("a", "b", "c")
SIZE = (64, 64)
BLENDED = [{0: 1.0}, {0: 0.3, 2: 0.7}, {1: 1.0}, {1: 0.6, 0: 0.4}]  # as mixup leaves them
WEIGHTS = (1.0, 2.0, 0.5)  # of the classes
LABELS = (0, 1, 0, 1)  # of whose halves neither has two images of a class
PAIRS = ("arcface", "triplet", "circle")
STEPS = ("classifier", "student", *PAIRS)


class Labelled:
    """A sample of a class."""

    def __init__(self, label):
        self.label = label


def shared_steps(zoo, share=lambda batch: batch):
    """{"what/name": array} of the loss terms, gradients and moved arrays of one step each of STEPS.

    Args:
        share: Batch -> the part of it that this process takes
    """
    found = {}
    targets = assign_classes(BLENDED, len(CLASSES), WEIGHTS)
    options = {"loss": {"kind": "classification", "class_weights": WEIGHTS, "label_smoothing": 0.1}}
    found["classifier"] = _step(zoo, model_spec("classify-resnet18", 3, dropout=0.3), share(_batch(targets)), options)
    for name in PAIRS:
        spec, recipe = model_spec("embed-resnet18", 3), {"loss": {"kind": "embedding", "name": name}}
        targets = spec.targets([Labelled(label) for label in LABELS], SIZE, Recipe(**recipe).loss)
        found[name] = _step(zoo, spec, share(_batch(targets)), recipe)
    found["student"] = _student(zoo, share(make_batch()))
    return {f"{what}/{name}": array for what, arrays in found.items() for name, array in arrays.items()}


def _batch(targets):
    images = pseudo_images(4, SIZE) // 4 + np.array([0, 60, 120, 180], np.uint8)[:, None, None, None]  # that differ
    return Batch(images, targets, ["x"] * 4, 0)


def _model(zoo, spec, device):
    model = zoo.build(spec, device, seed=None)
    zoo.assign(model, calm(pseudo_arrays(zoo.shapes(model))))
    return model


def _step(zoo, spec, batch, options):
    device = zoo.device("cpu")
    recipe = Recipe(classes=CLASSES, optimizer=NO_DECAY, **options)
    return _taken(zoo, zoo.learner(_model(zoo, spec, device), spec, recipe, device), batch)


def _student(zoo, batch):
    """A tiny YOLO that learns outputs and features of another one."""
    device, distill = zoo.device("cpu"), Distillation(teacher="t.h5", features=1.0)
    theirs = zoo.build(SPEC, device, seed=None)
    zoo.assign(theirs, pseudo_arrays(zoo.shapes(theirs)))
    model = _model(zoo, SPEC, device)
    teacher = Teacher(zoo, theirs, SPEC, [0, 1], distill, "fp32", device)
    teacher.adapt(model)
    zoo.assign(model, calm(pseudo_arrays(zoo.shapes(model))))
    recipe = Recipe(classes=("a", "b"), optimizer=NO_DECAY, distill=distill)
    return _taken(zoo, zoo.learner(model, SPEC, recipe, device, teacher), teacher(batch))


def _taken(zoo, learner, batch):
    terms = learner.step(batch, 0.01)
    found = {f"term {name}": np.array(float(value)) for name, value in terms.items()}
    found |= {f"gradient {name}": array for name, array in first_gradients(learner).items()}
    return found | {f"moved {name}": array for name, array in zoo.arrays(learner.model).items()}
