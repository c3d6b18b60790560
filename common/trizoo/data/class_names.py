"""The names of classes as annotations write them."""

import unicodedata


def class_name(text):
    """A class's name: Unicode's composed form, white space within it joined to one space and none around it."""
    return " ".join(unicodedata.normalize("NFC", text).split())
