"""What predict takes."""

from trizoo.commands.flags.shared import (
    Parser,
    add_batch_size,
    add_flags_of_use,
    add_result_flags,
    add_task_flags,
    add_weights_flags,
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
    add_result_flags(flags, "predict", "predictions", "found to DIR/detections.jsonl or areas.jsonl")
    flags.add_argument(
        "--heatmap",
        action="store_true",
        help="write where the network is how sure, as colours over the image, to DIR/heatmaps",
    )
    flags.add_argument(
        "--show", action="store_true", help="show pictures in a window as they come: space pauses, q or Escape ends"
    )
    add_batch_size(flags)
    flags.add_argument(
        "--every", type=positive_int, default=1, metavar="N", help="of a video's frames each N-th alone (default: 1)"
    )
    add_flags_of_use(flags)
    add_task_flags(flags, "predict")
    return flags
