import pytest
from PIL import Image

from trizoo.data.masks.find import list_masks
from trizoo.ground.errors import UserError


def touch(root, *names, size=(4, 3)):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)


def test_lists_say_the_splits(tmp_path):
    touch(tmp_path, *(f"{folder}/{name}.png" for folder in ("images", "masks") for name in ("a", "图 b", "c")))
    (tmp_path / "train.txt").write_text("a.png\n图 b\n图 b.png\n", encoding="utf-8")
    (tmp_path / "valid.txt").write_text("images/c.png masks/c.png\r\n", encoding="utf-8-sig")
    (tmp_path / "readme.txt").write_text("text", encoding="utf-8")
    listing = list_masks(tmp_path)
    assert listing.splits == {"train": ["a", "图 b"], "val": ["c"]}
    assert [problem.kind for problem in listing.problems] == ["listed twice"]
    (tmp_path / "train.txt").write_text("a\nz", encoding="utf-8")
    with pytest.raises(UserError, match=r"1 lines of .*train\.txt name no image with a mask: z"):
        list_masks(tmp_path)


def test_a_hashed_split_stays_when_images_come(tmp_path):
    touch(tmp_path, *(f"{folder}/{i}.png" for folder in ("images", "masks") for i in range(20)))
    before = list_masks(tmp_path).splits
    touch(tmp_path, *(f"{folder}/{i}.png" for folder in ("images", "masks") for i in range(20, 30)))
    after = list_masks(tmp_path).splits
    assert all(set(before[name]) <= set(after[name]) for name in ("train", "val"))
    assert len(after["val"]) == 5
