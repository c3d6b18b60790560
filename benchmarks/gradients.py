"""How strongly each term of a loss pulls at the backbone: norms of the gradients by its parameters, over a training.

The training is a recipe's own from scratch, in PyTorch, and every so many steps its batch is measured before it is
learnt. A gain that makes a term pull as the strongest does is the norm of that one by its own, times its gain: what to
try next, not what is best.
"""

import argparse
import math

import numpy as np
import torch

from torch_zoo.framework import PyTorch
from trizoo.commands.cli import run_command
from trizoo.commands.flags.shared import positive_int
from trizoo.families import architecture
from trizoo.recipes.load import parse_assignment
from trizoo.training.anchors import begin_with
from trizoo.training.build import build_model, build_trainer
from trizoo.training.data import open_data
from trizoo.training.progress import Progress
from trizoo.training.recipe import new_recipe
from trizoo.training.sizes import unresized
from trizoo.training.specs import check_model
from trizoo.training.world import World


def pulls(learner, batch, parameters):
    """{term: norm of its gradient by these parameters} of a batch, 0 of a constant; nothing is learnt."""
    targets = {name: torch.as_tensor(array) for name, array in batch.targets.items()}
    images = torch.as_tensor(batch.images)
    terms = learner.loss(learner.model(images), targets, (images.shape[2], images.shape[1]))
    found = {}
    for name, term in terms.items():
        if not term.requires_grad:  # a gain of 0
            found[name] = 0.0
            continue
        gradients = torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True)
        squares = sum(float((gradient.double() ** 2).sum()) for gradient in gradients if gradient is not None)
        found[name] = math.sqrt(squares)
    return found


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="yolov3-tiny", help="of the zoo (default: yolov3-tiny)")
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=positive_int, default=10)
    parser.add_argument("--every", type=positive_int, default=10, help="steps from one measurement to the next")
    parser.add_argument("--set", action="append", default=[], metavar="key=value")
    args = parser.parse_args()
    values = [("data.root", args.data, "--data"), ("schedule.epochs", args.epochs, "--epochs")]
    values += [parse_assignment(text) for text in args.set]
    recipe = new_recipe(values, file=args.recipe, origin="--recipe").recipe
    recipe, sources = open_data(recipe, print)
    check_model(recipe)
    recipe = unresized(recipe, sources, print)
    framework, device = PyTorch(), torch.device("cpu")
    recipe = begin_with(recipe, sources, print, world=World())
    model = build_model(framework, recipe, device, print)
    options = {"device": device, "workers": 0, "pretrained": False, "world": World()}
    trainer = build_trainer(framework, model, recipe, sources, run=None, progress=Progress(1, quiet=True), **options)
    prefix, names = architecture(recipe.model.name).prefix, dict(model.named_parameters())
    parameters = [parameter for name, parameter in names.items() if name.startswith(prefix)]
    shares = []
    for batch in framework.loader(trainer.training_set, trainer.plan.batch_plans(), 0, device):
        if batch.step % args.every == 0:
            shares.append(pulls(trainer.learner, batch, parameters))
        trainer.learner.step(batch, trainer.plan.lr(batch.step))
    thirds = [part for part in np.array_split(np.arange(len(shares)), 3) if len(part)]
    titles = ("first third", "second", "last")[: len(thirds)]
    print(f"| norm of the gradient | {' | '.join(titles)} | gain | gain that pulls alike |")
    print(f"|{' --- |' * (len(titles) + 3)}")
    terms = [name for name in shares[0] if name != "loss"]
    median = {name: float(np.median([share[name] for share in shares])) for name in shares[0]}
    for name in terms:
        columns = [f"{np.median([shares[place][name] for place in part]):.3g}" for part in thirds]
        gain = getattr(recipe.loss, f"{name}_gain", 1)
        alike = gain * max(median[term] for term in terms) / median[name] if median[name] else math.inf
        print(f"| {name} | {' | '.join(columns)} | {gain:g} | {alike:.3g} |")


if __name__ == "__main__":
    run_command(main)
