"""What int8 costs: the same metrics before and after, on the data set's validation split."""

from trizoo.deploy.images import validation_set
from trizoo.deploy.runtimes import runtime_of
from trizoo.metrics.plain import shown
from trizoo.tasks import task_of

MOST = 0.01  # of the metric, that may be lost without a warning
ADVICE = (
    "more images like those that it will see, fp16 (--half), or some more epochs of training at a low learning rate "
    "before the export would do"
)


def measured(recipe, spec, root, trained, opened, device):
    """The metrics of the framework and of the file, {name: value} each, and what they were measured on.

    Args:
        root: of the data set
        trained: the framework and its model
        opened: the file, a `trizoo.deploy.runtimes.Opened`
        device: the framework's
    """
    task, data = task_of(spec.name), validation_set(recipe, root)
    sides = (*trained, device), (runtime_of(opened.exported.path), opened, "cpu")
    found = []
    for framework, model, place in sides:
        metrics, _ = data.measure(task.evaluator(framework, model, spec, recipe, place))
        found.append({name: metrics[name] for name in task.metrics})
    return *found, f"{len(data.records)} images of {root} ({data.split})"


def worth(before, after, split, title, path):
    """Sentences about the metrics before and after, with a warning where more than a point was lost."""
    figures = ", ".join(f"{name} {shown(before[name])} -> {shown(after[name])}" for name in before)
    text = f"int8: {figures}, on {split}"
    name = next(iter(before))
    lost = (before[name] or 0) - (after[name] or 0)
    if lost > MOST:
        text += f"\nwarning: {title} in int8 loses {100 * lost:.1f} points of {name} of {path}; {ADVICE}"
    return text
