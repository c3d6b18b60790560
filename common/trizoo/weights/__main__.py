"""`python -m trizoo.weights`, the same as `trizoo weights`."""

from trizoo.commands.cli import run_command
from trizoo.commands.weights import main

if __name__ == "__main__":
    run_command(main)
