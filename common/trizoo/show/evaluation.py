"""A model's results on a data set as one page with all its pictures in it."""

from pathlib import Path

from trizoo.ground.files import write_atomically
from trizoo.ground.results import check_folder, read_ends
from trizoo.show.kinds import KINDS
from trizoo.show.page import html, mark

INDEX = "index.html"
COMMAND = "trizoo evaluate"


def check_report(path):
    """UserError unless the folder is new, empty or one with an earlier report, which alone is replaced."""
    check_folder(path, "--report", lambda folder: mark(COMMAND).encode() in read_ends(folder / INDEX))


def write_page(path, task, data, metrics, found, facts):
    """Writes index.html into a folder. Gives its path.

    Args:
        path: a folder that `check_report` found to be ours
        task: a key of KINDS
        data: an EvaluationSet
        metrics, found: what its `measure` gave
        facts: lines about the model and the data, the first of them the title
    """
    title, *more = facts
    page = html(title, KINDS[task].results(data, metrics, found, more), COMMAND)
    write_atomically(Path(path) / INDEX, page)
    return Path(path) / INDEX
