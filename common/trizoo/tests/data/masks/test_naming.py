"""Values go by the names of the data set's own class file, whatever order a run's classes have."""

import numpy as np
import pytest

from trizoo.data.check.masks import check_masks
from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.tests.mask_files import write_masks

CLASSES = ("background", "cat", "dog")


def striped(*values):
    """A mask of 4x6 with a row of each of four values."""
    return np.repeat(np.array(values, np.uint8)[:, None], 6, axis=1)


def data_set(root, names, *values):
    write_masks(root, {"a": striped(*values), "b": striped(*values)})
    if names:
        (root / "labels.txt").write_text("\n".join(names), encoding="utf-8")
    return root


def rows(root, classes=CLASSES, **options):
    """The class ids of the first mask's rows, and the notes that are about names."""
    data = find_masks(root).open(None, classes, **options)
    assert data.classes == classes
    return data.mask(0)[:, 0].tolist(), [note for note in data.notes if "hashes" not in note]


def test_another_order_of_names_gives_the_same_masks(tmp_path):
    same, _ = rows(data_set(tmp_path / "a", CLASSES, 0, 1, 2, 255))
    other, notes = rows(data_set(tmp_path / "b", ("dog", "background", "cat"), 1, 2, 0, 255))
    assert same == other == [0, 1, 2, 255]
    assert notes == [
        f"the classes of the masks go by the names in {tmp_path / 'b' / 'labels.txt'}, which are others, or in another "
        f"order"
    ]
    assert rows(tmp_path / "a") == (same, [])


def test_colours_of_a_class_file_go_by_its_names_too(tmp_path):
    colours = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9]], np.uint8)
    write_masks(tmp_path, {"a": colours[striped(0, 1, 2, 0)], "b": colours[striped(0, 1, 2, 0)]})
    (tmp_path / "labels.txt").write_text("dog,9,0,0\ncat,0,9,0\nbackground,0,0,9\n", encoding="utf-8")
    assert rows(tmp_path)[0] == [2, 1, 0, 2]
    assert find_masks(tmp_path).open(None, CLASSES).class_pixels().tolist() == [12, 12, 24]
    palette = ((0, 0, 9), (9, 0, 0), (0, 9, 0))  # one that was given is in the order of the run's classes
    assert rows(tmp_path, palette=palette)[0] == [1, 2, 0, 1]


def test_a_mask_map_speaks_of_the_runs_classes_and_comes_first(tmp_path):
    root = data_set(tmp_path, ("dog", "background", "cat"), 0, 1, 2, 7)
    assert rows(root, mask_map={7: 1, 0: 255})[0] == [255, 0, 1, 1]


def test_a_name_that_is_no_class_is_an_error_where_masks_hold_it(tmp_path):
    root = data_set(tmp_path, ("background", "cats", "dog"), 0, 2, 2, 1)
    with pytest.raises(UserError) as caught:
        rows(root)
    path, names = root / "masks" / "a.png", root / "labels.txt"
    assert str(caught.value) == (
        f"mask {path} holds 1 in 6 pixels, which {names} calls 'cats', and that isn't among the classes background, "
        f"cat, dog, did you mean 'cat'?; --mask-map 1=255 would ignore it"
    )
    assert rows(root, mask_map={1: 255})[0] == [0, 2, 2, 255]
    assert rows(data_set(tmp_path, ("background", "cats", "dog"), 0, 2, 2, 0))[0] == [0, 2, 2, 0]


def test_a_background_that_is_no_class_is_ignored_with_a_word(tmp_path):
    root = data_set(tmp_path, CLASSES, 0, 1, 2, 0)
    found, notes = rows(root, ("dog", "cat"))
    assert found == [255, 1, 0, 255]
    assert notes[0].endswith(", and the background, which is no class, is ignored")


def test_without_names_values_are_ids_with_a_word(tmp_path):
    root = data_set(tmp_path, None, 0, 1, 2, 255)
    assert rows(root) == (
        [0, 1, 2, 255],
        [f"{root} names no classes, so values in its masks are the ids of background, cat, dog"],
    )
    found = find_masks(root).open(None).classes
    assert rows(root, found)[1] == []  # a run's own names of what had none


def test_a_value_beyond_the_names_is_no_class(tmp_path):
    with pytest.raises(UserError, match=r"holds 2 in 6 pixels, which is no class"):
        rows(data_set(tmp_path, ("dog", "cat"), 0, 1, 2, 0))


def test_the_check_goes_by_names_as_training_does(tmp_path):
    report = check_masks(find_masks(data_set(tmp_path, ("dog", "background", "cat"), 1, 1, 0, 2)), CLASSES)
    assert report.findings == ()
    assert {value: row["class"] for value, row in report.values.items()} == {0: "dog", 1: "background", 2: "cat"}
    assert report.classes["background"]["pixels"] == 24
    report = check_masks(find_masks(tmp_path), ("background", "dog"))
    assert [finding.kind for finding in report.errors] == ["value that is no class"]
    assert "labels.txt calls 'cat', and that isn't among the classes background, dog" in report.errors[0].examples[0]
