"""What masks look like all together: in training's refusal or notes, and in the check."""

import re

import numpy as np
import pytest
from PIL import Image

from trizoo.data.check.masks import check_masks
from trizoo.data.masks.encoding import Meaning, parse_mask_map, parse_palette
from trizoo.data.masks.find import find_masks
from trizoo.data.masks.values import numbering
from trizoo.ground.errors import UserError
from trizoo.tests.mask_files import in_palette, write_masks

RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)


def findings(root, classes=None, **options):
    report = check_masks(find_masks(root), classes, **options)
    return {finding.kind: (finding.severity, finding.examples[0]) for finding in report.findings}


def refusal(root, classes=None, **options):
    with pytest.raises(UserError) as caught:
        find_masks(root).open(None, classes, **options)
    return str(caught.value)


def notes(root, classes=None, **options):
    return [note for note in find_masks(root).open(None, classes, **options).notes if "hashes" not in note]


def offered_map(sentence):
    return parse_mask_map(re.search(r"--mask-map (\S+)", sentence)[1])


def objects(*values, size=12):
    """A mask (size, size) with a row of each of these values, from the top; 0 elsewhere."""
    mask = np.zeros((size, size), np.uint8)
    mask[: len(values)] = np.array(values, np.uint8)[:, None]
    return mask


def smooth(side):
    """A white square on black of 64x64, made smaller with smoothing, so that its edges are grey."""
    mask = np.zeros((256, 256), np.uint8)
    mask[30 : 30 + side, 41 : 41 + side] = 255
    turned = Image.fromarray(mask).rotate(20, Image.Resampling.BICUBIC)
    return turned.resize((64, 64), Image.Resampling.BILINEAR)


@pytest.mark.parametrize("classes", [None, ("ground", "cell")])
def test_grey_edges_are_called_that_and_the_threshold_offered_works(tmp_path, classes):
    root = write_masks(tmp_path, {name: smooth(side) for name, side in (("a", 120), ("b", 60))})
    text = refusal(root, classes)
    assert re.search(r"black and white with grey edges: \d+ values between 0 and 255 in \d\.\d% of the pixels", text)
    assert "--mask-map 0-127=0,128-255=1 (data.mask_map: {0-127: 0, 128-255: 1} in a recipe)" in text
    severity, example = findings(root, classes)["masks with grey edges"]
    assert severity == "error"
    assert example in text.replace(f"{root}/", "")
    data = find_masks(root).open(None, classes, mask_map=offered_map(text))
    raw = np.asarray(Image.open(root / "masks" / "a.png"))
    assert np.array_equal(data.mask(0), raw >= 128)
    assert findings(root, classes, mask_map=offered_map(text)) == {}


def test_jpeg_of_black_and_white_has_grey_edges_too(tmp_path):
    root = write_masks(tmp_path, {"a": smooth(120)})
    Image.open(root / "masks" / "a.png").save(root / "masks" / "a.jpg", quality=60)
    (root / "masks" / "a.png").unlink()
    assert "grey edges" in refusal(root, ("ground", "cell"))
    assert "grey edges" in findings(root)["masks with grey edges"][1]


def test_many_classes_are_no_grey_edges(tmp_path):
    mask = objects(*range(0, 250, 25), 255)
    assert "grey edges" not in refusal(write_masks(tmp_path, {"a": mask}), ("ground", "cell"))


def test_a_value_in_one_file_is_told_with_the_file_and_its_pixels(tmp_path):
    masks = {f"{number}": objects(1, 2) for number in range(30)}
    masks["7"] = objects(1, 2)
    masks["7"][5, :3] = 37
    root = write_masks(tmp_path, masks)
    told = f"of 30 masks only {root / 'masks' / '7.png'} (3 pixels) holds 37"
    assert told in refusal(root)
    assert told in refusal(root, ("a", "b", "c"))
    assert offered_map(refusal(root)) == {37: 255}
    assert find_masks(root).open(None, mask_map={37: 255}).classes == ("class_0", "class_1", "class_2")
    told = told.replace(f"{root}/", "")
    assert told in findings(root)["values that don't count from 0"][1]
    assert told in findings(root, ("a", "b", "c"))["value that is no class"][1]


