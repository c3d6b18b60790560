import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.find import FINDERS as OF_BOXES
from trizoo.data.boxes.find import find_boxes
from trizoo.data.boxes.points import LAYOUTS as OF_POINTS
from trizoo.data.check import check
from trizoo.data.convert import convert
from trizoo.data.masks.find import FINDERS as OF_MASKS
from trizoo.data.masks.find import find_masks
from trizoo.data.synthetic import synthesize
from trizoo.data.write.formats import WRITERS
from trizoo.ground.errors import UserError
from trizoo.tests.bccd import BCCD, needs_bccd
from trizoo.tests.mask_files import write_masks
from trizoo.tests.voc_files import add, add_list, thing

COLOURS = np.array([[0, 0, 0], [0, 200, 0], [200, 0, 0]], np.uint8)
PALETTE = tuple(map(tuple, COLOURS.tolist()))
EXACT = {"voc", "coco", "labelme"}


@pytest.fixture
def root(tmp_path):
    """Masks in colours, in folders of splits that use the same names."""
    root = tmp_path / "in put"
    for split, name, row in (("train", "a", [0, 1, 2]), ("train", "图", [1, 1, 0]), ("val", "a", [2, 2, 2])):
        for folder in ("images", "masks"):
            (root / split / folder).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2), (9, 9, 9)).save(root / split / "images" / f"{name}.JPG")
        Image.fromarray(COLOURS[[row, row]]).save(root / split / "masks" / f"{name}_mask.png")
    return root


@pytest.fixture
def animals(tmp_path):
    """Boxes in VOC's layout with the splits train, val and trainval, and an image in none."""
    root = tmp_path / "animals"
    add(root, "a", thing("cat", 1, 1, 9, 9) + thing("dog", 2, 2, 8, 8, "<difficult>1</difficult>"))
    add(root, "b", thing("dog", 1, 1, 9, 9))
    add(root, "图 c", thing("kitten", 5, 5, 20, 20))
    add(root, "empty")
    add(root, "rest", thing("cat", 3, 3, 7, 7))
    add_list(root, "train", ["b", "图 c", "empty"])
    add_list(root, "val", ["a"])
    add_list(root, "trainval", ["a", "b", "图 c", "empty"])
    return root


def test_masks_in_colours_become_palette_files_with_lists(root, tmp_path):
    out = tmp_path / "out"
    done = convert(root, out, classes=["ground", "tree", "car"], palette=PALETTE)
    assert done.classes == ("ground", "tree", "car")
    assert (done.layout, done.task, done.images, done.splits) == ("voc", "segmentation", 3, {"train": 2, "val": 1})
    assert find_masks(out).splits == {"train": ["train_a", "图"], "val": ["val_a"]}
    source = root / "train" / "images" / "图.JPG"
    assert (out / "JPEGImages" / "图.jpg").read_bytes() == source.read_bytes()
    assert find_masks(out).open("val").sample(0).mask.tolist() == [[2, 2, 2]] * 2
    assert check(out).findings == ()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_labelme_becomes_masks_where_it_is_told_to_and_boxes_else(tmp_path):
    root = tmp_path / "in"
    root.mkdir()
    for name in "ab":
        Image.new("RGB", (6, 4)).save(root / f"{name}.png")
        shapes = [{"label": "cell", "points": [[0, 0], [6, 0], [6, 2], [0, 2]]}]
        (root / f"{name}.json").write_text(json.dumps({"imagePath": f"{name}.png", "shapes": shapes}), encoding="utf-8")
    done = convert(root, tmp_path / "out", task="segmentation")
    assert done.classes == ("background", "cell")
    data = find_masks(tmp_path / "out").open()
    assert data.sample(0).mask.tolist() == [[1] * 6] * 2 + [[0] * 6] * 2
    assert sorted(data.splits) == ["train", "val"]
    assert data.notes == []  # the split by hash is in lists now
    assert convert(root, tmp_path / "boxes", layout="labelme").classes == ("cell",)
    assert find_boxes(tmp_path / "boxes").open().records[0].boxes.tolist() == [[0, 0, 6, 2]]


