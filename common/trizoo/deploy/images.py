"""The images that an export is checked on, and those that int8 is calibrated on."""

import os
from itertools import islice

import numpy as np

from trizoo.augment.letterbox import letterbox, resize
from trizoo.data.finding import is_there
from trizoo.data.images import read_image
from trizoo.data.synthetic import draw_image
from trizoo.families import architecture
from trizoo.ground.errors import UserError
from trizoo.tasks import task_of
from trizoo.training.data import choose_split, final_set, training_split

CHECKED = 4  # images
CALIBRATED = 200
SHAPES = ("circle", "square", "triangle")  # on images where there are no others


def check_batches(recipe, size, other):
    """Batches uint8 (B, H, W, 3) that a file is checked on, and what they are in words.

    Images that the checkpoint was measured on where these are here, else drawn ones: one alone, then the rest at once.

    Args:
        size: (width, height)
        other: a second size, at which all come once more; None for none
    """
    images, what = _known_images(recipe)
    batches = []
    for canvas in (size,) if other is None else (size, other):
        placed = np.stack([letterbox(image, canvas)[0] for image in images])
        batches += [placed[:1], placed[1:]]
    sizes = "" if other is None else f" at {size[0]}x{size[1]} and {other[0]}x{other[1]}"
    return [batch for batch in batches if len(batch)], f"{len(images)} {what}{sizes}"


def other_size(spec, size):
    """Another (width, height) that the model takes, of another aspect."""
    known = architecture(spec.name)
    across, down = (33, 14) if known.takes_any_size else (known.size_multiple, 2 * known.size_multiple)
    return size[0] + across, size[1] + down


def calibration_images(recipe, root, say):
    """Images of a data set on their canvases, as training's split has them: uint8 (1, H, W, 3) each.

    Args:
        root: of the data set
        say: gets a line about them
    """
    recipe = with_data(recipe, root)
    task = task_of(recipe.model.name)
    listing = task.find(recipe.data)
    split = training_split(recipe.data, listing.splits)
    records = task.evaluation_set(listing, recipe, split).records
    step = max(1, len(records) // CALIBRATED)  # of all of them, not of one folder's beginning
    paths = [records[place].image for place in range(0, len(records), step)][:CALIBRATED]
    if not paths:
        raise UserError(f"--int8 {root} has no images to calibrate on")
    say(f"int8: calibrated on {len(paths)} images of {root} ({split or 'all'})")
    return [resize(read_image(path), recipe.input_size, recipe.resize)[0][None] for path in paths]


def validation_set(recipe, root):
    """The EvaluationSet of a data set's validation split, else of its test split, else what training holds back."""
    recipe = with_data(recipe, root)
    listing = task_of(recipe.model.name).find(recipe.data)
    split = choose_split(None, (recipe.data.validation, "val", recipe.data.test, "test"), listing.splits)
    return final_set(recipe, split, listing)


def with_data(recipe, root):
    """The recipe with another data set, found by itself."""
    places = {"root": str(root), "overfit": 0, "layout": None, "images": None, "annotations": None}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=places)})


def _known_images(recipe):
    """Images uint8 (H, W, 3), and what they are."""
    root = recipe.data.root
    if root is not None and is_there(root):
        try:
            records = final_set(recipe).records
            return [
                read_image(record.image) for record in islice(records, CHECKED)
            ], f"images of {os.path.normpath(root)}"
        except UserError:  # the data have changed since; what an export is worth doesn't hang on them
            pass
    drawn = [draw_image(number, recipe.input_size, SHAPES, seed=0)[0] for number in range(CHECKED)]
    return drawn, "synthetic images"
