"""What a request asks for beside its image: the parameters of an address."""

from dataclasses import dataclass

from trizoo.ground.text import hint, suggest
from trizoo.serve.refused import RefusedError
from trizoo.tasks import FLAGS
from trizoo.tasks.classification_flags import top
from trizoo.tasks.detection_flags import share

RECOGNITION = "recognition"  # what a detector, an embedding and a gallery do together
MASKS = ("png",)


@dataclass(frozen=True)
class Wish:
    """How an image is looked at; None as the server was started.

    Args:
        confidence: the least score
        nms: IoU of non-maximum suppression
        only: the class ids that count
        mask: whether a mask's pixels are wanted
        top: how many classes of an image are told
    """

    confidence: float | None = None
    nms: float | None = None
    only: tuple[int, ...] | None = None
    mask: bool = False
    top: int | None = None

    def options(self):
        """What the pipeline has to be told -> ((name, value), …)."""
        return tuple((name, value) for name, value in (("nms", self.nms), ("only", self.only)) if value is not None)


def asked_of(task):
    """The parameters that a request may have, by a task's name or RECOGNITION; None: the task isn't served."""
    return () if task == RECOGNITION else FLAGS[task].asked


def parse_wish(given, task, classes):
    """The Wish of an address's parameters. Raises RefusedError for what the model's task doesn't have.

    Args:
        given: (name, text) of each
        task: by name
        classes: names by class id
    """
    known, values, names = asked_of(task), {}, []
    for name, text in given:
        if name not in known:
            there = f"there is {', '.join(known)}" if known else "none is taken here"
            raise RefusedError(422, f"there is no parameter {name!r:.60}{hint(name, known)}; {there}")
        if name == "classes":
            names.append(text)
        elif name in values:
            raise RefusedError(422, f"{name} is given twice; once is enough")
        else:
            values[name] = text
    shares = {name: _share(name, text) for name, text in values.items() if name not in ("mask", "top")}
    if values.get("mask", MASKS[0]) not in MASKS:
        raise RefusedError(422, f"mask is {values['mask']!r:.60}; {' or '.join(MASKS)} is needed")
    only, count = _ids(names, classes) if names else None, _top(values["top"]) if "top" in values else None
    return Wish(**shares, only=only, mask="mask" in values, top=count)


def _share(name, text):
    try:
        return share(text)
    except ValueError:
        raise RefusedError(422, f"{name} is {text!r:.60}; a number from 0 to 1 is needed") from None


def _top(text):
    try:
        return top(text)
    except ValueError:
        raise RefusedError(422, f"top is {text!r:.60}; a whole number of at least 1 is needed") from None


def _ids(names, classes):
    """The ids of classes by their names."""
    for name in names:
        if name not in classes:
            raise RefusedError(422, f"classes has {name!r:.60}, which the model doesn't know{suggest(name, classes)}")
    return tuple(number for number, name in enumerate(classes) if name in names)
