import json

import numpy as np
import pytest

from trizoo.data.masks.coco import read_coco
from trizoo.data.masks.find import find_masks
from trizoo.data.masks.panoptic import read_panoptic
from trizoo.ground.errors import UserError
from trizoo.tests.coco_files import box_entry, draw, write_coco
from trizoo.tests.mask_files import touch

CATEGORIES = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}]


def square(x, y, side):
    return [[x, y, x + side, y, x + side, y + side, x, y + side]]


def instance(number, category, segmentation, area=1, **more):
    return {
        "id": number,
        "image_id": 1,
        "category_id": category,
        "segmentation": segmentation,
        "area": area,
        "iscrowd": 0,
        **more,
    }


def write(path, annotations, categories=CATEGORIES, size=(8, 6), **more):
    images = [{"id": 1, "file_name": "a.jpg", "width": size[0], "height": size[1]}]
    content = {"images": images, "annotations": annotations, "categories": categories, **more}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def drawn(path, labels=None, size=(8, 6)):
    content = read_coco(path)
    labels = labels or {name: label for label, name in enumerate(content.classes)}
    return content.images[0].draw(labels, size)


def test_classes_are_the_background_and_categories_by_id(tmp_path):
    assert read_coco(write(tmp_path / "a.json", [])).classes == ("background", "cat", "dog")
    named = [{"id": 0, "name": "Background"}, {"id": 1, "name": "cat"}]
    assert read_coco(write(tmp_path / "a.json", [], named)).classes == ("background", "cat")


def test_smaller_instances_lie_over_larger_ones_and_crowds_under_them_all(tmp_path):
    crowd = {"size": [6, 8], "counts": [0, 48]}
    path = write(
        tmp_path / "a.json",
        [
            instance(1, 3, square(0, 0, 2), area=4),
            instance(2, 7, square(0, 0, 4), area=16),
            instance(3, 3, crowd, area=48, iscrowd=1),
        ],
    )
    mask = drawn(path)
    assert (mask[:2, :2] == 1).all()
    assert (mask == 2).sum() == 16 - 4
    assert (mask == 255).sum() == 48 - 16


def test_run_lengths_as_list_and_text(tmp_path):
    # columns of 6: the first 6 pixels, and then all but one
    path = write(tmp_path / "a.json", [instance(1, 3, {"size": [6, 8], "counts": [0, 6, 42]})])
    mask = drawn(path)
    assert (mask[:, 0] == 1).all()
    assert mask.sum() == 6


def test_without_background_among_the_classes_the_rest_is_ignored(tmp_path):
    path = write(tmp_path / "a.json", [instance(1, 3, square(0, 0, 2))])
    assert np.unique(drawn(path, {"cat": 0, "dog": 1})).tolist() == [0, 255]


def test_instances_without_segmentation_are_told(tmp_path):
    content = read_coco(write(tmp_path / "a.json", [instance(5, 3, [])]))
    assert [str(problem.text) for problem in content.problems] == [
        "annotation 5 (cat) of a.jpg has no segmentation and is left out"
    ]


@pytest.mark.parametrize(
    ("annotations", "categories", "text"),
    [
        ([instance(1, 5, square(0, 0, 1))], CATEGORIES, "1 is of category 5, which isn't listed"),
        ([instance(1, 3, [], image_id=2)], CATEGORIES, "annotation 1 is of image 2, which isn't listed"),
        ([{"id": 1}], CATEGORIES, "isn't written as COCO's files are"),
        ([1], CATEGORIES, "isn't written as COCO's files are"),
        ([], [], "has 0 categories"),
        ([], [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}], "has 2 categories called 'a'"),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path, annotations, categories, text):
    with pytest.raises(UserError, match=text):
        read_coco(write(tmp_path / "a.json", annotations, categories))


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 2, 3]],
        [["a", "b"]],
        [[1e300, 0, 1, 1, 2, 2]],
        5,
        {"size": [6, 8], "counts": [10**30]},
        {"size": [6, 8], "counts": [3]},
        {"size": [8, 6], "counts": [48]},
    ],
)
def test_segmentations_that_cannot_be_drawn_are_refused(tmp_path, segmentation):
    with pytest.raises(UserError, match=r"a\.json, annotation 4 of a\.jpg has a segmentation that can't be drawn"):
        drawn(write(tmp_path / "a.json", [instance(4, 3, segmentation)]))


