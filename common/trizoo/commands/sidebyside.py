"""What `trizoo sidebyside` does: a model's source in the three frameworks in three columns."""

import shutil

from trizoo.commands.cli import say
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.ground.results import check_file, has_mark
from trizoo.parity.columns import GENERATOR, as_html, as_text
from trizoo.parity.sidebyside import sidebyside

WIDTH = 160  # characters, where the output is no terminal
MOST_WIDTH = 10_000


def run(args):
    """The command. Returns 0."""
    if args.html:
        check_file(args.html, "--html", has_mark(b"<!doctype html>", GENERATOR.encode()))
    if args.width is not None and args.width > MOST_WIDTH:
        raise UserError(f"--width is {args.width}; {MOST_WIDTH:,} characters are the most")
    files = sidebyside(args.model)
    if args.html:
        write_atomically(args.html, as_html(args.model, files, args.only_different))
        say(f"wrote {args.html}")
    else:
        width = args.width or shutil.get_terminal_size((WIDTH, 0)).columns
        say(as_text(files, width, args.only_different))
    return 0
