"""YOLO's outlines as masks of class ids."""

import numpy as np
import pytest
from PIL import Image

from trizoo.data.check import check
from trizoo.data.masks.find import NoMasksError, find_masks
from trizoo.data.masks.yolo import find_yolo
from trizoo.ground.errors import UserError

LEFT = "0 0 0 0.5 0 0.5 1 0 1\n"  # of 4x2 pixels: the left half
PIXEL = "1 0.25 0 0.5 0 0.5 0.5 0.25 0.5\n"  # the second pixel of the first row


def lay(root, labels, yaml="train: images/train\nval: images/val\nnames: [cat, dog]\n"):
    """Pictures of 4x2 with these label files: {"train/a": text, None for none}."""
    for id, text in labels.items():
        for folder, ending in (("images", "png"), ("labels", "txt")):
            path = root / folder / f"{id}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if ending == "png":
                Image.new("RGB", (4, 2), (90, 120, 60)).save(path)
            elif text is not None:
                path.write_text(text, encoding="utf-8")
    (root / "data.yaml").write_text(yaml, encoding="utf-8")
    return root


def test_outlines_are_drawn_the_smaller_over_the_larger(tmp_path):
    labels = {"train/a": PIXEL + LEFT, "train/b": None, "val/c": "1 0 0 1 0 1 1 0 1\n"}
    listing = find_masks(lay(tmp_path, labels))
    assert (listing.layout, listing.classes) == ("yolo", ("background", "cat", "dog"))
    assert listing.splits == {"train": ["train/a", "train/b"], "val": ["val/c"]}
    train = listing.open("train")
    assert train.mask(0).tolist() == [[1, 2, 0, 0], [1, 1, 0, 0]]
    assert train.mask(1).tolist() == [[0] * 4] * 2
    assert listing.open("val").mask(0).tolist() == [[2] * 4] * 2
    assert train.sample(0).mask.dtype == np.uint8
    report = check(tmp_path, task="segmentation")
    assert report.findings == ()
    assert report.classes["dog"] == {"pixels": 9, "masks": 2}


def test_a_class_called_background_is_the_ground(tmp_path):
    yaml = "train: images/train\nnames: [Background, cat]\n"
    listing = find_masks(lay(tmp_path, {"train/a": "1 0 0 1 0 1 1 0 1\n" + LEFT}, yaml))
    assert listing.classes == ("background", "cat")
    assert listing.open().mask(0).tolist() == [[0, 0, 1, 1]] * 2


def test_labels_that_are_boxes_alone_or_poses_are_no_masks(tmp_path):
    root = lay(tmp_path, {"train/a": "0 0.5 0.5 0.5 0.5\n", "train/b": "", "val/c": None})
    assert find_yolo(root) is None
    with pytest.raises(NoMasksError):
        find_masks(root)
    yaml = "train: images/train\nkpt_shape: [2, 2]\nnames: [cat]\n"
    assert find_yolo(lay(tmp_path, {"train/a": "0 0.5 0.5 0.5 0.5 0.1 0.1 0.2 0.2\n"}, yaml)) is None


def test_lines_that_draw_nothing_are_told(tmp_path):
    text = LEFT + "1 0.5 0.5 1 1\n0 0 0 nan 0 1 1\n"
    listing = find_masks(lay(tmp_path, {"train/a": text, "val/c": LEFT}))
    assert [(p.kind, p.text[:6]) for p in listing.problems] == [
        ("object without segmentation", "line 2"),
        ("object without segmentation", "line 3"),
    ]
    assert listing.open("train").mask(0).tolist() == [[1, 1, 0, 0]] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEFT + "2 0 0 1 0 1 1\n", r"a\.txt, line 2: unknown class 'label 2'; the classes are cat, dog"),
        (LEFT + "x 0 0 1 0 1 1\n", r"a\.txt, line 2: 'x' is no number"),
        (LEFT + "1 20 30 40 50 60 70\n", r"a\.txt, line 2 has pixels"),
    ],
)
def test_what_cannot_be_drawn_is_named(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        find_masks(lay(tmp_path, {"train/a": text, "val/c": LEFT})).open("train").mask(0)


def test_label_files_without_images_are_unpaired_and_lists_need_them(tmp_path):
    root = lay(tmp_path, {"train/a": LEFT, "val/c": LEFT})
    (root / "images" / "val" / "c.png").unlink()
    listing = find_masks(root)
    assert [(problem.kind, problem.file.name) for problem in listing.unpaired] == [
        ("annotation without image", "c.txt")
    ]
    assert set(listing.pairs) == {"train/a"}
    (root / "val.txt").write_text("images/val/c.png\n", encoding="utf-8")
    (root / "data.yaml").write_text("train: images/train\nval: val.txt\nnames: [cat]\n", encoding="utf-8")
    with pytest.raises(UserError, match="1 of 1 images of split val are not there: val/c"):
        find_masks(root)
    (root / "images" / "train" / "a.png").unlink()
    with pytest.raises(UserError, match=r"none of the 2 label files in .* has its image there"):
        find_masks(root)


def test_a_label_that_names_skip_is_refused(tmp_path):
    root = lay(tmp_path, {"train/a": PIXEL}, "train: images/train\nnames: {0: cat, 5: dog}\n")
    with pytest.raises(UserError, match=r"a\.txt, line 1: unknown class 'label 1'"):
        find_masks(root).open().mask(0)
