"""matplotlib's figures as files that name the command which drew them, so that it may draw them again."""

from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.ground.files import replacing, write_from_memory
from trizoo.ground.results import check_file, has_mark

# suffix -> the first bytes of such a file, the key of matplotlib's metadata that names its maker, how it stands there
FORMATS = {
    ".png": (b"\x89PNG\r\n", "Software", "tEXtSoftware\0{}"),
    ".svg": (b"<?xml", "Creator", "<dc:title>{}</dc:title>"),
    ".pdf": (b"%PDF-", "Creator", "/Creator ({})"),
}


def check_figure(path, option, command):
    """UserError unless a figure can be written to a file; see `trizoo.ground.results.check_file`.

    Args:
        option: that names it, for the sentence
        command: that draws it, such as "trizoo compare"
    """
    beginning, _, mark = FORMATS[_suffix(path)]
    check_file(path, option, has_mark(beginning, mark.format(command).encode()))


def save_figure(path, figure, command, dpi=100):
    """Writes a figure in the format of the path's suffix, PNG without one. Raises UserError where it can't be."""
    suffix = _suffix(path)
    with replacing(path) as temporary:
        options = {"format": suffix[1:], "dpi": dpi, "metadata": {FORMATS[suffix][1]: command}}
        write_from_memory(temporary, lambda file: figure.savefig(file, **options))


def _suffix(path):
    suffix = Path(path).suffix.lower() or ".png"
    if suffix not in FORMATS:
        raise UserError(f"no picture can be written to {path}; a name that ends in .png, .svg or .pdf is needed")
    return suffix