def test_a_value_in_one_file_that_counts_as_a_class_is_a_warning(tmp_path):
    masks = {f"{number}": objects(1, size=64) for number in range(20)}
    masks["3"][40, 40] = 2  # 1 of 4096 pixels
    severity, example = findings(write_masks(tmp_path, masks))["stray value"]
    assert severity == "warning"
    assert example == (
        "of 20 masks only masks/3.png (1 pixels) holds 2; if it is no class, --mask-map 2=255 ignores it"
    )
    assert findings(tmp_path, mask_map={2: 255}) == {}
    masks["3"][40:] = 2  # a class of which there is but one
    assert findings(write_masks(tmp_path, masks)) == {}


def test_values_that_count_objects_are_a_warning_a_note_and_one_class_where_that_is_wanted(tmp_path):
    root = write_masks(tmp_path, {f"{n}": objects(*range(1, n + 1)) for n in (1, 3, 4, 2, 6)})
    severity, example = findings(root)["values like instance ids"]
    assert severity == "warning"
    assert example.startswith(
        "the values look like instance ids, not classes (each mask counts from 1, up to 1, 2, 3, "
    )
    assert notes(root) == [example]
    data = find_masks(root).open(None, mask_map=offered_map(example))
    assert data.classes == ("class_0", "class_1")
    assert data.class_pixels().tolist() == [5 * 144 - 16 * 12, 16 * 12]


def test_values_that_no_two_masks_share_are_instance_ids(tmp_path):
    masks = {f"{n}": objects(10 * n + 1, 10 * n + 2, 10 * n + 5) for n in range(1, 6)}
    root = write_masks(tmp_path, masks)
    for text in (refusal(root), refusal(root, ("ground", "cell"))):
        assert f"instance ids, not classes (no two masks share one, 11 is in {root / 'masks' / '1.png'} alone)" in text
        assert find_masks(root).open(None, mask_map=offered_map(text)).class_pixels()[1] == 15 * 12
    assert "instance ids" in findings(root)["values that don't count from 0"][1]


def test_classes_that_come_and_go_are_no_instance_ids(tmp_path):
    masks = {f"{n}": objects(*values) for n, values in enumerate([(1,), (2, 3), (1, 3), (4,), (1, 2, 3, 4), (3,)])}
    assert findings(write_masks(tmp_path, masks)) == {}
    assert notes(tmp_path) == []


def test_palettes_that_differ_are_shown_with_both_colours_and_the_palette_that_would_do(tmp_path):
    masks = {
        "a": in_palette(objects(1, 1, 2), BLACK, RED, GREEN),
        "b": in_palette(objects(1, 2), BLACK, RED, GREEN),
        "c": in_palette(objects(1), BLACK, GREEN, RED),
    }
    root = write_masks(tmp_path, masks)
    severity, example = findings(root)["palettes that differ"]
    assert severity == "warning"
    assert example == (
        "the masks' palettes differ: 1 is #ff0000 in masks/a.png and #00ff00 in masks/c.png; as it is, values count "
        "and colours don't; --palette 000000,ff0000,00ff00, put into the order of the classes, would go by colours"
    )
    assert [note.replace(f"{root}/", "") for note in notes(root)] == [example]
    palette, ignored = parse_palette("000000,ff0000,00ff00")
    data = find_masks(root).open(None, palette=palette, ignore_colours=ignored)
    assert data.class_pixels().tolist() == [3 * 144 - 6 * 12, 3 * 12, 3 * 12]  # green: a row in each
    assert findings(root, palette=palette) == {}
    assert data.notes == list(find_masks(root).notes)


def test_palettes_that_agree_where_values_are_used_are_left_alone(tmp_path):
    masks = {"a": in_palette(objects(1), BLACK, RED, GREEN), "b": in_palette(objects(1), BLACK, RED)}
    assert findings(write_masks(tmp_path, masks)) == {}


def test_masks_of_nothing_but_background_are_an_error_and_a_note(tmp_path):
    root, names = write_masks(tmp_path, {"a": objects(), "b": objects()}), ("background", "cell")
    severity, example = findings(root, names)["nothing but background"]
    assert (severity, example) == ("error", "the masks hold nothing but background, so there is nothing to learn")
    assert "warning: the masks hold nothing but background" in notes(root, names)
    write_masks(tmp_path, {"a": objects(255)})  # 255 may be a class
    assert "nothing but background" not in findings(root, names)
    write_masks(tmp_path, {"a": objects(1)})
    assert "nothing but background" not in findings(root, names)


