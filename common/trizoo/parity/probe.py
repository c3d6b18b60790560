"""What a framework is measured by: outputs, loss terms, gradients, optimiser steps, a training curve.

`probe` needs nothing but `trizoo.framework`, so the three zoos run this very code; weights come from names and data
from seeds. `trizoo.parity.golden` says how far two measurements may lie apart.
"""

import time

import numpy as np

from trizoo.families import architecture, family_of
from trizoo.ground.sample import Sample
from trizoo.parity.golden import golden_spec, measure, sizes, summarize_arrays
from trizoo.parity.pseudo import calm, pseudo_arrays, pseudo_batch, pseudo_mask
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import Batch
from trizoo.weights.initial import initial_arrays

STEP_SIZE = (96, 64)  # pixels, where the model takes any
BATCH = 4
STEP_LR = 0.1
CURVE_SIZE = (96, 96)
CURVE_STEPS = 10
LARGE_BATCH, LARGE_CURVE_STEPS = 2, 3  # of models that are too large for the others
LARGE = ("ssd300-vgg16", "ssd512-vgg16")
# of the single steps' batch. Without normalisation VGG16's kinks and max pools are sensitive to it: two implementations
# of its convolutions in PyTorch alone (oneDNN's and its own) leave gradients up to 3e-4 apart, and with this one 6e-5
STEP_SEED, LARGE_STEP_SEED = 1, 3
CURVE_LR = 0.0005  # of the last step; a linear warm-up leads there, as a run begins

# decay and rate are far above a real run's, so that what they do stands out from rounding
STEP_OPTIMIZER = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.05, "clip_norm": 10.0}
PLAIN_OPTIMIZER = {"momentum": 0.9, "nesterov": False, "weight_decay": 0.0}


def probe(zoo, model):
    """Everything that parity is judged by, of one model in one framework on the CPU: {"check/what": array}."""
    started = time.monotonic()
    found = {f"outputs/{key}": value for key, value in outputs(zoo, model).items()}
    found |= {f"variant/{key}": value for key, value in variant_outputs(zoo, model).items()}
    terms, gradients = loss_and_gradients(zoo, model)
    found |= {f"loss/{name}": np.float64(value) for name, value in terms.items()}
    found["gradients"] = summarize_arrays(gradients)
    found["step"] = summarize_arrays(step(zoo, model))
    found["frozen_step"] = summarize_arrays(step(zoo, model, frozen=True))
    # without batch norms there is nothing to hold
    held = golden_spec(model).least_values(STEP_SIZE) is None
    found["batch_step"] = found["step"] if held else summarize_arrays(step(zoo, model, batch_norm=False))
    found["curve"] = curve(zoo, model)
    return found | {"seconds": np.float64(time.monotonic() - started)}


def outputs(zoo, model, **options):
    """`golden.measure` of the predictor of a model with pseudo-weights."""
    device = zoo.device("cpu")
    return measure(zoo.predictor(pseudo_model(zoo, model, device, **options), "fp32", device), sizes(model))


def variant_outputs(zoo, model):
    """`outputs` of each variant of the model: {"name/key": value}."""
    variants = architecture(model).variants
    return {f"{name}/{key}": value for name in variants for key, value in outputs(zoo, model, **variants[name]).items()}


def loss_and_gradients(zoo, model):
    """Loss terms as floats, and the loss's gradient by canonical name, with batch norms on stored statistics.

    After one step of SGD without decay the momentum *is* the gradient.
    """
    learner = pseudo_learner(zoo, model, optimizer=PLAIN_OPTIMIZER)
    terms = learner.step(step_batch(model), STEP_LR)
    return {name: float(value) for name, value in terms.items()}, learner.optimizer_arrays()["momentum"]


def step(zoo, model, frozen=False, batch_norm=True, optimizer=STEP_OPTIMIZER):
    """Parameters and statistics after one optimiser step, by canonical name.

    Args:
        frozen: hold the backbone
        batch_norm: hold the statistics (with False they are the batch's, as in training)
        optimizer: a recipe's `optimizer` section
    """
    learner = pseudo_learner(zoo, model, optimizer=optimizer, freeze={"batch_norm": batch_norm})
    if frozen:
        learner.freeze((architecture(model).prefix,))
    learner.step(step_batch(model), STEP_LR)
    return zoo.arrays(learner.model)


def curve(zoo, model):
    """The loss of each of the first steps on one batch, from initial weights made `calm`: float64 (steps,)."""
    device, spec = zoo.device("cpu"), golden_spec(model)
    network = zoo.build(spec, device, seed=None)
    zoo.assign(network, calm(initial_arrays(zoo.shapes(network), 0, spec, objectness_prior=0.01)))
    learner = zoo.learner(network, spec, Recipe(optimizer={"clip_norm": 10.0}, loss=loss_section(model)), device)
    steps = LARGE_CURVE_STEPS if model in LARGE else CURVE_STEPS
    batch = drawn_batch(model, 0, CURVE_SIZE)
    rates = CURVE_LR * np.arange(1, steps + 1) / steps
    return np.array([float(learner.step(batch, float(rate))["loss"]) for rate in rates])


def pseudo_model(zoo, model, device, calmed=False, **options):
    """A network of 80 classes with pseudo-weights.

    Args:
        calmed: whether they are `calm`
        options: of the ModelSpec
    """
    network = zoo.build(golden_spec(model, **options), device, seed=None)
    arrays = pseudo_arrays(zoo.shapes(network))
    zoo.assign(network, calm(arrays) if calmed else arrays)
    return network


def pseudo_learner(zoo, model, optimizer, freeze=None):
    """A learner of a network with pseudo-weights, whose batch norms keep to stored statistics unless `freeze` doesn't.

    They are `calm`, but YOLO's with stored statistics: these are no worse for it, and its max pools would choose among
    values that lie nearer to one another.

    Args:
        optimizer, freeze: a recipe's sections
    """
    device, spec = zoo.device("cpu"), golden_spec(model)
    recipe = Recipe(optimizer=optimizer, freeze=freeze or {"batch_norm": True}, loss=loss_section(model))
    calmed = spec.family != "yolo" or not recipe.freeze.batch_norm
    return zoo.learner(pseudo_model(zoo, model, device, calmed), spec, recipe, device)


def loss_section(model):
    """The loss section that a model is measured with; see `ModelSpec.parity_loss`."""
    return golden_spec(model).parity_loss(family_of(model).loss)


def step_batch(model):
    """The batch of the single steps; its last image has no boxes."""
    return drawn_batch(model, LARGE_STEP_SEED if model in LARGE else STEP_SEED, STEP_SIZE, empty=1)


def drawn_batch(model, seed, size, empty=0):
    """A batch of synthetic images with targets, made from the seed alone; the last `empty` images have no boxes.

    Args:
        size: where the model takes any
    """
    spec, count = golden_spec(model), LARGE_BATCH if model in LARGE else BATCH
    size = architecture(model).only_size or size
    images, boxes, labels = pseudo_batch(seed, count, size, spec.num_classes)
    for number in range(count - empty, count):
        boxes[number], labels[number] = boxes[number][:0], labels[number][:0]
    masks = [pseudo_mask(*truth, size) for truth in zip(boxes, labels, strict=True)]
    shares = [{number: 1.0} for number in range(count)]  # image i is of class i
    samples = [Sample(*truth) for truth in zip(images, boxes, labels, masks, shares, strict=True)]
    return Batch(
        images, spec.targets(samples, size, loss_section(model)), [str(number) for number in range(count)], seed
    )