def test_nothing_is_written_over_and_nothing_is_left_behind(root, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(UserError, match="is there already, and nothing is written over"):
        convert(root, out, palette=PALETTE)
    with pytest.raises(UserError, match="is in colours"):
        convert(root, tmp_path / "new")
    for inside in (root / "new", root, root / "train" / ".." / "new"):
        with pytest.raises(UserError, match=r"lies in the data set|is there already"):
            convert(root, inside, palette=PALETTE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in put", "out"]
    assert [path.name for path in out.iterdir()] == ["mine"]


def test_a_folder_in_that_of_the_images_is_refused_too(animals, tmp_path):
    images = tmp_path / "elsewhere"
    (animals / "JPEGImages").rename(images)
    with pytest.raises(UserError, match=r"lies in the data set .*elsewhere itself"):
        convert(animals, images / "out", images=str(images))
    link = tmp_path / "link"
    link.symlink_to(animals)
    with pytest.raises(UserError, match="lies in the data set"):
        convert(animals, link / "out", images=str(images))


@pytest.mark.parametrize("to", [*WRITERS])
def test_what_fails_half_way_leaves_nothing(animals, tmp_path, to, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trizoo.data.write.content.shutil.copyfile", full)
    monkeypatch.setattr("trizoo.data.write.shards.tarfile.copyfileobj", full)
    with pytest.raises(UserError, match=r"data set .*out can't be written: No space left on device"):
        convert(animals, tmp_path / "out", to)
    assert [path.name for path in tmp_path.iterdir()] == ["animals"]


def test_an_empty_folder_may_be_there(root, tmp_path):
    (tmp_path / "out").mkdir()
    assert convert(root, tmp_path / "out", palette=PALETTE).images == 3


def test_names_that_would_be_one_get_numbers(root, tmp_path):
    for folder, ending in (("images", ""), ("masks", "_mask")):
        path = root / "train" / folder / f"train_a{ending}.png"
        Image.fromarray(COLOURS[np.zeros((2, 3), int)]).save(path)
    convert(root, tmp_path / "out", palette=PALETTE)
    names = sorted(path.name for path in (tmp_path / "out" / "JPEGImages").iterdir())
    assert names == ["train_a.jpg", "train_a_2.png", "val_a.jpg", "图.jpg"]


def boxes_of(root, layout, classes):
    """Name -> sorted (label, corners) of all images, and split -> sorted names."""
    index = find_boxes(root, layout).index
    found = {}
    for record in index.open(None, classes).records:
        corners = [tuple(box) for box in record.boxes.tolist()]
        found[record.id.rpartition("/")[2]] = sorted(zip(record.labels.tolist(), corners, strict=True))
    return found, {split: sorted(id.rpartition("/")[2] for id in ids) for split, ids in index.splits.items()}


def same_boxes(one, other, tolerance):
    assert one.keys() == other.keys()
    for name, objects in one.items():
        assert [label for label, _ in objects] == [label for label, _ in other[name]], name
        corners = [np.array([box for _, box in side]).reshape(-1, 4) for side in (objects, other[name])]
        np.testing.assert_allclose(*corners, rtol=0, atol=tolerance)


@pytest.mark.parametrize("to", [name for name in WRITERS if name in OF_BOXES and name not in OF_POINTS])
def test_boxes_read_back_by_the_reader_of_their_layout(animals, tmp_path, to):
    done = convert(animals, tmp_path / "out", to)
    assert (done.task, done.classes) == ("detection", ("cat", "dog", "kitten"))
    before, splits = boxes_of(animals, "voc", done.classes)
    after, read = boxes_of(tmp_path / "out", to, done.classes)
    if to in ("coco", "yolo"):
        assert "images in no split are left out: 1" in done.notes
        del before["rest"]
    if to == "yolo":
        del splits["trainval"]
    assert read == splits
    same_boxes(before, after, 0 if to in EXACT else 0.01)


MARKS = {"a": [("pin", 10.25, 20), ("hole", 59.5, 0.5), ("pin", 1.125, 39)], "b": [], "c": [("hole", 30, 30)]}


@pytest.fixture
def strip(tmp_path):
    """A table of points, some of them at the images' edges, and an image without any."""
    root = tmp_path / "strip"
    root.mkdir()
    lines = ["image,x,y,class"]
    for id, marks in MARKS.items():
        Image.new("RGB", (60, 40)).save(root / f"{id}.png")
        lines += [f"{id}.png,{x},{y},{name}" for name, x, y in marks] or [f"{id}.png,,,"]
    (root / "train.csv").write_text("\n".join(lines), encoding="utf-8")
    return root


def marks_in(root, layout):
    index = find_boxes(root, layout).index
    data = index.open(None)
    return {
        record.id.rpartition("/")[2]: [
            (data.classes[label], *((box[:2] + box[2:]) / 2).tolist())
            for box, label in zip(record.boxes.astype(np.float64), record.labels, strict=True)
        ]
        for record in data.records
    }


@pytest.mark.parametrize("to", [name for name in WRITERS if name in OF_BOXES])
def test_points_stay_where_they_are_in_every_layout(strip, tmp_path, to):
    done = convert(strip, tmp_path / "out", to)
    assert (done.images, done.classes) == (3, ("hole", "pin"))
    assert not any("left out" in note for note in done.notes)
    read = marks_in(tmp_path / "out", to)
    assert read.keys() == MARKS.keys()
    for id, marks in MARKS.items():
        assert [name for name, *_ in read[id]] == [name for name, *_ in marks]
        places = [np.array([place for _, *place in side]).reshape(-1, 2) for side in (read[id], marks)]
        np.testing.assert_allclose(*places, rtol=0, atol=1e-4 if to in OF_POINTS else 0.006)
    index = find_boxes(tmp_path / "out", to).index
    assert {name: len(ids) for name, ids in index.splits.items() if len(ids)} == {"train": 3}
    if to not in OF_POINTS:  # boxes that labelling tools show
        widths = np.diff(index.boxes[:, ::2]).ravel()
        assert widths.max() == 20.5
        assert 1 < widths.min() < 3


def test_boxes_become_their_centres_in_a_table_of_points(animals, tmp_path):
    done = convert(animals, tmp_path / "out", "points")
    assert done.splits == {"train": 3, "val": 1}
    assert "images in no split are left out: 1" in done.notes
    assert "tables of points have no flag for difficult objects, so these are like others: 1" in done.notes
    text = (tmp_path / "out" / "val.csv").read_text(encoding="utf-8")
    assert text == "image,x,y,class\nimages/a.jpg,4.5,4.5,cat\nimages/a.jpg,4.5,4.5,dog\n"
    assert marks_in(tmp_path / "out", "points")["empty"] == []


def test_masks_have_no_points(root, tmp_path):
    with pytest.raises(UserError, match="tables of points hold no masks"):
        convert(root, tmp_path / "out", "points", palette=PALETTE)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", [name for name in WRITERS if name in OF_MASKS])
def test_masks_read_back_by_the_reader_of_their_layout(tmp_path, to):
    synthesize(tmp_path / "in", images=6, size=(48, 40))
    done = convert(tmp_path / "in", tmp_path / "out", to, task="segmentation")
    source, read = find_masks(tmp_path / "in"), find_masks(tmp_path / "out", to)
    assert {name: len(ids) for name, ids in read.splits.items()} == {
        name: len(ids) for name, ids in source.splits.items() if ids
    }
    for split in read.splits:
        before, after = source.open(split), read.open(split, done.classes)
        for place in range(len(after)):
            mask = before.mask(place)
            np.testing.assert_array_equal(after.mask(place), np.where(mask == 255, 0, mask) if to == "yolo" else mask)


def grey_masks(root, names, values):
    """Four images with masks of these values in all shapes, and labels.txt where there are names; -> id: mask."""
    drawn = {}
    for seed in range(4):
        drawn["abcd"[seed]] = np.random.default_rng(seed).choice(np.array(values, np.uint8), (9, 11))
    write_masks(root, drawn)
    if names:
        (root / "labels.txt").write_text("\n".join(names), encoding="utf-8")
    return drawn


@pytest.mark.parametrize("to", [name for name in WRITERS if name in OF_MASKS])
@pytest.mark.parametrize("values", [(0, 1, 2), (0, 2), (1, 2, 255)], ids=["all", "gap", "ignored"])
@pytest.mark.parametrize(
    "names",
    [("bg", "cat", "dog"), ("wall", "dog", "cat"), ("background", "dog", "cat"), None],
    ids=["bg", "wall", "background", "unnamed"],
)
def test_masks_of_any_first_class_come_back_through_every_layout(tmp_path, to, values, names):
    if names is None and values != (0, 1, 2):
        values = (0, 1, 2, 255)
    drawn = grey_masks(tmp_path / "in", names, values)
    done = convert(tmp_path / "in", tmp_path / "between", to, task="segmentation")
    assert done.classes == (names or ("class_0", "class_1", "class_2"))
    back = convert(tmp_path / "between", tmp_path / "out", task="segmentation", layout=to)
    assert back.classes == done.classes
    read = find_masks(tmp_path / "out").open()
    assert read.classes == done.classes
    for place, record in enumerate(read.records):
        mask = drawn[record.id]
        if to == "yolo" and names and names[0] == "background":
            mask = np.where(mask == 255, 0, mask)
        np.testing.assert_array_equal(read.mask(place), mask)


def test_a_background_that_is_not_class_0_is_told(tmp_path):
    drawn = grey_masks(tmp_path / "in", ("cat", "background"), (0, 1))
    done = convert(tmp_path / "in", tmp_path / "coco", "coco", task="segmentation")
    assert any(note.startswith("the background, which isn't class 0 here, is class 0 of") for note in done.notes)
    read = find_masks(tmp_path / "coco").open()
    assert read.classes == ("background", "cat")
    np.testing.assert_array_equal(read.mask(0), 1 - drawn[read.records[0].id.rpartition("/")[2]])
    assert not any("isn't class 0" in note for note in convert(tmp_path / "in", tmp_path / "voc").notes)


def test_a_class_map_renames_merges_and_leaves_out(animals, tmp_path):
    done = convert(animals, tmp_path / "out", classes_map={"kitten": "cat", "dog": ""})
    assert done.classes == ("cat",)
    data = find_boxes(tmp_path / "out").open()
    assert {record.id: record.labels.tolist() for record in data.records} == {
        "a": [0],
        "b": [],
        "empty": [],
        "rest": [0],
        "图 c": [0],
    }
    with pytest.raises(UserError, match=r"'kiten', which no object is, did you mean 'kitten'\?; the annotations have"):
        convert(animals, tmp_path / "new", classes_map={"kiten": "cat"})


def test_the_summary_counts_what_was_written(animals, tmp_path):
    assert convert(animals, tmp_path / "voc").splits == {"train": 3, "val": 1, "trainval": 4}
    done = convert(animals, tmp_path / "yolo", "yolo")
    assert (done.images, done.splits) == (4, {"train": 3, "val": 1})
    done = convert(animals, tmp_path / "coco", "coco")
    assert (done.images, done.splits) == (4, {"train": 3, "val": 1, "trainval": 4})


def test_files_that_get_another_name_are_counted(tmp_path):
    for name in (" a", "b #1", "cafe\u0301", "d"):
        add(tmp_path / "set", name, thing("cat", 1, 1, 9, 9))
    done = convert(tmp_path / "set", tmp_path / "out")
    assert "files that get another name, such as 'a' for ' a': 3" in done.notes
    assert {path.name for path in (tmp_path / "out" / "JPEGImages").iterdir()} == {
        *("a.jpg", "b _1.jpg", "caf\xe9.jpg", "d.jpg")
    }
    assert not any("another name" in note for note in convert(tmp_path / "out", tmp_path / "again").notes)


def test_classes_that_labelme_knows_as_none_are_told(animals, tmp_path):
    done = convert(animals, tmp_path / "out", "labelme", classes_map={"kitten": "__ignore__"})
    assert "labelme's readers take __ignore__ for no class and leave its objects out: 1" in done.notes
    assert not any("no class" in note for note in convert(animals, tmp_path / "all", "labelme").notes)


@pytest.mark.parametrize("to", ["voc", "labelme"])
def test_the_order_of_classes_is_kept(animals, tmp_path, to):
    out = tmp_path / "out"
    convert(animals, out, to, classes=["kitten", "dog", "unseen", "cat"])
    data = find_boxes(out).open("train")
    assert data.classes == ("kitten", "dog", "cat")
    assert f"classes are in the order of {out / 'labels.txt'}" in data.notes
    report = check(out)
    assert f"classes are in the order of {out / 'labels.txt'}" in report.notes
    assert convert(out, tmp_path / "again", "yolo").classes == ("kitten", "dog", "cat")
    (out / "labels.txt").write_text("kitten\ndog\n", encoding="utf-8")
    data = find_boxes(out).open("train")
    assert data.classes == ("cat", "dog", "kitten")
    assert f"{out / 'labels.txt'} lacks cat, so it doesn't say the order of classes" in data.notes
    (out / "labels.txt").write_text("cat\ncat\n", encoding="utf-8")
    assert find_boxes(out).open().classes == ("cat", "dog", "kitten")
    (out / "classes.txt").write_text("background\ndog\ncat\nkitten\n", encoding="utf-8")
    assert find_boxes(out).open().classes == ("dog", "cat", "kitten")


def test_a_class_map_that_leaves_no_object_and_blank_classes_are_refused(animals, tmp_path):
    with pytest.raises(UserError, match=r"leaves out every object of .*animals"):
        convert(animals, tmp_path / "out", classes_map={"cat": "", "dog": "", "kitten": ""})
    with pytest.raises(UserError, match="class 3 of those given is called '', which is blank"):
        convert(animals, tmp_path / "out", classes=["dog", "cat", ""])
    assert not (tmp_path / "out").exists()


def test_a_class_map_is_for_boxes(root, tmp_path):
    with pytest.raises(UserError, match="a class map is for boxes"):
        convert(root, tmp_path / "out", palette=PALETTE, classes_map={"a": "b"})


def test_classes_give_the_order_of_labels_and_refuse_others(animals, tmp_path):
    convert(animals, tmp_path / "out", "yolo", ["kitten", "dog", "cat"])
    assert (tmp_path / "out" / "labels" / "val" / "a.txt").read_text(encoding="utf-8")[:2] == "2 "
    with pytest.raises(UserError, match="unknown class 'kitten'"):
        convert(animals, tmp_path / "new", classes=["dog", "cat"])


def test_a_limit_is_of_the_training_split_alone(animals, tmp_path):
    done = convert(animals, tmp_path / "out", limit=1, seed=3)
    assert done.splits == {"train": 1, "val": 1, "trainval": 2}
    assert "train has 1 of its 3 images, chosen so that classes are balanced" in done.notes
    assert done.images == 3  # with the one in no split
    again = convert(animals, tmp_path / "again", limit=1, seed=3)
    assert again == done
    assert find_boxes(tmp_path / "out").splits == find_boxes(tmp_path / "again").splits
    with pytest.raises(UserError, match="limit is 0; at least 1 image is needed"):
        convert(animals, tmp_path / "new", limit=0)


def test_a_limit_of_masks_keeps_image_and_mask_together(tmp_path):
    synthesize(tmp_path / "in", images=12, size=(40, 40))
    done = convert(tmp_path / "in", tmp_path / "out", task="segmentation", limit=2)
    assert done.splits["train"] == 2
    source = find_masks(tmp_path / "in").open()
    masks = {record.id: source.mask(place) for place, record in enumerate(source.records)}
    read = find_masks(tmp_path / "out").open()
    for place, record in enumerate(read.records):
        np.testing.assert_array_equal(read.mask(place), masks[record.id])


def test_a_limit_without_a_training_split_is_refused(animals, tmp_path):
    for name in ("train", "trainval"):
        (animals / "ImageSets" / "Main" / f"{name}.txt").unlink()
    with pytest.raises(UserError, match="there is no split train to limit; there are val"):
        convert(animals, tmp_path / "out", limit=1)


def test_images_may_be_links(animals, tmp_path):
    convert(animals, tmp_path / "out", "labelme", link=True)
    path = tmp_path / "out" / "a.jpg"
    assert path.readlink() == (animals / "JPEGImages" / "a.jpg").resolve()
    assert len(find_boxes(tmp_path / "out").open()) == 5


def test_what_was_put_right_is_told(animals, tmp_path):
    add(animals, "b", thing("dog", 9, 9, 1, 1))
    assert any(
        note.startswith("1 thing was put right or left out; trizoo data check")
        for note in convert(animals, tmp_path / "out").notes
    )


@pytest.mark.parametrize("to", [*WRITERS])
@pytest.mark.parametrize("name", ["c\ud83d", "c\0t"])
def test_a_class_that_not_every_file_can_name_is_one_sentence(animals, tmp_path, to, name):
    with pytest.raises(UserError, match=r"has a character that files can't hold; --classes-map names it anew"):
        convert(animals, tmp_path / "out", to, classes_map={"cat": name})
    assert [path.name for path in tmp_path.iterdir()] == ["animals"]


def test_an_unknown_layout_is_refused(animals, tmp_path):
    with pytest.raises(UserError, match=r"the layout to write is 'kitti'; one of voc, .* points is needed"):
        convert(animals, tmp_path / "out", "kitti")


def test_options_of_masks_are_refused_for_boxes(animals, tmp_path):
    with pytest.raises(UserError, match="are about masks; leave them out, or convert masks"):
        convert(animals, tmp_path / "out", task="detection", mask_map={255: 1})


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_classes_of_whole_images_are_refused(tmp_path, kind):
    root = synthesize(tmp_path / "in", 8, (32, 32), ("ring", "star"), kind=kind)
    with pytest.raises(UserError, match="has classes of whole images, and boxes, masks or points are converted"):
        convert(root, tmp_path / "out", task=kind)


def test_a_folder_with_neither_boxes_nor_masks_is_one_sentence(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match=r"no data set with boxes in .*; nor are there masks"):
        convert(tmp_path / "in", tmp_path / "out")


@needs_bccd
def test_bccd_goes_round_all_layouts_and_comes_back(tmp_path):
    chain = [name for name in ("coco", "yolo", "labelme") if name in OF_BOXES]
    classes = convert(BCCD, tmp_path / "first", "voc").classes
    before, splits = boxes_of(tmp_path / "first", "voc", classes)
    source, layout = tmp_path / "first", "voc"
    for to in (*chain, "voc"):
        out = tmp_path / f"{to}-of-{layout}"
        convert(source, out, to, classes, layout=layout, task="detection")
        source, layout = out, to
    after, read = boxes_of(source, "voc", classes)
    if "yolo" in chain:
        del splits["trainval"]
    assert read == splits
    assert len(before) == 364
    same_boxes(before, after, 0.001)
