"""How exported files are known, for those that needn't load what opens them."""

from pathlib import Path

SAVED_MODEL = ".savedmodel"  # of a folder, which may as well be called anything else
GRAPH = "saved_model.pb"  # in it
NOTES = "assets.extra/trizoo.json"  # in it: the place for what is no part of the model


def ending_of(path):
    """The ending of a path, in lower case, by which `trizoo.deploy.runtimes.RUNTIMES` has it."""
    path = Path(path)
    return SAVED_MODEL if (path / GRAPH).is_file() else path.suffix.lower()
