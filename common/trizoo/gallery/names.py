"""Names that things may have in a gallery."""

import unicodedata

from trizoo.data.class_names import class_name, visible
from trizoo.ground.errors import UserError

UNKNOWN = "unknown"  # what a thing without a name is called


def thing_name(text):
    """A name as a gallery keeps it, see `trizoo.data.class_names.class_name`.

    Raises UserError for one that shows nothing, holds control characters, or is what things without a name are called.
    """
    name = class_name(text)
    if not visible(name).strip():
        raise UserError(f"a name of things is {text!a}, which is blank; one that can be seen is needed")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise UserError(f"the name {name!r} holds control characters; one without them is needed")
    if name == UNKNOWN:
        raise UserError(f"the name {name!r} is what things without a name are called; another one is needed")
    return name
