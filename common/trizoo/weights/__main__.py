"""`python -m trizoo.weights`, the same as `trizoo weights`."""

from trizoo.commands.main import module

if __name__ == "__main__":
    module("weights")
