import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.data.masks.find import find_masks
from trizoo.data.synthetic import draw_image, synthesize
from trizoo.ground.errors import UserError
from trizoo.training.cache import Kept

MEMBRANE = Path(os.environ.get("TRIZOO_MEMBRANE", Path(__file__).parents[6] / "shared" / "data" / "membrane"))


def opened(root, split=None, classes=None, **options):
    return find_masks(root).open(split, classes, **options)


def make(root, masks, size=(6, 4), suffix="png"):
    """images/NAME.jpg and masks/NAME.SUFFIX for {name: mask}."""
    for name, mask in masks.items():
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (10, 20, 30)).save(root / "images" / f"{name}.jpg")
        Image.fromarray(np.asarray(mask)).save(root / "masks" / f"{name}.{suffix}")
    return root


def filled(value, **others):
    """A mask of 6x4 with one value, and pixels of others in its first row: v9=2 puts a 9 in two of them."""
    mask = np.full((4, 6), value, np.uint8)
    row = [int(name[1:]) for name, count in others.items() for _ in range(count)]
    mask[0, : len(row)] = row
    return mask


def test_samples_are_images_with_their_masks(tmp_path):
    data = opened(make(tmp_path, {"a": filled(0, v1=2, v255=1), "b": filled(2)}))
    assert [record.id for record in data.records] == ["a", "b"]
    assert data.classes == ("class_0", "class_1", "class_2")
    assert (data.records[0].size, len(data.records[0].boxes)) == ((6, 4), 0)
    sample = data.sample(0, at_least=(1, 1))
    assert sample.image.shape == (4, 6, 3)
    assert (sample.mask.dtype, sample.mask.shape) == (np.uint8, (4, 6))
    assert sample.mask[0].tolist() == [1, 1, 255, 0, 0, 0]
    assert (sample.boxes.shape, sample.labels.shape) == ((0, 4), (0,))
    assert data.class_pixels().tolist() == [21, 2, 24]


def test_a_training_sets_cache_and_workers_take_it(tmp_path):
    data = opened(make(tmp_path, {"a": filled(0, v1=2)}))
    kept = Kept(data).sample(0, (3, 2))
    assert (kept.size, kept.mask.shape) == ((6, 4), (4, 6))
    assert np.array_equal(pickle.loads(pickle.dumps(data)).sample(0).mask, kept.mask)


def test_masks_of_synthetic_data(tmp_path):
    root = synthesize(tmp_path / "set", 20, (64, 48))
    assert sorted(find_masks(root).splits) == ["test", "train", "val"]
    data = opened(root, "val")
    assert data.classes == ("background", "circle", "square", "triangle")
    assert (len(data), data.layout, data.notes, data.problems) == (3, "voc", [], [])
    _, mask, _ = draw_image(int(data.records[1].id), (64, 48), data.classes[1:], 0)
    assert np.array_equal(data.sample(1).mask, mask)


def test_masks_of_0_and_255_are_refused_with_the_map_that_would_do(tmp_path):
    root = make(tmp_path, {"a": filled(0), "b": filled(0, v255=3), "c": filled(255)})
    with pytest.raises(UserError) as caught:
        opened(root)
    assert str(caught.value) == (
        f"mask {root / 'masks' / 'c.png'} holds no values but 0 and 255, as all 3 masks do (255 in 24 of its pixels), "
        f"and 255 means ignored, so nothing but class 0 would be left; --mask-map 255=1 (data.mask_map: {{255: 1}} in "
        f"a recipe) makes it class 1"
    )
    with pytest.raises(UserError, match="--mask-map 255=1"):
        opened(root, "train", ["background", "cell"])
    data = opened(root, None, ["background", "cell"], mask_map={255: 1})
    assert data.class_pixels().tolist() == [24 + 21, 3 + 24]
    assert opened(root, mask_map={255: 1}).classes == ("class_0", "class_1")
    assert opened(root, mask_map={255: 1}).sample(1).mask[0].tolist() == [1, 1, 1, 0, 0, 0]


