import shlex

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.recipes.load import parse_assignment, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training.distill import Teacher, absolute, check_there, open_teacher, with_teacher
from trizoo.weights.checkpoint import Checkpoint, save

CLASSES = ("circle", "square")


class Framework(FakeFramework):
    """One whose models have features at the strides that it is made with: the student's first, then the teacher's."""

    def __init__(self, *strides):
        super().__init__()
        self.strides = list(strides)

    def feature_channels(self, model):
        return self.strides.pop(0)

    def add_adapters(self, model, channels, device):
        self.added = channels

    def teacher(self, model, strides, precision, device):
        return lambda images: (["outputs", "of", "three"], [f"features at {stride}" for stride in strides])


@pytest.fixture
def teacher(tmp_path):
    """A function: a model's name and changes of its recipe -> the path of a checkpoint of it."""

    def make(name="yolov3-tiny", classes=CLASSES, **changes):
        framework, spec = FakeFramework(), model_spec(name, len(classes))
        recipe = Recipe(model={"name": name}, classes=classes, loss={"kind": spec.family}, **changes)
        arrays = {}
        if spec.family == "yolo":
            arrays = pseudo_arrays(framework.shapes(framework.build(spec, "cpu")))
        path = tmp_path / "teacher.h5"
        save(
            path,
            Checkpoint(model=arrays or pseudo_arrays({"any.bias": (1,)}), recipe=to_dict(recipe), framework="fake"),
        )
        return str(path)

    return make


def student(teacher, name="yolov3-tiny", classes=CLASSES, size=(64, 64), loss=None, **distill):
    options = {"teacher": teacher, **distill}
    return Recipe(
        model={"name": name}, classes=classes, input_size=size, distill=options, loss=loss or {"kind": "yolo"}
    )


def opened(recipe):
    lines = []
    return open_teacher(FakeFramework(), recipe, "cpu", lines.append), lines


def test_a_run_without_one_has_none():
    assert opened(Recipe(classes=CLASSES)) == (None, [])


def test_a_teacher_is_told_of(teacher):
    path = teacher()
    found, lines = opened(student(path, features=0.5))
    assert lines == [f"teacher: {path}, yolov3-tiny, teaches its outputs and its features"]
    assert found.spec == model_spec("yolov3-tiny", 2)
    assert found.outputs == [0, 1]


def test_classes_in_another_order_are_told_with_what_puts_them_right(teacher):
    with pytest.raises(
        UserError, match=r"knows 2 classes, square, circle, and .*--set classes='\[square, circle\]' puts"
    ):
        opened(student(teacher(classes=("square", "circle"))))


def test_the_words_that_put_classes_right_mean_the_teachers_classes_whatever_they_are_called(teacher):
    theirs = ("no", "cat, big", "1", "it's")
    with pytest.raises(UserError) as caught:
        opened(student(teacher(classes=theirs), classes=theirs[::-1]))
    words = shlex.split(str(caught.value).partition("--set ")[2])
    assert parse_assignment(words[0])[:2] == ("classes", list(theirs))


def test_a_teacher_of_other_classes_is_refused_for_its_outputs_and_taken_for_its_features(teacher):
    path = teacher(classes=("circle", "square", "star"))
    with pytest.raises(UserError, match="knows 3 classes, circle, square, star, and this run learns 2 classes"):
        opened(student(path))
    found, lines = opened(student(path, outputs=0, features=1))
    assert (found.spec, found.outputs) == (None, [])
    assert lines == [f"teacher: {path}, yolov3-tiny, teaches its features"]


def test_a_teacher_of_another_family_is_refused_with_what_would_do(teacher):
    with pytest.raises(
        UserError, match="retinanet-resnet18 can't learn the outputs of the teacher yolov3-tiny; another"
    ):
        opened(student(teacher(classes=CLASSES[::-1]), "retinanet-resnet18", loss={"kind": "retinanet"}))


def test_a_teacher_that_takes_no_such_size_is_refused(teacher):
    path = teacher()
    recipe = student(path, "retinanet-resnet18", size=(100, 100), loss={"kind": "retinanet"}, outputs=0, features=1)
    with pytest.raises(
        UserError, match=r"the teacher .* sees the model's images: input size 100x100 doesn't fit yolov3-tiny"
    ):
        opened(recipe)


@pytest.mark.parametrize(
    ("name", "theirs", "sizes", "loss"),
    [
        ("ssd300-mobilenetv2", "yolov3-tiny", (300, 416), "ssd"),
        ("yolov3-tiny", "ssd300-mobilenetv2", (416, 300), "yolo"),
    ],
)
def test_another_teacher_alone_is_advised_where_two_models_take_no_size_in_common(teacher, name, theirs, sizes, loss):
    """Its features are learned of images of one size, too."""
    (size, path) = sizes[:1] * 2, teacher(theirs, input_size=sizes[1:] * 2)
    with pytest.raises(UserError, match=f"which takes no images of a size that {name} takes; another teacher would do"):
        opened(student(path, name, size=size, loss={"kind": loss}))


def test_a_size_that_the_teacher_does_not_take_is_told_before_its_outputs(teacher):
    recipe = student(teacher(), "retinanet-resnet18", size=(100, 100), loss={"kind": "retinanet"})
    with pytest.raises(UserError, match="input size 100x100 doesn't fit yolov3-tiny"):
        opened(recipe)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "note.h5").write_text("no checkpoint")
    with pytest.raises(UserError, match=r"note\.h5 is no HDF5 file"):
        opened(student(str(tmp_path / "note.h5")))


