"""The flags that embedding models alone have: none."""

from trizoo.tasks.flags import TaskFlags

FLAGS = TaskFlags(models="embedding models", data="classification", own_classes=True)
