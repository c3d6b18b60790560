"""`python -m trizoo.data`, the same as `trizoo data`."""

from trizoo.commands.main import module

if __name__ == "__main__":
    module("data")
