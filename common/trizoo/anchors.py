"""`python -m trizoo.anchors`, the same as `trizoo anchors`."""

from trizoo.commands.main import module

if __name__ == "__main__":
    module("anchors")
