"""`python -m trizoo.anchors`, the same as `trizoo anchors`."""

from trizoo.commands.anchors import main
from trizoo.commands.cli import run_command

if __name__ == "__main__":
    run_command(main)
