"""Trackers of experiments beside the run's own log: TensorBoard, MLflow, Weights & Biases, as callbacks."""

import importlib.util

from trizoo.ground.errors import UserError
from trizoo.ground.text import hint
from trizoo.training.trackers.base import remembered
from trizoo.training.trackers.mlflow import MLflow
from trizoo.training.trackers.tensorboard import TensorBoard
from trizoo.training.trackers.wandb import WandB

TRACKERS = {kind.name: kind for kind in (TensorBoard, MLflow, WandB)}


def open_trackers(names, run, say):
    """The trackers of a run: those that are named, and those that a run to resume had before.

    Args:
        names: of TRACKERS; one whose library isn't installed is a UserError
        run: the RunFolder to resume, None for a new run
        say: gets a line on a tracker of before whose library isn't installed
    """
    if isinstance(names, str):
        raise UserError(f"track is {names!r}; a list of trackers' names is needed")
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in TRACKERS:
            raise UserError(f"track holds {name!r}{hint(str(name), TRACKERS)}; {', '.join(TRACKERS)} are there")
        if not _is_installed(name):
            raise UserError(
                f"--track {name} needs {TRACKERS[name].title}, which isn't installed; pip install 'trizoo[{name}]' "
                f"would do"
            )
    for name in remembered(run) if run else ():
        if name not in TRACKERS or name in names:
            continue
        if _is_installed(name):
            names.append(name)
        else:
            say(f"warning: {TRACKERS[name].title}, which followed this run, isn't installed; training goes on without")
    return [TRACKERS[name]() for name in names]


def _is_installed(name):
    """Whether a tracker's library, which has its name, is there; nothing is imported."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None
