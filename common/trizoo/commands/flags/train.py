"""What train takes."""

from trizoo.commands.flags.shared import (
    Parser,
    add_common_flags,
    add_place_flags,
    add_task_flags,
    add_weights_flags,
    count_or_auto,
    given_name,
    given_text,
    positive_int,
    size_argument,
)
from trizoo.weights.names import models


def parser(prog="train.py"):
    """The command line of train."""
    flags = Parser(
        prog=prog,
        description="Train a model. Without arguments: YOLOv3-tiny on synthetic data, in a few minutes.",
    )
    flags.add_argument(
        "--model", type=given_name, metavar="NAME", help=f"one of {', '.join(models())} (default: yolov3-tiny)"
    )
    flags.add_argument(
        "--data",
        type=given_text,
        metavar="ROOT",
        help="data set: boxes or masks in any of the layouts that docs/data.md shows",
    )
    add_place_flags(flags)
    length = flags.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs",
        type=count_or_auto,
        metavar="N|auto",
        help="length of the run in epochs; auto: by the number of images",
    )
    length.add_argument("--iterations", type=positive_int, metavar="N", help="length of the run in steps")
    flags.add_argument(
        "--batch-size",
        type=count_or_auto,
        metavar="N|auto",
        help="images a step; auto: as many as memory has room for",
    )
    flags.add_argument("--input-size", type=size_argument, metavar="N|WxH", help="pixels; YOLO: multiples of 32")
    flags.add_argument(
        "--anchors",
        choices=("auto", "keep"),
        help="from scratch or a backbone: others where the model's own fit few boxes (auto, the default), or its own",
    )
    flags.add_argument("--lr", type=float, metavar="X", help="peak learning rate as it is, not scaled by batch size")
    flags.add_argument("--workers", type=int, metavar="N", help="loader processes; 0 = none (default: by the cores)")
    flags.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16", "auto"),
        help="of the step's arithmetic; auto: bf16 where the device multiplies it itself, else fp32",
    )
    flags.add_argument(
        "--compile", action="store_const", const=True, help="the step, by torch.compile or XLA; slow to start"
    )
    add_weights_flags(flags, "what to fine-tune from, classes may differ")
    flags.add_argument(
        "--teacher",
        type=given_text,
        metavar="WEIGHTS",
        help="a trained model of the same classes to learn from: a checkpoint or a tag",
    )
    flags.add_argument(
        "--resume",
        metavar="RUN",
        help="run folder to resume, exactly where it stopped; one process at a time",
    )
    flags.add_argument(
        "--out", type=given_text, metavar="RUN", help="run folder to make (default: the next runs/MODEL-NNN)"
    )
    flags.add_argument("--seed", type=int, metavar="N", help="of weights, order and augmentation (default: 0)")
    flags.add_argument(
        "--recipe", type=given_text, metavar="FILE", help="YAML file, or the name of a recipe that comes with the zoo"
    )
    flags.add_argument(
        "--set", action="append", default=[], metavar="key=value", help="any value of the recipe; may be repeated"
    )
    flags.add_argument(
        "--overfit", type=positive_int, metavar="N", help="sanity run: train and evaluate on N images, unaugmented"
    )
    flags.add_argument(
        "--limit", type=positive_int, metavar="N", help="quick run: train on at most N images, classes balanced"
    )
    flags.add_argument(
        "--track",
        action="append",
        default=[],
        choices=("tensorboard", "mlflow", "wandb"),
        help="follow the run there, too; may be repeated; a resumed run keeps those it had",
    )
    flags.add_argument(
        "--find-lr",
        type=positive_int,
        metavar="STEPS",
        nargs="?",
        const=100,
        help="suggest a learning rate by so many steps (default: 100) at growing ones, draw them, and train nothing",
    )
    flags.add_argument(
        "--layer-stats",
        action="store_true",
        help="write mean and variance of each layer's outputs to RUN/layers.csv, and name the layer where they stop "
        "being finite; another forward pass a step",
    )
    flags.add_argument("--print-recipe", action="store_true", help="show every value and its origin, and stop")
    flags.add_argument("--quiet", action="store_true", help="no progress, only the lines that matter")
    add_common_flags(flags)
    add_task_flags(flags, "train")
    return flags
