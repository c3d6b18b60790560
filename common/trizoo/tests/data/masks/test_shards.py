import io

import numpy as np
import pytest
from PIL import Image

from trizoo.data.check import check
from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.tests.shard_files import picture, write

MASK = np.array([[0, 0, 1, 1], [2, 2, 2, 255]], np.uint8)


def png(mask=MASK):
    """The bytes of a grey mask."""
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def root(tmp_path):
    image = picture((4, 2))
    write(
        tmp_path / "train-0.tar", ("b.jpg", image), ("b.png", png()), ("a.png", image), ("a.mask.png", png(MASK[::-1]))
    )
    write(tmp_path / "val-0.tar", ("c.jpg", image), ("c.seg.png", png()))
    return tmp_path


def test_masks_are_read_from_shards(root):
    listing = find_masks(root)
    assert (listing.layout, listing.splits) == ("shards", {"train": ["b", "a"], "val": ["c"]})
    data = listing.open("train")
    assert data.classes == ("class_0", "class_1", "class_2")
    assert data.sample(0).mask.tolist() == MASK.tolist()
    assert data.sample(1).mask.tolist() == MASK[::-1].tolist()
    assert data.sample(1).image.shape == (2, 4, 3)
    assert check(root).findings == ()


def test_names_beside_the_shards_and_lists_count(root):
    (root / "labels.txt").write_text("background\ncat\ndog\n", encoding="utf-8")
    (root / "splits").mkdir()
    (root / "splits" / "train.txt").write_text("c\na\n", encoding="utf-8")
    data = find_masks(f"{root}/{{train,val}}-0.tar").open("train")
    assert ([record.id for record in data.records], data.classes) == (["b", "a"], ("background", "cat", "dog"))
    assert [record.id for record in find_masks(root).open("train").records] == ["c", "a"]
    (root / "splits" / "train.txt").write_text("c\nlost\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"1 line of .*train\.txt names no image with a mask: lost"):
        find_masks(root)


def test_halves_without_the_other_are_left_out_and_told(root):
    write(root / "train-1.tar", ("x.jpg", picture((4, 2))), ("y.mask.png", png()))
    data = find_masks(root).open("train")
    assert len(data) == 2
    assert sorted(problem.kind for problem in data.problems) == ["image without mask", "mask without image"]


def test_a_damaged_mask_in_a_shard_costs_its_image(root):
    write(root / "train-1.tar", ("x.jpg", picture((4, 2))), ("x.png", png()[:40]))
    data = find_masks(root).open("train")
    assert len(data) == 2
    assert [problem.file.name for problem in data.problems] == ["x.png"]