def test_features_are_learned_where_both_backbones_have_them_from_stride_8_on():
    recipe = student("t.h5", features=1.0)
    framework = Framework({4: 16, 16: 24, 32: 40}, {4: 64, 8: 128, 32: 512})
    taught = Teacher(framework, "model", None, [], recipe.distill, "fp32", "cpu")
    assert taught.adapt("student") == (32,)
    assert framework.added == {32: 512}


def test_backbones_without_a_stride_in_common_are_told():
    recipe = student("t.h5", features=1.0)
    taught = Teacher(Framework({4: 16, 16: 24}, {4: 64, 32: 512}), "model", None, [], recipe.distill, "fp32", "cpu")
    with pytest.raises(UserError, match="features at strides 4, 32, and the model's at 4, 16; another teacher"):
        taught.adapt("student")


def resumed(crc32, notes, had, shapes):
    """What is said where a run with such arrays and notes is resumed with a teacher."""
    lines, taught = [], Teacher(None, None, None, [], student("t.h5").distill, "fp32", "cpu", crc32)
    arrays = {name: np.zeros(shape, np.float32) for name, shape in had.items()}
    checkpoint = Checkpoint(model=arrays, recipe={}, framework="fake", state={"notes": notes})
    taught.check_resumed(checkpoint, shapes, lines.append)
    return lines


def test_a_resumed_runs_teacher_is_told_of_where_it_is_another_one():
    shapes = {"adapters.convs.0.bias": (8,), "head.bias": (3,)}
    assert resumed(5, {"teacher_crc32": 5}, shapes, shapes) == []
    assert resumed(5, {}, shapes, shapes) == []  # of 0.8.0, which noted none
    assert resumed(6, {"teacher_crc32": 5}, shapes, shapes) == [
        "warning: the teacher t.h5 is another one than this run had before, or was trained further"
    ]


def test_a_resumed_runs_teacher_with_other_features_is_refused_in_words_of_a_teacher():
    had = {"adapters.convs.0.bias": (8,), "head.bias": (3,)}
    for shapes in ({"adapters.convs.0.bias": (16,), "head.bias": (3,)}, {"head.bias": (3,)}):
        with pytest.raises(UserError, match=r"features of the teacher t\.h5 are others than this run has learned"):
            resumed(5, {}, had, shapes)


def test_a_teacher_that_is_gone_is_told_before_anything_is_loaded(tmp_path):
    gone = tmp_path / "gone.h5"
    with pytest.raises(UserError, match=r"the teacher '.*gone\.h5' isn't there; --teacher FILE says where"):
        check_there(student(str(gone)))
    gone.touch()
    check_there(student(str(gone)))
    check_there(Recipe())


def test_another_teacher_is_put_into_a_recipe_and_checked():
    assert with_teacher(Recipe(), "a.h5", "here").distill.teacher == "a.h5"
    recipe = Recipe(distill={"outputs": 0})
    with pytest.raises(UserError, match="here: distill: outputs and features are both 0"):
        with_teacher(recipe, "a.h5", "here")


def test_features_alone_of_no_stride_in_common_need_another_teacher():
    recipe = student("t.h5", outputs=0, features=1.0)
    taught = Teacher(Framework({4: 16, 16: 24}, {4: 64, 32: 512}), "model", None, [], recipe.distill, "fp32", "cpu")
    with pytest.raises(UserError, match="the model's at 4, 16; another teacher would do"):
        taught.adapt("student")


def test_what_is_not_learned_of_a_teacher_is_not_among_the_targets():
    from trizoo.training.batch import Batch

    recipe, framework = student("t.h5"), Framework()
    taught = Teacher(framework, "model", "spec", [2, 0], recipe.distill, "fp32", "cpu")
    assert taught.adapt("student") == ()
    batch = taught(Batch([1, 2], {"boxes": 3}, ["a", "b"], 7))
    assert batch.targets == {
        "boxes": 3,
        "num_taught": 2,
        "teacher_output_0": "three",
        "teacher_output_1": "outputs",
    }


def test_the_room_of_a_teacher_is_that_of_its_parameters_of_what_is_learned_and_of_its_pass():
    framework, recipe = Framework({4: 16, 16: 24, 32: 40}, {4: 64, 8: 128, 32: 512}), student("t.h5", features=1.0)
    framework.trace = lambda spec, size: ([("a", (32, 32, 16)), ("b", (4, 4, 9))], [(4, 4, 5), (2, 2, 7)])
    taught = Teacher(framework, "model", "spec", [1], recipe.distill, "fp32", "cpu", whole="whole", values=1000)
    taught.adapt("student")
    found = taught.room((64, 32))
    assert found.parameters == 4 * 1000
    assert found.kept_by_image == 4 * (2 * 2 * 7 + 2 * 1 * 512)  # the second output, and features at stride 32
    assert found.held_by_image == 4 * 3 * 32 * 32 * 16


def test_a_recipes_teacher_has_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute(student("runs/t.h5")).distill.teacher == str(tmp_path / "runs" / "t.h5")
    assert absolute(Recipe()).distill.teacher is None


def test_a_temperature_that_no_float_stands_and_a_blank_teacher_are_refused():
    for temperature in (1e30, 1e-30):
        with pytest.raises(ValueError, match="than or equal to"):
            student("t.h5", temperature=temperature)
    with pytest.raises(ValueError, match="teacher is ' '; the path of a checkpoint"):
        student(" ")


def test_features_without_a_teacher_are_refused():
    with pytest.raises(ValueError, match="features is 1, and there is no teacher; --teacher FILE says which"):
        student(None, features=1)


def test_a_teacher_that_teaches_nothing_is_refused():
    with pytest.raises(ValueError, match="outputs and features are both 0, so the teacher teaches nothing"):
        student("t.h5", outputs=0)
