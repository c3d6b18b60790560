"""What a model is for: everything in which finding objects and segmenting differ outside of networks, losses, targets.

Data, evaluation and predict.py go by the object that `task_of` gives; `trizoo.tasks.base.Task` says what it can do.
"""

from trizoo.families import architecture
from trizoo.tasks.detection import Detection
from trizoo.tasks.segmentation import Segmentation

TASKS = {"detection": Detection(), "segmentation": Segmentation()}


def task_of(model):
    """The `Task` of a model's name. Raises UserError for an unknown one."""
    return TASKS[architecture(model).task]
