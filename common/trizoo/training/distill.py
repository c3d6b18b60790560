"""A teacher: a trained model whose outputs and features are learned beside the labels."""

import json
import math
import zlib
from pathlib import Path

import numpy as np

from trizoo.families import architecture, check_input_size, takes
from trizoo.families.base.distillation import COUNT, FEATURE, OUTPUT
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few, quoted
from trizoo.recipes.load import from_dict, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.build import make_model, read_model
from trizoo.training.memory import TeacherRoom
from trizoo.training.specs import input_sizes, spec_of
from trizoo.weights.checkpoint import OF_TRAINING

PASS = 3  # of the largest output of a layer, what a pass without gradients holds: it, what it is made of, one more
LEAST_STRIDE = 8  # of features that are learned: finer ones are many, and hold edges


class Teacher:
    """Calling it with a `Batch` gives the batch with what the teacher says of its images among the targets.

    Args:
        model: a framework's, which is trained no more
        spec: the ModelSpec of the outputs that are learned, None for none
        outputs: the numbers of these among the model's outputs
        crc32: of its weights, by which a run to resume knows it
        whole, values: the teacher's own ModelSpec, and how many numbers it has, for `room`
    """

    def __init__(self, framework, model, spec, outputs, options, precision, device, crc32=None, whole=None, values=0):
        self.framework = framework
        self.model = model
        self.spec = spec
        self.outputs = outputs
        self.options = options
        self.precision = precision
        self.device = device
        self.crc32 = crc32
        self.whole = whole
        self.values = values
        self.channels = {}
        self.teach = None

    def adapt(self, student):
        """Prepares the student to learn features, if it is to. Returns the strides of those.

        Raises UserError where the two have no features at one stride.
        """
        channels = {}
        if self.options.features:
            own, theirs = (self.framework.feature_channels(model) for model in (student, self.model))
            channels = {stride: theirs[stride] for stride in own if stride in theirs and stride >= LEAST_STRIDE}
            if not channels:
                without = ", or --set distill.features=0," if self.options.outputs else ""
                raise UserError(
                    f"the teacher's backbone has features at strides {_joined(theirs)}, and the model's at "
                    f"{_joined(own)}; another teacher{without} would do"
                )
            self.framework.add_adapters(student, channels, self.device)
        self.channels = channels
        self.teach = self.framework.teacher(self.model, tuple(channels), self.precision, self.device)
        self.model = None  # a copy of it teaches
        return tuple(channels)

    def check_resumed(self, checkpoint, shapes, say):
        """UserError where a run to resume learned other features; says where the run had another teacher.

        Args:
            shapes: name -> shape of the student's arrays, once it is prepared
        """
        path, had = self.options.teacher, {name: array.shape for name, array in checkpoint.model.items()}
        if _adapters(shapes) != _adapters(had):
            raise UserError(
                f"the features of the teacher {path} are others than this run has learned; --teacher FILE with the "
                f"teacher that it was begun with is needed"
            )
        if checkpoint.state["notes"].get("teacher_crc32", self.crc32) != self.crc32:
            say(f"warning: the teacher {path} is another one than this run had before, or was trained further")

    def room(self, size):
        """The `trizoo.training.memory.TeacherRoom` of images of (width, height), after `adapt`."""
        calls, outputs = self.framework.trace(self.whole, size)
        learned = [outputs[number] for number in self.outputs]
        learned += [(size[0] // stride, size[1] // stride, count) for stride, count in self.channels.items()]
        return TeacherRoom(
            parameters=4 * self.values,
            kept_by_image=4 * sum(map(math.prod, learned)),
            held_by_image=4 * PASS * max(math.prod(shape) for _, shape in calls),
        )

    def __call__(self, batch):
        outputs, features = self.teach(batch.images)
        taught = {COUNT: np.float32(len(batch.images))}
        taught |= {OUTPUT.format(place): outputs[number] for place, number in enumerate(self.outputs)}
        taught |= {FEATURE.format(place): array for place, array in enumerate(features)}
        return batch._replace(targets={**batch.targets, **taught})


def with_teacher(recipe, path, where):
    """The recipe with another teacher, which `where` asks for. Raises UserError for one that would teach nothing."""
    plain = to_dict(recipe)
    return from_dict(Recipe, plain | {"distill": plain["distill"] | {"teacher": str(path)}}, where)


def check_has_one(recipe, run):
    """UserError where a RunFolder to resume was begun without a teacher."""
    if recipe.distill.teacher is None:
        raise UserError(
            f"{run.path} was begun without a teacher, and a resumed run keeps to that; leave the teacher out, or start "
            f"a new run with --weights {quoted(run.last)}"
        )


def check_there(recipe):
    """UserError where the teacher's file isn't, before anything is loaded."""
    path = recipe.distill.teacher
    if path is not None and not Path(path).exists():
        raise UserError(f"the teacher {path!r} isn't there; --teacher FILE says where it is")


def absolute(recipe):
    """The recipe with the whole path of its teacher, so that the run can be resumed from anywhere."""
    if recipe.distill.teacher is None:
        return recipe
    options = recipe.distill.model_copy(update={"teacher": str(Path(recipe.distill.teacher).absolute())})
    return recipe.model_copy(update={"distill": options})


def open_teacher(framework, recipe, device, say):
    """The recipe's Teacher, None without one.

    Raises UserError for a file that holds none, and for a teacher of other classes, outputs or input sizes.
    """
    options = recipe.distill
    if options.teacher is None:
        return None
    read, spec = read_model(options.teacher), spec_of(recipe)
    check_sizes(read, recipe)
    taught, outputs = None, []
    if options.outputs:
        taught, outputs = spec.taught_by(read.spec, recipe.input_size)
        check_classes(read, recipe)
    _, model = make_model(framework, read, device, recipe.precision)
    parts = ["its outputs"] if options.outputs else []
    parts += ["its features"] if options.features else []
    say(f"teacher: {options.teacher}, {read.spec.name}, teaches {' and '.join(parts)}")
    crc32 = checksum(read.arrays)
    values = sum(array.size for array in read.arrays.values())
    return Teacher(framework, model, taught, outputs, options, recipe.precision, device, crc32, read.spec, values)


def checksum(arrays):
    """The CRC-32 of a model's arrays by name, in the order of their names."""
    crc32 = 0
    for name in sorted(arrays):
        crc32 = zlib.crc32(np.ascontiguousarray(arrays[name]).data, crc32)
    return crc32


def check_sizes(read, recipe):
    """UserError unless a teacher takes images of all the recipe's sizes, whatever is learned of it."""
    ours, theirs = recipe.model.name, read.spec.name
    only = architecture(ours).only_size or architecture(theirs).only_size
    if only and not (takes(ours, only) and takes(theirs, only)):
        raise UserError(
            f"the teacher {read.path} is of {theirs}, which takes no images of a size that {ours} takes; another "
            f"teacher would do"
        )
    sizes = input_sizes(recipe)
    for size in dict.fromkeys((recipe.input_size, sizes.smallest, sizes.largest)):
        try:
            check_input_size(theirs, size)
        except UserError as error:
            raise UserError(f"the teacher {read.path} sees the model's images: {error}") from None


def check_classes(read, recipe):
    """UserError unless a teacher's classes are the recipe's, in their order."""
    ours, theirs = list(recipe.classes), list(read.recipe.classes)
    if ours == theirs:
        return
    if sorted(ours) == sorted(theirs):
        plain = f"classes=[{', '.join(theirs)}]"
        if _assigned(plain) != theirs:  # a name that YAML takes for more than text
            plain = f"classes={json.dumps(theirs, ensure_ascii=False)}"
        hint = f"--set {plain[:8]}{quoted(plain[8:])} puts them in its order"
    else:
        hint = "a teacher of the same classes, or --set distill.outputs=0 --set distill.features=1, would do"
    raise UserError(f"the teacher {read.path} knows {_few(theirs)}, and this run learns {_few(ours)}; {hint}")


def _assigned(text):
    """The value of `key=value` as --set reads it, None where it can't."""
    try:
        return parse_assignment(text)[1]
    except UserError:
        return None


def _adapters(shapes):
    return {name: tuple(shape) for name, shape in shapes.items() if name.startswith(OF_TRAINING)}


def _joined(strides):
    return ", ".join(map(str, sorted(strides)))


def _few(classes):
    return f"{len(classes)} classes, {first_few(classes)}"
