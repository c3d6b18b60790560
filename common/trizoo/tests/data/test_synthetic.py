import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import trizoo.data.synthetic as synthetic
from trizoo.data.boxes.find import find_boxes
from trizoo.data.masks.find import find_masks
from trizoo.data.shapes import SHAPES, covered, fill, shapes_of
from trizoo.data.synthetic import draw_image, synthesize
from trizoo.ground.errors import UserError

CLASSES = ("circle", "square", "triangle")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "set", images=60, size=(160, 120), seed=3)


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_it_is_a_voc_data_set(drawn):
    data = find_boxes(drawn).open()
    assert len(data) == 60
    assert data.classes == CLASSES
    assert data.problems == []
    assert data.sample(0).image.shape == (120, 160, 3)
    # 14, 3 and 3 of every 20
    for kind in ("Main", "Segmentation"):
        lists = {path.stem: path.read_text().split() for path in (drawn / "ImageSets" / kind).iterdir()}
        assert {name: len(ids) for name, ids in lists.items()} == {"train": 42, "val": 9, "test": 9}
        assert sorted(id for ids in lists.values() for id in ids) == [f"{i:06d}" for i in range(60)]


def test_there_are_empty_images_small_objects_and_overlaps(drawn):
    records = find_boxes(drawn).open().records
    boxes = np.concatenate([record.boxes for record in records])
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    assert any(len(record.boxes) == 0 for record in records)
    assert (sides < 12).any()
    assert (sides > 40).any()
    assert len(boxes) > 120


def found_again(mask, label, box):
    """The tight box of one class's pixels in a box with a margin of one pixel."""
    xmin, ymin, xmax, ymax = (int(side) for side in box)
    left, top = max(xmin - 1, 0), max(ymin - 1, 0)
    shown = mask[top : ymax + 1, left : xmax + 1] == label + 1
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return [left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1]


def test_boxes_are_tight_around_the_painted_pixels(drawn):
    masks, compared = find_masks(drawn).open(), 0
    masks = {record.id: masks.mask(index) for index, record in enumerate(masks.records)}
    for record in find_boxes(drawn).open().records:
        mask = masks[record.id]
        for box, label in zip(record.boxes, record.labels, strict=True):
            others = np.delete(record.boxes, np.flatnonzero((record.boxes == box).all(1)), axis=0)
            apart = (others[:, :2] > box[2:] + 2).any(1) | (others[:, 2:] < box[:2] - 2).any(1)
            if apart.all():  # void hides no pixel of an object without neighbours
                assert found_again(mask, label, box) == box.tolist()
                compared += 1
    assert compared > 60


def test_painted_colour_is_found_where_the_box_is():
    # an object alone in its image: the pixels that differ from the same ground without objects are its pixels
    for index in range(30):
        pixels, mask, objects = draw_image(index, (96, 96), CLASSES, 0)
        if len(objects) == 1:
            label, xmin, ymin, xmax, ymax, _ = objects[0]
            outside = np.ones(mask.shape, bool)
            outside[ymin:ymax, xmin:xmax] = False
            inside = mask == label + 1
            assert not (inside & outside).any()
            assert np.abs(pixels[inside].mean(0) - pixels[outside].mean(0)).sum() > 60
            return
    raise AssertionError("no image with one object")


def test_every_object_shows_at_least_half_and_has_a_tight_box(monkeypatch):
    tried, accepted = [], []
    monkeypatch.setattr(synthetic, "covered", lambda *arguments: tried.append(covered(*arguments)) or tried[-1])
    monkeypatch.setattr(synthetic, "fill", lambda *arguments: accepted.append(tried[-1]) or fill(*arguments))
    covered_by_others = 0
    for index in range(60):
        accepted.clear()
        _, _, objects = draw_image(index, (96, 96), CLASSES, 1)
        assert len(accepted) == len(objects)
        owners = np.zeros((96, 96), int)
        for number, ((top, left), inside, _) in enumerate(accepted, start=1):
            owners[top : top + inside.shape[0], left : left + inside.shape[1]][inside] = number
        for number, ((_, inside, full), (_, *box, cut)) in enumerate(zip(accepted, objects, strict=True), start=1):
            rows, columns = np.nonzero(owners == number)
            assert 2 * len(rows) >= full
            assert box == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert cut == (inside.sum() < full)
            covered_by_others += len(rows) < inside.sum()
    assert covered_by_others > 5


def test_masks_hold_ids_and_void_borders(drawn):
    for path in sorted((drawn / "SegmentationClass").iterdir()):
        with Image.open(path) as mask:
            assert mask.mode == "P"
            assert mask.getpalette()[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]
            ids = np.asarray(mask)
        assert set(np.unique(ids)) <= {0, 1, 2, 3, 255}
        # an object's pixel never touches the ground or another class: there is void between them
        across, down = (ids[:, 1:], ids[:, :-1]), (ids[1:], ids[:-1])
        for a, b in (across, down):
            assert not ((a != b) & (a != 255) & (b != 255)).any()