def test_few_images_to_train_on_are_a_note(tmp_path):
    write_masks(tmp_path / "train", {f"{n}": objects(1) for n in range(3)})
    write_masks(tmp_path / "val", {"v": objects(1)})
    (note,) = check_masks(find_masks(tmp_path)).notes
    assert note == (
        "3 images to train on are few: pretrained weights (--weights TAG), freezing (--set freeze.epochs=N), more "
        "epochs (--epochs N) and stronger augmentation (docs/tricks.md) help"
    )


def test_values_are_numbered_from_0():
    assert numbering([0, 1, 2, 255], Meaning()) is None
    assert numbering([0, 128, 200, 255], Meaning()) == {128: 1, 200: 2}
    assert numbering([1, 2], Meaning()) == {1: 0, 2: 1}
    assert numbering([0, 128, 255], Meaning({255: 1, 128: 255})) is None
    assert numbering([0, 7, 255], Meaning({255: 1})) == {255: 1, 7: 2}


def test_grey_masks_go_by_a_palette_that_has_all_their_levels(tmp_path):
    root = write_masks(tmp_path, {"a": objects(255), "b": objects()})
    palette, ignored = parse_palette("000000,ffffff")
    for classes in (None, ("ground", "cell")):
        data = find_masks(root).open(None, classes, palette=palette)
        assert data.mask(0)[:2, 0].tolist() == [1, 0]
        assert data.class_pixels().tolist() == [24 * 12 - 12, 12]
    assert findings(root, palette=palette) == {}
    assert check_masks(find_masks(root), palette=palette).values[1]["class"] == "class_1"
    palette, ignored = parse_palette("000000,808080,ffffff=255")
    data = find_masks(write_masks(tmp_path / "ignored", {"a": objects(255, 128)})).open(
        None, palette=palette, ignore_colours=ignored
    )
    assert data.mask(0)[:3, 0].tolist() == [255, 1, 0]


def test_a_palette_without_the_levels_of_grey_masks_has_nothing_to_map(tmp_path):
    root = write_masks(tmp_path / "two", {"a": objects(255), "b": objects()})
    palette = (BLACK, RED)
    text = "255=1 .* makes it class 1; the masks are grey, so the palette has nothing to map$"
    assert re.search(text, refusal(root, palette=palette))
    assert re.search(text, refusal(root, ("ground", "cell"), palette=palette))
    severity, example = findings(root, palette=palette)["masks of 0 and 255"]
    assert severity == "error"
    assert re.search(text, example)
    root = write_masks(tmp_path / "gaps", {"a": objects(7)})
    assert "aren't 0, 1, 2 and so on; the masks are grey, so" in refusal(root, palette=palette)
    assert findings(root, palette=palette)["values that don't count from 0"][0] == "error"
    root = write_masks(tmp_path / "ids", {"a": objects(1)})
    assert "the masks are grey, so the palette has nothing to map" in notes(root, palette=palette)
    report = check_masks(find_masks(root), palette=palette)
    assert "the masks are grey, so the palette has nothing to map" in report.notes


def test_whether_grey_masks_go_by_a_palette_is_the_same_in_all_splits(tmp_path):
    write_masks(tmp_path / "train", {"a": objects(255)})
    write_masks(tmp_path / "val", {"b": objects(1, 255)})
    data = find_masks(tmp_path).open(
        "train", ("ground", "cell", "more"), mask_map={255: 2}, palette=(BLACK, (255,) * 3)
    )
    assert data.mask(0)[:2, 0].tolist() == [2, 0]
    with pytest.raises(UserError, match="no values but 0 and 255"):
        find_masks(tmp_path).open("train", ("ground", "cell"), palette=(BLACK, (255,) * 3))


def test_grey_masks_beside_masks_in_colours_keep_their_values(tmp_path):
    root = write_masks(tmp_path, {"a": objects(1), "b": Image.new("RGB", (12, 12), RED)})
    data = find_masks(root).open(None, palette=(BLACK, RED))
    assert data.class_pixels().tolist() == [132, 12 + 144]
    assert "the masks are grey, so the palette has nothing to map" not in data.notes
