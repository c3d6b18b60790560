"""What a recipe says about masks: which class a value or a colour in a mask file is."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from trizoo.data.masks.encoding import PALETTES, parse_colour, span, span_key, spread
from trizoo.ground.errors import UserError


def _pairs(value):
    """{255: 1, "0-127": 0} as pairs, by value, so that a recipe can be hashed and a map is replaced as a whole."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        pairs = value
    else:
        raise ValueError("a mapping of values in mask files to class ids is needed, such as {255: 1} or {128-255: 1}")
    for old, new in pairs:
        if isinstance(new, bool):
            raise ValueError(f"the class of {old} is {str(new).lower()}; a class id is needed, as in {{255: 1}}")
    try:
        found = sorted(((span(old), new) for old, new in pairs), key=lambda pair: pair[0])
        spread({span_key(*ends): 0 for ends, _ in found})
    except UserError as error:
        raise ValueError(str(error)) from error
    if len(dict(found)) < len(value):
        raise ValueError("values in mask files stand once each, as in {255: 1}")
    return [(span_key(*ends), new) for ends, new in found]


def _colours(value):
    if isinstance(value, str) and value in PALETTES:
        return PALETTES[value][0]
    if not isinstance(value, list | tuple):
        return value
    try:
        return [parse_colour(colour) if isinstance(colour, str) else colour for colour in value]
    except UserError as error:
        raise ValueError(str(error)) from error


_Level = Annotated[int, Field(ge=0, le=255)]
MaskMap = Annotated[
    tuple[tuple[int | str, Annotated[int, Field(ge=0, le=255)]], ...],
    BeforeValidator(_pairs),
]
Colours = Annotated[tuple[tuple[_Level, _Level, _Level], ...], BeforeValidator(_colours)]