def test_the_same_seed_draws_the_same_files(drawn, tmp_path):
    assert contents(synthesize(tmp_path / "again", 60, (160, 120), seed=3)) == contents(drawn)
    assert contents(synthesize(tmp_path / "other", 60, (160, 120), seed=4)) != contents(drawn)


def test_an_image_does_not_depend_on_the_count(drawn, tmp_path):
    few, many = contents(synthesize(tmp_path / "few", 5, (160, 120), seed=3)), contents(drawn)
    for name in few:
        if name.startswith(("JPEGImages", "Annotations", "SegmentationClass")):
            assert few[name] == many[name]


def test_drawing_is_pinned():
    # what this code has drawn so far; where other numbers are meant, _DRAWING has to be raised
    _, mask, objects = draw_image(10, (64, 64), CLASSES, 0)
    assert len(objects) == 10
    assert objects[:2] == [(0, 12, 16, 29, 33, False), (2, 16, 0, 24, 7, True)]
    assert zlib.crc32(mask.tobytes()) == 4178575943


@pytest.mark.parametrize(("count", "expected"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (20, (14, 3, 3))])
def test_small_sets_fill_the_splits_in_order(tmp_path, count, expected):
    found = find_boxes(synthesize(tmp_path / "set", count, (32, 32))).splits
    assert tuple(len(found[name]) for name in ("train", "val", "test")) == expected


def test_names_and_shapes_of_any_kind(tmp_path):
    classes = ["圆 形", "star", "a<b> & c"]
    out = synthesize(tmp_path / "新 数据", 12, (80, 64), classes, seed=1)
    assert find_boxes(out).open().classes == tuple(sorted(classes))
    assert shapes_of(classes) == ["circle", "star", "square"]
    assert shapes_of(list(reversed(SHAPES))) == list(reversed(SHAPES))


def test_existing_set_is_left_as_it_is(tmp_path):
    out = synthesize(tmp_path / "set", 3, (32, 32))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert synthesize(out, 3, (32, 32)) == out
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_nothing_else_is_overwritten(tmp_path):
    out = synthesize(tmp_path / "set", 3, (32, 32))
    with pytest.raises(UserError, match="holds something else"):
        synthesize(out, 4, (32, 32))
    with pytest.raises(UserError, match="holds something else"):
        synthesize(out, 3, (32, 32), seed=1)
    (out / "JPEGImages" / "000000.jpg").unlink()
    with pytest.raises(UserError, match="holds something else"):
        synthesize(out, 3, (32, 32))
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "synthetic.json").write_text("my own")
    (tmp_path / "file").write_text("text")
    for other in ("thesis", "file"):
        with pytest.raises(UserError, match="holds something else"):
            synthesize(tmp_path / other, 3, (32, 32))
    assert (tmp_path / "thesis" / "synthetic.json").read_text() == "my own"


def test_empty_folder_is_filled_and_parents_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    assert len(find_boxes(synthesize(str(tmp_path / "empty"), 2, (32, 32))).open()) == 2
    assert len(find_boxes(synthesize(tmp_path / "a" / "b", 2, (32, 32))).open()) == 2


def test_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert synthesize("set", 1, (32, 32)) == Path("set")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def draw(index, *arguments):
        if index == 2:
            raise KeyboardInterrupt
        return draw_image(index, *arguments)

    monkeypatch.setattr(synthetic, "draw_image", draw)
    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "set", 5, (32, 32))
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be written"):
        synthesize(tmp_path / "file" / "set", 1, (32, 32))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": 0}, "number of images is 0"),
        ({"size": (31, 64)}, "31x64"),
        ({"size": (64, 5000)}, "64x5000"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"classes": []}, r"classes are \[\]"),
        ({"classes": ["a", "a"]}, "different names"),
        ({"classes": list("abcdefghi")}, "1 to 8 different"),
        ({"classes": [" a"]}, "' a' is no name"),
        ({"classes": ["a\nb"]}, "is no name"),
        ({"classes": [""]}, "'' is no name"),
    ],
)
def test_parameters_out_of_range_are_named(tmp_path, changes, reason):
    with pytest.raises(UserError, match=reason):
        synthesize(tmp_path / "set", **{"images": 1, "size": (32, 32), **changes})
    assert list(tmp_path.iterdir()) == []


def test_classes_are_no_string(tmp_path):
    with pytest.raises(ValueError, match="sequence of names"):
        synthesize(tmp_path / "set", 1, classes="circle")
