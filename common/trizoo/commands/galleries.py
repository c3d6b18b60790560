"""Models as gallery and recognize use them."""

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

from trizoo.commands.cli import choose_for, find_weights
from trizoo.deploy.runtimes import make_model, read_model
from trizoo.gallery.pictures import fingerprint
from trizoo.ground.errors import UserError
from trizoo.tasks import task_of


@dataclass(frozen=True)
class Opened:
    """A model in use.

    Args:
        pipeline: its `trizoo.tasks.pipeline.ImagePipeline`
        fingerprint: see `trizoo.gallery.pictures.fingerprint`
        classes: names by class id
    """

    pipeline: Any
    fingerprint: dict[str, Any]
    classes: tuple[str, ...]


def open_embedding(args, choice):
    """The `Opened` of --embedding, which is `args.weights`, on the framework of a Choice."""
    read = _read(args, "--embedding", "embedding")
    return _opened(read, *choice.start(args.device))


def open_both(args, choice, called="--embedding"):
    """The `Opened` of --embedding, and that of --detector, None without it; both are read before anything is loaded.

    Args:
        called: what errors call the first of them
    """
    read = _read(args, called, "embedding")
    if args.detector is None:
        return _opened(read, *choice.start(args.device)), None
    of_detector = Namespace(weights=args.detector, offline=args.offline, framework=args.framework)
    found = _read(of_detector, "--detector", "detection")
    started = choice.start(args.device)
    other = choose_for(of_detector)
    alike = other.open().name == started[0].name
    return _opened(read, *started), _opened(found, *(started if alike else other.start(args.device)))


def _read(args, option, task):
    """What is in a model's file. Raises UserError for a model of another task."""
    read = read_model(str(find_weights(args)))
    if (other := task_of(read.spec.name).name) != task:
        raise UserError(
            f"{option} is {read.path} of {read.spec.name}, which is for {other}; a model for {task} is needed"
        )
    return read


def _opened(read, framework, device):
    recipe, model = make_model(framework, read, device, None)
    pipeline = task_of(read.spec.name).pipeline(framework, model, read.spec, recipe, device)
    return Opened(pipeline, fingerprint(read.path, read.spec, recipe), tuple(recipe.classes))
