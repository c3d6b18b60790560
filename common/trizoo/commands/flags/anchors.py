"""What anchors takes."""

from pathlib import Path

from trizoo.commands.flags.shared import Parser, add_place_flags, given_name, given_text, positive_int, size_argument
from trizoo.ground.conventions import POLICIES


def parser(prog="trizoo anchors"):
    """The command line of anchors."""
    flags = Parser(
        prog=prog,
        description="Find YOLO anchors for a data set by k-means and compare them with the old ones. "
        "Exits with 1, and writes nothing, where the new ones are worse.",
    )
    flags.add_argument("root", type=given_text, metavar="ROOT", help="data set with boxes")
    add_place_flags(flags)
    flags.add_argument(
        "--split", type=given_name, help="split to take boxes from (default: those that a run trains on)"
    )
    flags.add_argument("--k", type=positive_int, help="number of anchors (default: as many as the old ones)")
    flags.add_argument(
        "--input-size", type=size_argument, default=(416, 416), metavar="N|WxH", help="of the network (default: 416)"
    )
    flags.add_argument("--policy", choices=POLICIES, default="letterbox", help="how images get to that size")
    flags.add_argument(
        "--against", metavar="ANCHORS|MODEL", help='old anchors, "10,14 23,27 ...", or a model (default: yolov3)'
    )
    flags.add_argument("--write", type=Path, metavar="RECIPE.yaml", help="put the new anchors into this recipe")
    flags.add_argument("--seed", type=int, default=0, help="of the random starts (default: %(default)s)")
    flags.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the box sizes and both sets of anchors")
    return flags
