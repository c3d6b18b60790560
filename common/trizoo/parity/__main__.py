"""`python -m trizoo.parity`, the same as `trizoo parity`."""

from trizoo.commands.cli import run_command
from trizoo.commands.parity import main

if __name__ == "__main__":
    run_command(main)
