"""What a model is for: everything in which finding objects and segmenting differ outside of networks, losses, targets.

Data, evaluation and predict.py go by the object that `task_of` gives; `common.tasks.base.Task` says what it can do.
"""

from common.architectures import architecture
from common.tasks.detection import Detection
from common.tasks.segmentation import Segmentation

TASKS = {"detection": Detection(), "segmentation": Segmentation()}


def task_of(model):
    """The `Task` of a model's name. Raises UserError for an unknown one."""
    return TASKS[architecture(model).task]
