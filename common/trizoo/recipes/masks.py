"""What a recipe says about masks: which class a value or a colour in a mask file is."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from trizoo.data.masks.encoding import parse_colour, voc_colours
from trizoo.ground.errors import UserError

VOC_CLASSES = 21  # with the background


def _pairs(value):
    """{255: 1} as pairs, by value, so that a recipe can be hashed and a map from elsewhere is replaced as a whole."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        pairs = value
    else:
        raise ValueError("a mapping of values in mask files to class ids is needed, such as {255: 1}")
    pairs = sorted((int(old), new) for old, new in pairs if str(old).isdecimal())
    if len(dict(pairs)) < len(value):
        raise ValueError("values in mask files are whole numbers from 0, each once, as in {255: 1}")
    return pairs


def _colours(value):
    if value == "voc":
        return voc_colours()[:VOC_CLASSES]
    if not isinstance(value, list | tuple):
        return value
    try:
        return [parse_colour(colour) if isinstance(colour, str) else colour for colour in value]
    except UserError as error:
        raise ValueError(str(error)) from error


_Level = Annotated[int, Field(ge=0, le=255)]
MaskMap = Annotated[
    tuple[tuple[Annotated[int, Field(ge=0, le=65535)], Annotated[int, Field(ge=0, le=255)]], ...],
    BeforeValidator(_pairs),
]
Colours = Annotated[tuple[tuple[_Level, _Level, _Level], ...], BeforeValidator(_colours)]
