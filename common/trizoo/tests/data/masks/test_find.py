import pytest

from trizoo.data.masks.find import FINDERS, find_masks
from trizoo.data.masks.listing import Listing
from trizoo.data.masks.pair import MaskFile, Pair
from trizoo.ground.errors import UserError
from trizoo.tests.mask_files import touch


def test_where_nothing_is_found_it_says_what_was_looked_for(tmp_path):
    (tmp_path / "annotations.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"no data set with masks in .*: VOC .SegmentationClass., folders of"):
        find_masks(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        find_masks(tmp_path / "none")
    with pytest.raises(UserError, match="the layout is 'mask'; one of voc, "):
        find_masks(tmp_path, "mask")
    touch(tmp_path, "images/a.png", "masks/a.png")
    with pytest.raises(UserError, match="labelme was looked for"):
        find_masks(tmp_path, "labelme")
    assert all(pair.image.is_file() for pair in find_masks(tmp_path).pairs.values())


def test_a_format_is_a_function_and_a_line_in_the_table(tmp_path, monkeypatch):
    def find_mine(root, images=None, annotations=None):
        """a.png is the mask of a.jpg beside it."""
        images = {path.stem: path for path in sorted(root.glob("*.jpg"))}
        pairs = {id: Pair(id, path, MaskFile(path.with_suffix(".png"))) for id, path in images.items()}
        return Listing(root, "mine", pairs, {"train": [*pairs]}, ("ground", "cell")) if pairs else None

    touch(tmp_path, "a.jpg", "a.png")
    with pytest.raises(UserError, match="no data set with masks"):
        find_masks(tmp_path)
    monkeypatch.setitem(FINDERS, "mine", find_mine)
    data = find_masks(tmp_path).open("train")
    assert (data.layout, data.classes, len(data)) == ("mine", ("ground", "cell"), 1)
    assert data.sample(0).mask.tolist() == [[0] * 4] * 3
