"""The flags that classifiers alone have."""

from trizoo.tasks.detection_flags import HIDE_LABELS
from trizoo.tasks.flags import Flag, TaskFlags


def top(text):
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is no whole number of at least 1")
    return int(text)


FLAGS = TaskFlags(
    models="classifiers",
    asked=("top",),
    predict=(
        Flag("top", "how many classes of an image are told (default: 5)", metavar="N", parse=top),
        HIDE_LABELS,
    ),
)
