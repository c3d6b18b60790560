"""What the recipe says: weights to begin with, frozen epochs, batch norms of tiny batches."""

from trizoo.data.advice import FEW_IMAGES
from trizoo.diagnosis import limits
from trizoo.diagnosis.cause import LIKELY, POSSIBLE, Cause, Remedy
from trizoo.download.manifest import load_manifest
from trizoo.families import backbone_of
from trizoo.training.specs import spec_of_options
from trizoo.weights.store import models_of

TAGS = 2  # that are named


def causes(history):
    """The `Cause`s in the recipe of a `History`, a list."""
    found = [from_scratch(history), frozen(history), batch_norm(history)]
    return [cause for cause in found if cause]


def from_scratch(history):
    """A network from scratch on few images."""
    count = history.images
    if history.pretrained is not False or count is None or count >= FEW_IMAGES or history.is_overfit:
        return None
    score = f"; {history.score_name} is {history.best_score:.3f}" if len(history.scores) else ""
    return Cause(
        "from_scratch",
        POSSIBLE,
        (f"{count} images are trained on, fewer than {FEW_IMAGES}, and training began from scratch{score}",),
        (
            *with_weights(history),
            Remedy("trizoo weights list", "all pretrained weights"),
            Remedy(f"trizoo data show {history.shown_data} --augmented", "how strong it is; docs/tricks.md has more"),
        ),
        {"images": count},
    )


def with_weights(history):
    """Remedies that begin with public weights, a tuple; of a run that did, or of a model that has none, none."""
    model = history.recipe.model
    wanted = f"--model {model.name}" + (f" --set model.backbone={model.backbone}" if model.backbone else "")
    tags = [] if history.pretrained else tags_for(dict(model))[:TAGS]
    return tuple(
        Remedy(f"trizoo train --weights {tag} {wanted} --data {history.named_data}", about) for tag, about in tags
    )


def tags_for(model):
    """(tag, what it is) of the public weights that fit a recipe's model section, whole models first."""
    name, backbone, own = model["name"], backbone_of(model), model["backbone"] is None
    found = []
    for tag, entry in load_manifest().weights.items():
        if entry.part == "model" and entry.model == name and own:
            found.append((0, tag, f"the whole model, trained on {entry.dataset}"))
        elif entry.part == "backbone" and (entry.model == backbone or (own and name in models_of(entry))):
            found.append((1, tag, f"its backbone, trained on {entry.dataset}"))
    return [(tag, about) for _, tag, about in sorted(found)]


def frozen(history):
    """Frozen epochs for most of the run."""
    epochs, freeze = history.last_epoch, history.recipe.freeze
    done = min(freeze.epochs, epochs)
    if history.pretrained is False or not done or done < limits.FROZEN * epochs:
        return None
    shorter = max(1, epochs // 5)
    return Cause(
        "frozen",
        LIKELY if done == epochs else POSSIBLE,
        (f"the backbone was held still for {done} of {epochs} epochs, {done / epochs:.0%} of the run (freeze.epochs)",),
        (
            Remedy(f"{history.again} --set freeze.epochs={shorter}", "a fifth of the run"),
            Remedy(history.longer("--epochs", 2 * freeze.epochs), "longer, and thawed"),
        ),
        {"frozen": done, "epochs": epochs},
    )


def batch_norm(history):
    """Batches, or parts of them, of one image, whose mean and variance batch norms go by."""
    recipe = history.recipe
    schedule = recipe.schedule
    if recipe.freeze.batch_norm or spec_of_options(dict(recipe.model), max(1, len(recipe.classes))).norm != "batch":
        return None
    images = schedule.batch_size // schedule.accumulate
    if images > 1:
        return None
    parts = f", in {schedule.accumulate} parts" if schedule.accumulate > 1 else ""
    stored = "" if history.pretrained else ", with pretrained weights"
    more = max(8, schedule.batch_size)
    return Cause(
        "batch_norm",
        LIKELY,
        (
            f"the batch size is {schedule.batch_size}{parts}, so {recipe.model.name}'s batch norms take mean and "
            f"variance of one image, and of another at each step",
        ),
        (
            Remedy(f"{history.again} --batch-size {more} --set schedule.accumulate=1", "where memory has room"),
            Remedy(f"{history.again} --set model.norm=group", "which needs no batch, from scratch"),
            Remedy(f"{history.again} --set freeze.batch_norm=true", f"keeps to stored statistics{stored}"),
        ),
        {"images": images},
    )
