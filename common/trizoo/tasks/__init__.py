"""What a model is for: everything in which finding objects and segmenting differ outside of networks, losses, targets.

Data, evaluation and predict.py go by the object that `task_of` gives; `trizoo.tasks.base.Task` says what it can do.
Command lines ask for FLAGS alone, so the tasks themselves are not loaded before they are needed.
"""

from trizoo.tasks import (
    classification_flags,
    detection_flags,
    embedding_flags,
    keypoints_flags,
    multilabel_flags,
    segmentation_flags,
)

FLAGS = {
    "detection": detection_flags.FLAGS,
    "segmentation": segmentation_flags.FLAGS,
    "keypoints": keypoints_flags.FLAGS,
    "classification": classification_flags.FLAGS,
    "embedding": embedding_flags.FLAGS,
    "multilabel": multilabel_flags.FLAGS,
}


def tasks():
    """Every `Task` by its name."""
    from trizoo.tasks.classification import Classification
    from trizoo.tasks.detection import Detection
    from trizoo.tasks.embedding import Embedding
    from trizoo.tasks.keypoints import Keypoints
    from trizoo.tasks.multilabel import Multilabel
    from trizoo.tasks.segmentation import Segmentation

    all_tasks = (Detection(), Segmentation(), Keypoints(), Classification(), Embedding(), Multilabel())
    return {task.name: task for task in all_tasks}


def task_of(model):
    """The `Task` of a model's name. Raises UserError for an unknown one."""
    from trizoo.families import architecture

    return tasks()[architecture(model).task]


def best_metric(recipe):
    """The metric that chooses a recipe's best weights. Raises UserError where its task has no such."""
    from trizoo.ground.errors import UserError
    from trizoo.ground.text import hint

    metrics = task_of(recipe.model.name).metrics
    best = recipe.evaluate.best or metrics[0]
    if best not in metrics:
        raise UserError(
            f"evaluate.best is {best!r}; {recipe.model.name} is evaluated by {' and '.join(metrics)}"
            f"{hint(best, metrics)}"
        )
    return best
