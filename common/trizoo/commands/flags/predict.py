"""What predict takes."""

import argparse

from trizoo.commands.flags.shared import add_flags_of_use, add_task_flags, add_weights_flags, positive_int


def parser(prog="predict.py"):
    """The command line of predict."""
    flags = argparse.ArgumentParser(prog=prog, description="Find objects in images, or segment them.")
    flags.add_argument("source", nargs="+", metavar="SOURCE", help="image, folder, or quoted pattern ('photos/*.jpg')")
    add_weights_flags(flags, "what finds them", required=True, exported=True)
    flags.add_argument(
        "--out",
        default="predictions",
        metavar="DIR",
        help="new, empty, or of an earlier predict (default: ./predictions)",
    )
    flags.add_argument("--json", action="store_true", help="write what was found to DIR/detections.json or areas.json")
    flags.add_argument("--no-pictures", action="store_true", help="don't draw")
    flags.add_argument("--batch-size", type=positive_int, default=8, metavar="N", help="images at once (default: 8)")
    add_flags_of_use(flags)
    add_task_flags(flags, "predict")
    return flags