def test_a_value_that_is_no_class_is_refused_with_file_value_and_pixels(tmp_path):
    root = make(tmp_path, {"a": filled(0), "b": filled(0, v1=1, v9=3)})
    with pytest.raises(UserError, match=r"b\.png holds 9 in 3 pixels, which is no class: the classes are 0 to 1.*9=1"):
        opened(root, classes=["ground", "cell"])
    with pytest.raises(UserError, match="is there a name missing, as background before cell"):
        opened(root, classes=["cell"])
    data = opened(root, classes=["ground", "cell"], mask_map={9: 1})
    assert data.class_pixels().tolist() == [44, 4]


def test_values_that_do_not_count_from_0_are_refused_without_names(tmp_path):
    root = make(tmp_path, {"a": filled(0, v128=1), "b": filled(200)})
    with pytest.raises(UserError, match=r"hold the values 0, 128, 200, which aren't 0, 1, 2 .*--mask-map 128=1,200=2 "):
        opened(root)
    assert len(opened(root, mask_map={128: 1, 200: 2}).classes) == 3
    (root / "labels.txt").write_text("\n".join(f"name {value}" for value in range(201)), encoding="utf-8")
    assert opened(root).classes[200] == "name 200"


def test_pictures_as_masks_are_told_apart_from_classes(tmp_path):
    root = make(tmp_path, {"a": np.arange(96, dtype=np.uint8).reshape(8, 12) * 2}, (12, 8))
    with pytest.raises(UserError, match="but 96 different ones, as pictures do"):
        opened(root)


def test_masks_saved_as_jpeg_are_told_apart_from_sparse_ids(tmp_path):
    root = make(tmp_path, {"a": filled(0, v128=2)}, suffix="jpg")
    with pytest.raises(UserError, match=r"as .*a\.jpg and others were saved as JPEG, which changes values; save masks"):
        opened(root)


def test_many_sparse_ids_get_names_not_a_long_map(tmp_path):
    root = make(tmp_path, {"a": np.arange(1, 25, dtype=np.uint8).reshape(4, 6) * 3})
    with pytest.raises(UserError, match=r"name the classes, in a labels\.txt .* or number them by a mask map"):
        opened(root)


def test_a_single_class_is_nothing_to_learn(tmp_path):
    root = make(tmp_path, {"a": filled(0), "b": filled(0, v255=3, v0=1)})
    (root / "masks" / "b.png").unlink()
    with pytest.raises(UserError, match="hold no values but 0, so there is one class alone and nothing to learn"):
        opened(root)
    assert opened(root, classes=["ground", "cell"]).class_pixels().tolist() == [24, 0]


def test_classes_are_found_in_all_masks_so_that_splits_agree(tmp_path):
    make(tmp_path / "train", {"a": filled(1), "b": filled(0)})
    make(tmp_path / "val", {"a": filled(2)})
    assert opened(tmp_path, "train").classes == opened(tmp_path, "val").classes
    assert opened(tmp_path, "train").class_pixels().tolist() == [24, 24, 0]
    with pytest.raises(UserError, match="has no split 'test' of masks; there are train, val"):
        opened(tmp_path, "test")


def test_masks_of_another_size_are_refused(tmp_path):
    root = make(tmp_path, {"a": filled(1), "b": filled(0)})
    Image.fromarray(np.zeros((6, 4), np.uint8)).save(root / "masks" / "b.png")
    with pytest.raises(UserError, match=r"b\.png is 4x6 but its image .*b\.jpg is 6x4 \(its image's EXIF orientation"):
        opened(root)


def test_masks_in_colours_need_a_palette(tmp_path):
    colours = np.array([[0, 0, 0], [0, 200, 0], [200, 0, 0]], np.uint8)
    root = make(tmp_path, {"a": colours[filled(0, v1=2, v2=1)], "b": colours[filled(0)]})
    with pytest.raises(UserError, match=r"a\.png is in colours \(3, most of all #000000 in 21 pixels.*--palette"):
        opened(root)
    palette = tuple(map(tuple, colours.tolist()))
    data = opened(root, palette=palette)
    assert (len(data.classes), data.class_pixels().tolist()) == (3, [45, 2, 1])
    data = opened(root, palette=palette[:2], ignore_colours=palette[2:])
    assert data.sample(0).mask[0].tolist() == [1, 1, 255, 0, 0, 0]
    with pytest.raises(UserError, match="holds a colour that is no class's: #c80000 in 1 pixels"):
        opened(root, palette=palette[:2])
    assert opened(root, palette=palette, mask_map={2: 1}).class_pixels().tolist() == [45, 3]
    (root / "class_dict.csv").write_text("name,r,g,b\nx,0,0,0\ny,0,200,0\nvoid,200,0,0\n", encoding="utf-8")
    data = opened(root)
    assert (data.classes, data.class_pixels().tolist()) == (("x", "y"), [45, 2])


