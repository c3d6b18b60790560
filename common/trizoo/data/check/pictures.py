"""Decodes every picture of a data set, which no header can stand in for."""

from trizoo.data.images import CUT_OFF, decode, in_threads
from trizoo.ground.errors import UserError


def decode_all(paths, findings, watch=None):
    """Image file -> `Header`, of those that can be decoded to the last pixel; the others are errors.

    Args:
        findings: `trizoo.data.check.report.Findings`
        watch: function of an iterator, a number and a word that gives the iterator on, to draw a progress bar
    """
    paths = list(dict.fromkeys(paths))
    watch = watch or (lambda found, total, what: found)

    def header_of(path):
        try:
            return decode(path)
        except UserError as error:
            return error

    headers = {}
    decoded = in_threads(header_of, paths, lambda found: watch(found, len(paths), "images"))
    for path, header in zip(paths, decoded, strict=True):
        if isinstance(header, UserError):
            findings.add_error("unreadable image", header)
            continue
        headers[path] = header
        if header.cut:
            findings.add("image cut off", path, CUT_OFF)
    return headers
