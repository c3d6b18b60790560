"""What evaluate takes."""

from trizoo.commands.flags.shared import (
    Parser,
    add_flags_of_use,
    add_place_flags,
    add_task_flags,
    add_weights_flags,
    given_name,
    given_text,
)


def parser(prog="evaluate.py"):
    """The command line of evaluate."""
    flags = Parser(prog=prog, description="Measure a checkpoint on a data set.")
    add_weights_flags(flags, "what to measure", required=True, exported=True)
    flags.add_argument("--data", type=given_text, metavar="ROOT", help="data set (default: the one it was trained on)")
    add_place_flags(flags)
    flags.add_argument(
        "--split", type=given_name, metavar="NAME", help="default: test, else val, else what it was trained on"
    )
    flags.add_argument(
        "--as-published",
        action="store_true",
        help="with a tag: input size, resizing, stride and thresholds as its published metric was measured by",
    )
    flags.add_argument("--json", type=given_text, metavar="FILE", help="write the metrics there")
    flags.add_argument(
        "--plots", type=given_text, metavar="DIR", help="write curves and the confusion matrix there: PNG, JSON, CSV"
    )
    flags.add_argument(
        "--report",
        type=given_text,
        metavar="DIR",
        help="write one page there: metrics, curves, confusion, the worst images (HTML)",
    )
    add_flags_of_use(flags)
    add_task_flags(flags, "evaluate")
    return flags
