"""`python -m trizoo`, the same as `trizoo`."""

from trizoo.commands.main import command_line

if __name__ == "__main__":
    command_line("python -m trizoo")
