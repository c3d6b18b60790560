"""The names of all formats of data sets, of boxes, masks and classes."""

from trizoo.data.boxes import find as boxes
from trizoo.data.classes import find as classes
from trizoo.data.masks import find as masks

LAYOUTS = (
    *masks.FINDERS,
    *(layout for layout in boxes.FINDERS if layout not in masks.FINDERS),
    *classes.FINDERS,
    *classes.OF_LABELS,
)
