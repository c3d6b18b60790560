"""The table of formats; and that a format is one function and one line in it, with nothing else to be edited."""

import numpy as np
import pytest
from PIL import Image

from trizoo.augment.letterbox import fit
from trizoo.data.boxes.find import FINDERS, NoBoxesError, find_boxes
from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing, Lists
from trizoo.data.check import check
from trizoo.data.ids import image_files
from trizoo.data.reading import Problem
from trizoo.data.splits import split_up
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.tests.voc_files import add, thing
from trizoo.training.batch import batch_plan
from trizoo.training.data import final_set, open_data
from trizoo.training.dataset import TrainingSet


def find_mine(root, images=None, annotations=None):
    """Lines of mine.txt: an image's id, then a name and the corners in shares of its sides, or nothing."""
    path = root / "mine.txt"
    if not path.is_file():
        return None
    objects, problems = {}, {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        id, *described = line.split()
        objects.setdefault(id, [])
        if len(described) == 5:
            name, *corners = described
            objects[id].append(AnnotatedObject(name, tuple(map(float, corners)), where=f"line {number}"))
        elif described:
            problems.setdefault(id, []).append(Problem("half a box", path, f"line {number} is left out"))

    def read(id):
        return Annotation(path, tuple(objects[id]), tuple(problems.get(id, ())), relative=True)

    splits, notes, others = split_up(root, objects, {}, "boxes")
    annotations = dict.fromkeys(objects, path)
    return Listing(root, "mine", image_files(root), annotations, read, Lists(splits, notes=notes), problems=others)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Writes a data set of 80x40 pictures in the made-up format: {id: [what stands after it on a line, …]}."""
    monkeypatch.setitem(FINDERS, "mine", find_mine)

    def write(**images):
        lines = []
        for id, objects in images.items():
            path = tmp_path / id.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (80, 40), (90, 120, 60)).save(path.with_suffix(".jpg"))
            lines += [f"{id.replace('__', '/')} {described}" for described in objects or [""]]
        (tmp_path / "mine.txt").write_text("\n".join(lines), encoding="utf-8")
        return tmp_path

    return write


BOXES = {
    "train__a": ["cat 0.1 0.1 0.5 0.5", "dog 0 0 1 1"],
    "train__b": [],
    "train__c": ["dog 0.25 0.5 0.75 1"],
    "val__d": ["cat 0.5 0.5 1 1"],
    "test__e": ["dog 0 0 0.5 0.5"],
}


def kinds(report):
    return {(finding.severity, finding.kind): finding.count for finding in report.findings}


def test_a_made_up_format_is_found_opened_and_split(mine):
    listing = find_boxes(mine(**BOXES))
    assert (listing.layout, {name: len(ids) for name, ids in listing.splits.items()}) == (
        "mine",
        {"train": 3, "val": 1, "test": 1},
    )
    data = listing.open("train")
    assert (data.classes, data.problems, data.notes) == (("cat", "dog"), [], [])
    # 80x40 pixels: shares of 0.1, 0.1, 0.5, 0.5 are 8, 4, 40, 20
    np.testing.assert_allclose(data.records[0].boxes, [[8, 4, 40, 20], [0, 0, 80, 40]])
    assert [record.labels.tolist() for record in data.records] == [[0, 1], [], [1]]
    with pytest.raises(UserError, match=r"mine\.txt, line 1: unknown class 'cat', did you mean 'cats'\?; the classes"):
        listing.open("train", ["cats", "dog"])
    with pytest.raises(UserError, match="has no split 'trian'; there are test, train, val"):
        listing.open("trian")


def test_a_made_up_format_is_trained_on_and_measured(mine):
    said = []
    recipe = Recipe(model={"name": "yolov3-tiny"}, data={"root": str(mine(**BOXES))}, input_size=(64, 64))
    recipe, sources = open_data(recipe, said.append)
    assert recipe.classes == ("cat", "dog")
    assert "3 images to train on (train), classes: cat, dog" in said[0]
    assert (sources.validation.split, sources.test.split) == ("val", "test")
    training = TrainingSet(sources.training, sources.members, recipe, model_spec("yolov3-tiny", 2))
    batch = training(batch_plan(0, 0, 0, 3, len(training), recipe.seed))
    assert (batch.images.shape, sorted(batch.ids)) == ((3, 64, 64, 3), ["train/a", "train/b", "train/c"])
    assert fit((80, 40), (64, 64), "letterbox").resized == (64, 32)

    def pipeline(paths):
        """Finds the box of val/d, and nothing else."""
        for _ in paths:
            yield Detections(np.array([[40, 20, 80, 40]], np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))

    metrics, _ = final_set(recipe, "val").measure(pipeline)
    assert metrics["per_class"]["cat"]["AP50"] == 1


def test_a_made_up_format_is_checked(mine):
    report = check(mine(**BOXES))
    assert report.findings == ()
    assert report.splits["train"] == {"images": 3, "objects": 3, "without_objects": 1}
    assert report.classes == {"dog": {"objects": 3, "images": 3}, "cat": {"objects": 2, "images": 2}}
    assert report.image_sizes == {"80x40": 5}
    # sides: sqrt(32 * 16) = 22.6, sqrt(80 * 40) = 56.6, sqrt(40 * 20) = 28.3 three times
    assert (report.box_sizes["smallest"], report.box_sizes["median"], report.box_sizes["largest"]) == (
        22.63,
        28.28,
        56.57,
    )
    assert (report.box_sizes["small"], report.box_sizes["medium"], report.box_sizes["large"]) == (4, 1, 0)
    unknown = check(mine(**BOXES), ["Cat", "dog"])
    assert kinds(unknown) == {("error", "unknown class"): 2}
    assert unknown.findings[0].examples[0] == ("mine.txt: line 1: 'cat' is not among the classes, did you mean 'Cat'?")


def test_what_is_wrong_in_a_made_up_format_is_found(mine):
    objects = {
        "train__a": ["cat 0.1 0.1 0.5 0.5", "cat 0.5 0.5 1.5 1", "cat 2 2 3 3", "cat 0.5 0.5", "Cat 0 0 1 1"],
        "train__b": ["cat 0 0 0 1"],
        "val__c": ["dog 0 0 1 1"] * 2,
        "val__d": [],
        "val__e": [],
    }
    root = mine(**objects)
    (root / "train.txt").write_text("a\nb\n", encoding="utf-8")
    (root / "val.txt").write_text("b\nc\n", encoding="utf-8")
    (root / "val" / "d.jpg").unlink()
    (root / "val" / "e.jpg").write_bytes((root / "val" / "e.jpg").read_bytes()[:-40])
    report = check(root)
    assert kinds(report) == {
        ("error", "missing image"): 1,
        ("error", "overlapping splits"): 1,
        ("error", "unreadable image"): 1,
        ("warning", "half a box"): 1,
        ("warning", "object twice"): 1,
        ("warning", "annotation in no split"): 2,
        ("warning", "image in no split"): 1,
        ("warning", "box outside the image"): 3,
        ("warning", "similar class names"): 1,
    }
    examples = {finding.kind: finding.examples for finding in report.findings}
    assert examples["overlapping splits"] == ("split train: val has 1 of its images too, like train/b",)
    assert examples["missing image"] == (f"mine.txt: val/d has no image in {root.name}",)
    assert examples["box outside the image"][0] == (
        "mine.txt: line 2: cat (40, 20, 120, 40) lies outside the 80x40 image and is clipped"
    )
    data = find_boxes(root).open("train")
    assert [problem.kind for problem in data.problems] == ["half a box"] + ["box outside the image"] * 3
    with pytest.raises(UserError, match=r"^1 of 5 images have no file in .*: val/d$"):
        find_boxes(root).open()


def test_a_layout_with_annotations_comes_before_one_without(mine, tmp_path):
    for name in ("JPEGImages", "SegmentationClass"):
        (tmp_path / name).mkdir()
    assert find_boxes(tmp_path).layout == "voc"  # all that there is: a check says what it lacks
    root = mine(**BOXES)
    assert find_boxes(root).layout == "mine"
    assert find_boxes(root, "voc").annotations == {}
    add(root, "a", thing("cat", 1, 1, 9, 9))
    assert find_boxes(root).layout == "voc"
    assert find_boxes(root, "mine").layout == "mine"


def test_classes_that_a_format_states_keep_their_order_and_are_all_there_are(mine, monkeypatch):
    root = mine(**BOXES)
    found = find_mine(root)
    listing = Listing(root, "mine", found.images, found.annotations, found.read, found.lists, ("dog", "emu", "cat"))
    monkeypatch.setitem(FINDERS, "mine", lambda *places: listing)
    assert find_boxes(root).open("val").classes == ("dog", "emu", "cat")
    assert check(root).findings == ()
    listing = Listing(root, "mine", found.images, found.annotations, found.read, found.lists, ("dog", "emu"))
    assert kinds(check(root)) == {("error", "unknown class"): 2}


def test_where_nothing_is_found_it_says_what_was_looked_for_and_what_is_there(tmp_path, mine):
    (tmp_path / "images").mkdir()
    (tmp_path / "a.csv").touch()
    with pytest.raises(NoBoxesError) as caught:
        find_boxes(tmp_path)
    assert str(caught.value) == (
        f"no data set with boxes in {tmp_path}: annotations of the layouts {', '.join(FINDERS)} were looked for, in it "
        f"and the folders below; it holds a.csv, images/; --images and --annotations name folders that weren't found, "
        f"--layout what they hold"
    )
    with pytest.raises(NoBoxesError, match=r"annotations of the layout mine were looked for, in it .*; it holds a"):
        find_boxes(tmp_path, "mine")
    with pytest.raises(UserError, match=r"the layout is 'yours'; one of voc, .*mine is needed"):
        find_boxes(tmp_path, "yours")
    with pytest.raises(UserError, match="does not exist"):
        find_boxes(tmp_path / "none")


def test_task_takes_the_layout_of_the_recipe(mine):
    recipe = Recipe(data={"root": str(add(mine(**BOXES), "x", thing("cow", 1, 1, 9, 9)))})
    task = task_of("yolov3-tiny")
    assert task.find(recipe.data).layout == "voc"
    # a Literal of what is in the tables when the schema is made, so the made-up one is put there past it
    assert task.find(recipe.data.model_copy(update={"layout": "mine"})).layout == "mine"


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"


@pytest.mark.parametrize(
    "name",
    [
        "train_labels.csv",
        "a.tsv",
        "train/_annotations.coco.json",
        "annotations.json",
        "annotations/train.json",
        "2007_train.txt",
    ],
)
def test_a_pointer_in_place_of_annotations_is_named(tmp_path, name):
    Image.new("RGB", (80, 40)).save(tmp_path / "a.jpg")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(POINTER, encoding="utf-8")
    with pytest.raises(UserError, match=rf"{name} is a Git LFS pointer and not the file itself; `git lfs pull` fetch"):
        find_boxes(tmp_path)


@pytest.mark.parametrize("lost", ["b.xml", "b.json", "b.txt", "data.csv", "classes.csv"])
def test_a_pointer_beside_annotations_of_other_images_is_an_error_of_the_check(tmp_path, lost):
    for id in "ab":
        Image.new("RGB", (80, 40), (90, 120, 60)).save(tmp_path / f"{id}.jpg")
    written = {
        ".xml": f"<annotation>{thing('cat', 1, 1, 9, 9)}</annotation>",
        ".json": '{"shapes": [{"label": "cat", "points": [[1, 1], [9, 9]], "shape_type": "rectangle"}]}',
        ".txt": "0 0.5 0.5 0.5 0.5\n",
        ".csv": "filename,xmin,ymin,xmax,ymax,class\na.jpg,1,1,9,9,cat\n",
    }
    suffix = (tmp_path / lost).suffix
    (tmp_path / f"a{suffix}").write_text(written[suffix], encoding="utf-8")
    (tmp_path / lost).write_text(POINTER, encoding="utf-8")
    try:
        told = str(check(tmp_path).errors)
    except UserError as error:
        told = str(error)
    assert f"{lost} is a Git LFS pointer" in told or f"{lost}: is a Git LFS pointer" in told


def test_a_pointer_that_a_person_names_is_told(tmp_path):
    Image.new("RGB", (80, 40)).save(tmp_path / "a.jpg")
    (tmp_path / "mine.xml").write_text(POINTER, encoding="utf-8")
    with pytest.raises(UserError, match=r"mine\.xml is a Git LFS pointer"):
        find_boxes(tmp_path, annotations="mine.xml")
