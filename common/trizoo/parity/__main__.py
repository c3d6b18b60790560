"""`python -m trizoo.parity`, the same as `trizoo parity`."""

from trizoo.commands.main import module

if __name__ == "__main__":
    module("parity")
