"""What diagnose takes."""

from trizoo.commands.flags.shared import Parser, given_text


def parser(prog="trizoo diagnose"):
    """The command line of diagnose."""
    flags = Parser(
        prog=prog,
        description="Read a run folder and its data set and say what is likely wrong and what would do, each with "
        "its evidence. No framework is needed, nothing is trained or written. What is looked for stands in "
        "docs/diagnose.md.",
        epilog="exit code: 0 whatever is found, 2 where the folder is no run",
    )
    flags.add_argument(
        "run", type=given_text, metavar="RUN", help="run folder, such as runs/yolov3-tiny-001; it may still be trained"
    )
    flags.add_argument(
        "--data", type=given_text, metavar="ROOT", help="where its data set lies now (default: where the recipe says)"
    )
    flags.add_argument("--json", action="store_true", help="print JSON instead of text")
    return flags