def test_labelme_files_are_drawn(tmp_path):
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    shapes = [{"label": "cell", "points": [[0, 0], [6, 0], [6, 2], [0, 2]]}]
    (tmp_path / "a.json").write_text(json.dumps({"imagePath": "a.png", "shapes": shapes}), encoding="utf-8")
    data = opened(tmp_path)
    assert (data.layout, data.classes) == ("labelme", ("background", "cell"))
    assert data.sample(0).mask.tolist() == [[1] * 6] * 2 + [[0] * 6] * 2
    assert data.class_pixels().tolist() == [12, 12]
    assert opened(tmp_path, classes=["cell"]).sample(0).mask.tolist() == [[0] * 6] * 2 + [[255] * 6] * 2
    with pytest.raises(UserError, match="have the class 'cell', which isn't among background, cells, did you mean"):
        opened(tmp_path, classes=["background", "cells"])
    with pytest.raises(UserError, match=r"annotations with names .layout labelme., so a mask map has nothing to map"):
        opened(tmp_path, mask_map={255: 1})


def test_wrong_arguments_are_refused(tmp_path):
    root = make(tmp_path, {"a": filled(0)})
    with pytest.raises(ValueError, match="a sequence of names"):
        opened(root, classes="cell")
    with pytest.raises(UserError, match="'a' is named twice in a, a"):
        opened(root, classes=["a", "a"])
    (root / "masks" / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match=r"a\.png"):
        opened(root)


@pytest.mark.skipif(not MEMBRANE.is_dir(), reason="the membrane data set isn't there")
def test_membrane_is_refused_explained_and_then_read():
    with pytest.raises(UserError, match=r"as all 30 masks do .*--mask-map 255=1"):
        opened(MEMBRANE, "train")
    train, val = (opened(MEMBRANE, split, mask_map={255: 1}) for split in ("train", "val"))
    assert (len(train), len(val), train.classes) == (25, 5, ("class_0", "class_1"))
    assert train.sample(0).mask.shape == train.sample(0).image.shape[:2] == (512, 512)
    assert 0.1 < train.class_pixels()[0] / train.class_pixels().sum() < 0.4


def test_an_image_that_cannot_be_read_is_left_out_with_a_problem(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name in ("a", "b"):
        path = tmp_path / "images" / f"{name}.jpg"
        Image.effect_noise((40, 30), 90).convert("RGB").save(path)
        Image.fromarray(np.arange(30, dtype=np.uint8)[:, None].repeat(40, 1) % 2).save(
            tmp_path / "masks" / f"{name}.png"
        )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    data = find_masks(tmp_path).open()
    assert [record.id for record in data.records] == ["a"]
    assert [(problem.kind, problem.file.name) for problem in data.problems] == [("image left out", "b.jpg")]
    assert data.sample(0).mask.shape == (30, 40)


@pytest.mark.parametrize("classes", [None, ("ground", "cell")])
def test_a_mask_file_that_cannot_be_read_is_left_out_with_a_problem(tmp_path, classes):
    root = make(tmp_path, {name: filled(0, v1=2) for name in "abcd"})
    whole = (root / "masks" / "c.png").read_bytes()
    (root / "masks" / "a.png").write_bytes(b"")
    (root / "masks" / "c.png").write_bytes(whole[:-30])
    data = opened(root, None, classes)
    assert [record.id for record in data.records] == ["b", "d"]
    assert [(problem.kind, problem.file.name) for problem in data.problems] == [
        ("image left out", "a.png"),
        ("image left out", "c.png"),
    ]
    assert "a.png is empty" in data.problems[0].text
    assert data.mask(1)[0].tolist() == [1, 1, 0, 0, 0, 0]
    Image.new("RGBA", (6, 4)).save(root / "masks" / "d.png")
    with pytest.raises(UserError, match=r"d\.png has 24 transparent pixels"):
        opened(root, None, classes)
    for name in "bd":
        (root / "masks" / f"{name}.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"a\.png is empty"):
        opened(root, None, classes)
