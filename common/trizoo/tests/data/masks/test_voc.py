import pytest

from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.tests.mask_files import touch, unpaired


def test_voc_takes_its_segmentation_lists(tmp_path):
    touch(tmp_path, *(f"JPEGImages/{name}.jpg" for name in "abcd"), *(f"SegmentationClass/{name}.png" for name in "ab"))
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n", encoding="utf-8")
    listing = find_masks(tmp_path)
    assert (listing.layout, listing.splits) == ("voc", {"train": ["a", "b"]})
    assert listing.unpaired == ()  # images without masks are VOC's own way
    (lists / "val.txt").write_text("c\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"1 of 1 images of .*val\.txt lack an image in .* or a mask in .*: c"):
        find_masks(tmp_path)


def test_voc_lists_for_boxes_are_cut_down_to_images_with_masks(tmp_path):
    touch(tmp_path, *(f"JPEGImages/{name}.jpg" for name in "abc"), "SegmentationClass/a.png", "SegmentationClass/z.png")
    main = tmp_path / "ImageSets" / "Main"
    main.mkdir(parents=True)
    (main / "train.txt").write_text("a\nb\n", encoding="utf-8")
    (main / "val.txt").write_text("c\n", encoding="utf-8")
    listing = find_masks(tmp_path)
    assert listing.splits == {"train": ["a"]}
    assert unpaired(listing) == [("mask without image", "z.png")]