def test_a_file_name_is_text(tmp_path):
    path = write(tmp_path / "a.json", [])
    path.write_text(path.read_text(encoding="utf-8").replace('"a.jpg"', "[1]"), encoding="utf-8")
    with pytest.raises(UserError, match=r"isn't written as COCO's files are: .* at `\$\.images\[0\]\.file_name`"):
        read_coco(path)


@pytest.mark.parametrize("width", ["null", '"8"', "0", "-8", "8.5", "1e99"])
def test_sizes_are_numbers_of_pixels(tmp_path, width):
    path = write(tmp_path / "a.json", [])
    path.write_text(path.read_text(encoding="utf-8").replace('"width": 8', f'"width": {width}'), encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.json: a\.jpg has the size .*x6; its pixels are needed"):
        read_coco(path)


def test_an_object_keeps_its_own_bytes_alone(tmp_path):
    path = write(tmp_path / "a.json", [instance(1, 3, square(0, 0, 2)), instance(2, 3, [])])
    (found,) = read_coco(path).images[0].objects
    assert found.segmentation == json.dumps(square(0, 0, 2)).encode()


def test_images_of_another_size_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"says that a\.jpg is 8x6, but it is 6x8"):
        drawn(write(tmp_path / "a.json", []), size=(6, 8))
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="missing required field `images`"):
        read_coco(tmp_path / "a.json")


def test_masks_of_nothing_but_background_are_refused(tmp_path):
    draw(tmp_path, "a.jpg", "b.jpg")
    path = write_coco(tmp_path / "_annotations.coco.json", ["a.jpg", "b.jpg"], [(1, 1, [8, 4, 32, 16])])
    with pytest.raises(
        UserError, match=r"_annotations\.coco\.json would be nothing but background: no annotation has an"
    ):
        find_masks(tmp_path)
    write_coco(path, ["a.jpg", "b.jpg"], [box_entry(1, 2, 1, [8, 4, 32, 16], segmentation=square(8, 4, 9))])
    listing = find_masks(tmp_path)
    assert sorted(listing.pairs) == ["a", "b"]
    assert listing.problems == ()


@pytest.mark.parametrize(
    "name", ["{}/secret.jpg", "../secret.jpg", "x/../../secret.jpg", "C:\\secret.jpg", "..\\secret.jpg"]
)
@pytest.mark.parametrize("layout", ["coco", "panoptic"])
def test_names_never_lead_out_of_the_folder(tmp_path, name, layout):
    root, name = tmp_path / "root", name.format(tmp_path)
    draw(tmp_path, "secret.jpg", "secret.png", "root/a.jpg", "root/all/a.png", size=(4, 3))
    path = root / "all.json"
    coco(path, ["a.jpg", name], panoptic=layout == "panoptic")
    content = json.loads(path.read_text(encoding="utf-8"))
    if layout == "panoptic":
        content["annotations"][0]["file_name"] = "a.png"
        content["annotations"].append({**content["annotations"][0], "file_name": name.replace(".jpg", ".png")})
        path.write_text(json.dumps(content), encoding="utf-8")
    listing = find_masks(root, layout)
    assert [pair.image for pair in listing.pairs.values()] == [root / "a.jpg"]
    assert [problem.kind for problem in listing.unpaired] == ["missing image"]
    if layout == "panoptic":
        masks = [image.mask for image in read_panoptic(path).images]
        assert masks[0] == root / "all" / "a.png"
        assert all(mask.is_relative_to(root) and ".." not in mask.parts for mask in masks)


