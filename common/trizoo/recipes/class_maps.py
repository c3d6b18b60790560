"""What a recipe says about the names of classes in a data set."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from trizoo.data.class_maps import class_map
from trizoo.data.class_names import given_names
from trizoo.ground.errors import UserError


def _pairs(value):
    """{"tvmonitor": "tv"} as pairs, so that a recipe can be hashed and a map from elsewhere is replaced as a whole."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        pairs = value
    else:
        raise ValueError("a mapping of names to names is needed, such as {tvmonitor: tv}")
    try:
        return tuple(class_map([(str(old), "" if new is None else str(new)) for old, new in pairs]).items())
    except UserError as error:
        raise ValueError(str(error)) from error


ClassMap = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs)]


def _names(value):
    try:
        return given_names(value)
    except UserError as error:
        raise ValueError(str(error)) from error


ClassNames = Annotated[tuple[str, ...], AfterValidator(_names)]
