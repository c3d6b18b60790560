"""`python -m trizoo.data`, the same as `trizoo data`."""

from trizoo.commands.cli import run_command
from trizoo.commands.data import main

if __name__ == "__main__":
    run_command(main)
