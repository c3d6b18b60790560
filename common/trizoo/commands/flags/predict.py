"""What predict takes."""

from trizoo.commands.flags.shared import (
    Parser,
    add_flags_of_use,
    add_task_flags,
    add_weights_flags,
    given_text,
    positive_int,
)


def parser(prog="predict.py"):
    """The command line of predict."""
    flags = Parser(prog=prog, description="Find objects in images, or segment them.")
    flags.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="image, video, folder of images, quoted pattern ('photos/*.jpg'), address (http, https, rtsp …), 0 for "
        "the first camera, or - for standard input: an image, or a list of files",
    )
    add_weights_flags(flags, "what finds them", required=True, exported=True)
    flags.add_argument(
        "--out",
        type=given_text,
        default="predictions",
        metavar="DIR",
        help="new, empty, or of an earlier predict (default: ./predictions)",
    )
    flags.add_argument(
        "--json",
        action="store_true",
        help="write what was found to DIR/detections.jsonl or areas.jsonl as it comes, and all of it to .json",
    )
    flags.add_argument("--no-pictures", action="store_true", help="don't draw")
    flags.add_argument(
        "--heatmap",
        action="store_true",
        help="write where the network is how sure, as colours over the image, to DIR/heatmaps",
    )
    flags.add_argument(
        "--show", action="store_true", help="show pictures in a window as they come: space pauses, q or Escape ends"
    )
    flags.add_argument("--batch-size", type=positive_int, default=8, metavar="N", help="images at once (default: 8)")
    flags.add_argument(
        "--every", type=positive_int, default=1, metavar="N", help="of a video's frames each N-th alone (default: 1)"
    )
    add_flags_of_use(flags)
    add_task_flags(flags, "predict")
    return flags
