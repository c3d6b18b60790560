import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.check import check
from trizoo.data.convert import convert
from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.pictures.palette import voc_palette

COLOURS = np.array([[0, 0, 0], [0, 200, 0], [200, 0, 0]], np.uint8)
PALETTE = tuple(map(tuple, COLOURS.tolist()))


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


def test_masks_in_colours_become_palette_files_with_lists(root, tmp_path):
    out = tmp_path / "out"
    data = convert(root, out, ["ground", "tree", "car"], palette=PALETTE)
    assert data.classes == ("ground", "tree", "car")
    assert data.splits == {"train": ["train_a", "图"], "val": ["val_a"]}
    with Image.open(out / "SegmentationClass" / "train_a.png") as mask:
        assert mask.mode == "P"
        assert np.array(mask).tolist() == [[0, 1, 2]] * 2
        assert mask.getpalette()[:768] == voc_palette().ravel().tolist()
    source = root / "train" / "images" / "图.JPG"
    assert (out / "JPEGImages" / "图.jpg").read_bytes() == source.read_bytes()
    assert find_masks(out).open("val").sample(0).mask.tolist() == [[2, 2, 2]] * 2
    assert check(out).findings == ()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_labelme_becomes_masks(tmp_path):
    root = tmp_path / "in"
    root.mkdir()
    for name in "ab":
        Image.new("RGB", (6, 4)).save(root / f"{name}.png")
        shapes = [{"label": "cell", "points": [[0, 0], [6, 0], [6, 2], [0, 2]]}]
        (root / f"{name}.json").write_text(json.dumps({"imagePath": f"{name}.png", "shapes": shapes}), encoding="utf-8")
    data = convert(root, tmp_path / "out")
    assert data.classes == ("background", "cell")
    assert data.sample(0).mask.tolist() == [[1] * 6] * 2 + [[0] * 6] * 2
    assert sorted(data.splits) == ["train", "val"]
    assert data.notes == []  # the split by hash is in lists now


def test_nothing_is_written_over_and_nothing_is_left_behind(root, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(UserError, match="is there already, and nothing is written over"):
        convert(root, out, palette=PALETTE)
    with pytest.raises(UserError, match="is in colours"):
        convert(root, tmp_path / "new")
    with pytest.raises(UserError, match="lies in the data set"):
        convert(root, root / "new", palette=PALETTE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in put", "out"]
    assert [path.name for path in out.iterdir()] == ["mine"]


def test_an_empty_folder_may_be_there(root, tmp_path):
    (tmp_path / "out").mkdir()
    assert len(convert(root, tmp_path / "out", palette=PALETTE)) == 3


def test_names_that_would_be_one_are_refused(root, tmp_path):
    for folder, ending in (("images", ""), ("masks", "_mask")):
        path = root / "train" / folder / f"train_a{ending}.png"
        Image.fromarray(COLOURS[np.zeros((2, 3), int)]).save(path)
        (root / "train" / folder / "train").mkdir()
    with pytest.raises(UserError, match="several images would be called train_a"):
        convert(root, tmp_path / "out", palette=PALETTE)
