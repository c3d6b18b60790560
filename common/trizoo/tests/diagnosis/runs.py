"""Run folders and data sets for tests of what is wrong with them, in the form that the project writes them in."""

import functools
import shlex
from pathlib import Path

import numpy as np
from PIL import Image

from trizoo.commands.main import parser
from trizoo.diagnosis.cause import KINDS
from trizoo.ground.text import to_json
from trizoo.recipes.describe import dump
from trizoo.recipes.load import load, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe, base_of
from trizoo.tests.voc_files import add_list, thing
from trizoo.training.run import RunFolder
from trizoo.weights.checkpoint import Checkpoint, save

HEALTHY = [2 + 5 * float(np.exp(-epoch / 6)) for epoch in range(40)]  # about BCCD's: 7 at first, 2 at the end
SCORES = [0.87 * (1 - float(np.exp(-epoch / 6))) for epoch in range(1, 41)]


@functools.cache
def recipe_of(*changes, model="yolov3-tiny", epochs=40):
    """The recipe of a model with further assignments. epochs: None for its own."""
    base, overrides = base_of(model)
    given = epochs is None or any("iterations" in change for change in changes)
    length = [] if given else [f"schedule.epochs={epochs}"]
    return load(Recipe, base=base, overrides=[*overrides, *map(parse_assignment, (*length, *changes))]).recipe


text_of = functools.cache(dump)


def make_run(
    path,
    losses=HEALTHY,
    *changes,
    scores=SCORES,
    unseen=(),
    steps=25,
    logged=None,
    lr=None,
    ended=True,
    pretrained=False,
    images=1000,
    ids=None,
    metrics=None,
    model="yolov3-tiny",
    epochs=None,
    score="mAP50",
):
    """A run folder.

    Args:
        losses: of each epoch
        changes: assignments of its recipe
        scores, unseen: validation metric and loss of each epoch
        steps: an epoch
        logged: the losses of its step lines, None for one an epoch, as high as the epoch's
        lr: of every step, None for the recipe's
        ended: whether it has final metrics
        pretrained, images, ids: what last.h5 knows
        metrics: more final ones
        epochs: of the recipe, None for as many as there are losses
    """
    run = RunFolder(path)
    Path(path).mkdir(parents=True)
    recipe = recipe_of(*changes, model=model, epochs=epochs or max(len(losses), 1))
    run.write_text(run.recipe_path, text_of(recipe))
    lr = recipe.schedule.lr if lr is None else lr
    logged, records = losses if logged is None else logged, []
    per_epoch = len(logged) // max(len(losses), 1)
    lines = iter(logged)
    for epoch, loss in enumerate(losses, 1):
        for place in range(1, per_epoch + 1):
            step = (epoch - 1) * steps + place * steps // per_epoch
            records.append({"kind": "step", "step": step, "epoch": epoch, "lr": lr, "loss": next(lines)})
        record = {"kind": "epoch", "step": epoch * steps, "epoch": epoch, "lr": lr, "loss": loss, "seconds": 1.5}
        if epoch <= len(unseen):
            record |= {"validation_loss": unseen[epoch - 1], "loss_gap": unseen[epoch - 1] - loss}
        if epoch <= len(scores):
            record |= {score: scores[epoch - 1]}
        records.append(record)
    run.write_text(run.log_path, "".join(to_json(record) + "\n" for record in records))
    run.truncate(len(losses) * steps)  # which writes metrics.csv
    notes = {"pretrained": pretrained, "images": images} | ({} if ids is None else {"image_ids_crc32": ids})
    arrays = {"head.bias": np.zeros(2, np.float32)}
    save(run.last, Checkpoint(model=arrays, recipe=to_dict(recipe), framework="fake", state={"notes": notes}))
    if ended:
        run.write_metrics({score: max(scores, default=0.0), "split": "test", **(metrics or {})})
    return path


def make_voc(root, splits, size=(64, 64)):
    """A VOC data set of pictures that differ.

    Args:
        splits: {name: a list an image of its objects, (class, xmin, ymin, xmax, ymax) each}
    """
    for folder in ("JPEGImages", "Annotations"):
        (root / folder).mkdir(parents=True)
    number = 0
    for name, of_images in splits.items():
        ids = []
        for objects in of_images:
            ids.append(f"{name}{number:04}")
            Image.new("RGB", size, (number % 256, number // 256, 50)).save(root / "JPEGImages" / f"{ids[-1]}.png")
            text = "".join(thing(*found) for found in objects)
            (root / "Annotations" / f"{ids[-1]}.xml").write_text(f"<annotation>{text}</annotation>", encoding="utf-8")
            number += 1
        add_list(root, name, ids)
    return root


def by_kind(causes):
    """{kind: cause}; every remedy is a command line that is understood, or an assignment that a recipe takes."""
    for cause in causes:
        assert cause.evidence
        assert cause.remedies
        assert cause.kind in KINDS
        for remedy in cause.remedies:
            understood(remedy.command)
    kinds = [cause.kind for cause in causes]
    assert len(set(kinds)) == len(kinds)
    return dict(zip(kinds, causes, strict=True))


def understood(command):
    """Raises where a command line, or an assignment, isn't understood."""
    program, *arguments = shlex.split(command)
    if program != "trizoo":
        model = "deeplabv3plus-mobilenetv2" if "dice" in command else "yolov3-tiny"
        recipe_of(command, model=model)
        return
    args = parser(arguments[0], prog="trizoo").parse_args(arguments[1:])
    for assignment in getattr(args, "set", None) or ():
        recipe_of(assignment)
