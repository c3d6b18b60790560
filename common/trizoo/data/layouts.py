"""The names of all formats of data sets, of boxes and of masks."""

from trizoo.data.boxes import find as boxes
from trizoo.data.masks import find as masks

LAYOUTS = (*masks.FINDERS, *(layout for layout in boxes.FINDERS if layout not in masks.FINDERS))
