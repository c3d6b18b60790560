"""The flags that multi-label classifiers have."""

from trizoo.tasks.detection_flags import CONFIDENCE, HIDE_LABELS
from trizoo.tasks.flags import TaskFlags

FLAGS = TaskFlags(models="multi-label classifiers", asked=("confidence",), predict=(CONFIDENCE, HIDE_LABELS))
