import pytest

from trizoo.data.masks.find import find_masks
from trizoo.data.splits import find_lists, split_by_hash, split_up
from trizoo.ground.errors import UserError
from trizoo.tests.mask_files import touch


def test_lists_say_the_splits(tmp_path):
    touch(tmp_path, *(f"{folder}/{name}.png" for folder in ("images", "masks") for name in ("a", "图 b", "c")))
    (tmp_path / "train.txt").write_text("a.png\n图 b\n图 b.png\n", encoding="utf-8")
    (tmp_path / "valid.txt").write_text("images/c.png masks/c.png\r\n", encoding="utf-8-sig")
    (tmp_path / "readme.txt").write_text("text", encoding="utf-8")
    listing = find_masks(tmp_path)
    assert listing.splits == {"train": ["a", "图 b"], "val": ["c"]}
    assert [problem.kind for problem in listing.problems] == ["listed twice"]
    (tmp_path / "train.txt").write_text("a\nz", encoding="utf-8")
    with pytest.raises(UserError, match=r"1 line of .*train\.txt names no image with a mask: z"):
        find_masks(tmp_path)


def test_a_hashed_split_stays_when_images_come(tmp_path):
    touch(tmp_path, *(f"{folder}/{i}.png" for folder in ("images", "masks") for i in range(20)))
    before = find_masks(tmp_path).splits
    touch(tmp_path, *(f"{folder}/{i}.png" for folder in ("images", "masks") for i in range(20, 30)))
    after = find_masks(tmp_path).splits
    assert all(set(before[name]) <= set(after[name]) for name in ("train", "val"))
    assert len(after["val"]) == 5


def test_folders_are_splits_where_every_id_begins_with_one(tmp_path):
    ids = ["training/a", "Valid/b", "dev/c", "test/d"]
    assert split_up(tmp_path, ids, {}, "boxes") == (
        {"train": ["training/a"], "val": ["Valid/b", "dev/c"], "test": ["test/d"]},
        (),
        (),
    )
    splits, notes, _ = split_up(tmp_path, [*ids, "e"], {}, "boxes")
    assert sorted(splits["train"] + splits["val"]) == sorted([*ids, "e"])
    assert "split its 5 images" in notes[0]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_hash_split_leaves_no_side_empty(count):
    for attempt in range(20):
        found = split_by_hash([f"{attempt}-{i}" for i in range(count)])
        assert found["train"]
        assert found["val"]


def test_hash_split_of_one_image_or_none():
    assert split_by_hash(["a"]) == {"train": ["a"], "val": []}
    assert split_by_hash([]) == {"train": [], "val": []}


def test_hash_split_is_pinned():
    # sha256 begins with ca97811 for "a" (0.791), 3e23e81 for "b" (0.243), 2e7d2c0 for "c" (0.182): all below 0.8,
    # so the highest validates
    assert split_by_hash(["a", "b", "c"]) == {"train": ["b", "c"], "val": ["a"]}


def write_lists(root, **lists):
    for name, text in lists.items():
        (root / f"{name}.txt").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "line",
    ["a b", "a b.jpg", "images/a b.jpg", "/home/me/set/images/train/a b.jpg", "D:\\set\\train\\a b.png", "./A B.JPG"],
)
def test_lines_of_lists_name_images_in_any_way(tmp_path, line):
    found = find_lists(write_lists(tmp_path, train=f"# those to train on\n{line}  # good\n"), ["train/a b", "val/c"])
    assert found.ids == {"train": ["train/a b"]}


def test_lists_are_found_by_any_usual_name(tmp_path):
    write_lists(tmp_path, Train="a 1\nb -1\n", validation="c 1\n", readme="a", TrainVal="a\nb\nc")
    assert find_lists(tmp_path, "abc").ids == {"train": ["a", "b"], "val": ["c"], "trainval": ["a", "b", "c"]}
    (tmp_path / "Main").mkdir()
    write_lists(tmp_path / "Main", training="b")
    assert find_lists(tmp_path, "abc").ids == {"train": ["b"]}


def test_a_list_with_an_image_that_is_missing_is_kept_as_it_stands(tmp_path):
    # "frame 1" is a name here: three lines are images as they stand, none without the number
    write_lists(tmp_path, train="frame 0\nframe 1\nframe 2", val="frame 3.png")
    found = find_lists(tmp_path, ["frame 0", "frame 2", "frame 3"])
    assert found.ids == {"train": ["frame 0", "frame 1", "frame 2"], "val": ["frame 3"]}
    assert found.files["train"].name == "train.txt"


def test_a_name_that_several_images_have_means_none(tmp_path):
    found = find_lists(write_lists(tmp_path, train="a\nx/a"), ["x/a", "y/a"])
    assert found.ids == {"train": ["a", "x/a"]}
