"""The flags that key point models have."""

from trizoo.tasks.detection_flags import (
    CLASSES,
    CLASSES_MAP,
    CONFIDENCE,
    COUNT,
    HIDE_LABELS,
    LINE_WIDTH,
    MAX_DETECTIONS,
)
from trizoo.tasks.flags import TaskFlags

FLAGS = TaskFlags(
    models="key point models",
    asked=("confidence", "classes"),
    train=(CLASSES_MAP,),
    evaluate=(MAX_DETECTIONS, CLASSES_MAP),
    predict=(
        CONFIDENCE,
        MAX_DETECTIONS,
        CLASSES,
        COUNT,
        LINE_WIDTH,
        HIDE_LABELS,
    ),
)