def test_images_of_one_name_and_two_suffixes_are_two(tmp_path):
    draw(tmp_path, "a.jpg", "a.png", size=(4, 3))
    coco(tmp_path / "all.json", ["a.jpg", "a.png"])
    pairs = find_masks(tmp_path).pairs
    assert {id: pair.image.name for id, pair in pairs.items()} == {"a": "a.jpg", "a.png": "a.png"}


def test_places_of_coco_can_be_named(tmp_path):
    draw(tmp_path, "one/a.jpg", "two/a.jpg", size=(4, 3))
    for part in "xy":
        coco(tmp_path / part / "all.json", ["a.jpg"])
    listing = find_masks(tmp_path, images="two", annotations="y/all.json")
    assert [(pair.image, pair.truth.path) for pair in listing.pairs.values()] == [
        (tmp_path / "two" / "a.jpg", tmp_path / "y" / "all.json")
    ]


def coco(path, names, size=(4, 3), panoptic=False, categories=({"id": 3, "name": "cat"},)):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": i, "file_name": name, "width": size[0], "height": size[1]} for i, name in enumerate(names)]
    annotations = [
        {"image_id": i, "file_name": f"{i}.png", "segments_info": []}
        if panoptic
        else {"id": i, "image_id": i, "category_id": 3, "segmentation": [[0, 0, 4, 0, 4, 3]]}
        for i in range(len(names))
    ]
    content = {"images": images, "annotations": annotations, "categories": list(categories)}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_coco_as_it_is_published(tmp_path):
    touch(tmp_path, "train2017/a.jpg", "images/val2017/b.jpg")
    coco(tmp_path / "annotations" / "instances_train2017.json", ["a.jpg"])
    coco(tmp_path / "annotations" / "instances_val2017.json", ["b.jpg", "c.jpg"])
    coco(tmp_path / "annotations" / "captions_val2017.json", ["b.jpg"])
    coco(tmp_path / "annotations" / "panoptic_val2017.json", ["b.jpg"], panoptic=True)
    touch(tmp_path, "annotations/panoptic_val2017/0.png")
    listing = find_masks(tmp_path)
    assert (listing.layout, listing.classes) == ("coco", ("background", "cat"))
    assert listing.splits == {"train": ["train/a"], "val": ["val/b"]}
    assert listing.pairs["val/b"].image == tmp_path / "images" / "val2017" / "b.jpg"
    assert [problem.text[:14] for problem in listing.unpaired] == ["c.jpg is not i"]
    listing = find_masks(tmp_path, "panoptic")
    assert (listing.classes, listing.splits) == (("cat",), {"val": ["val/b"]})
    assert listing.pairs["val/b"].truth.mask == tmp_path / "annotations" / "panoptic_val2017" / "0.png"


def test_coco_files_in_the_folders_of_their_images(tmp_path):
    touch(tmp_path, "train/a.jpg", "valid/b.jpg")
    coco(tmp_path / "train" / "_annotations.coco.json", ["a.jpg"])
    coco(tmp_path / "valid" / "_annotations.coco.json", ["b.jpg"])
    listing = find_masks(tmp_path)
    assert listing.splits == {"train": ["train/a"], "val": ["val/b"]}
    coco(tmp_path / "valid" / "_annotations.coco.json", ["b.jpg"], categories=[{"id": 3, "name": "cats"}])
    with pytest.raises(UserError, match=r"valid.*json has other categories than .*train"):
        find_masks(tmp_path)


def test_one_coco_file_of_any_name_is_split_by_hash(tmp_path):
    touch(tmp_path, *(f"images/{i}.jpg" for i in range(10)))
    coco(tmp_path / "result.json", [f"{i}.jpg" for i in range(10)])
    listing = find_masks(tmp_path)
    assert sum(len(ids) for ids in listing.splits.values()) == 10
    assert set(listing.splits) == {"train", "val"}
    assert len(listing.notes) == 1
