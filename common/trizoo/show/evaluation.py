"""A model's results on a data set as one page with all its pictures in it."""

from pathlib import Path

from trizoo.ground.files import write_atomically
from trizoo.ground.results import check_folder, read_ends
from trizoo.show import evaluated_boxes, evaluated_masks
from trizoo.show.page import html, mark

INDEX = "index.html"
COMMAND = "trizoo evaluate"
PARTS = {"detection": evaluated_boxes.sections, "segmentation": evaluated_masks.sections}


def check_report(path):
    """UserError unless the folder is new, empty or one with an earlier report, which alone is replaced."""
    check_folder(path, "--report", lambda folder: mark(COMMAND).encode() in read_ends(folder / INDEX))


def write_page(path, task, data, metrics, found, facts):
    """Writes index.html into a folder. Gives its path.

    Args:
        path: a folder that `check_report` found to be ours
        task: a key of PARTS
        data: an EvaluationSet
        metrics, found: what its `measure` gave
        facts: lines about the model and the data, the first of them the title
    """
    title, *more = facts
    page = html(title, PARTS[task](data, metrics, found, more), COMMAND)
    write_atomically(Path(path) / INDEX, page)
    return Path(path) / INDEX
