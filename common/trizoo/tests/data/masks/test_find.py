import numpy as np
import pytest
from PIL import Image

from trizoo.data.masks.find import has_masks, list_masks
from trizoo.ground.errors import UserError


def touch(root, *names, size=(4, 3)):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)


def test_where_nothing_is_found_it_says_what_was_looked_for(tmp_path):
    (tmp_path / "annotations.json").write_text("{}", encoding="utf-8")
    assert not has_masks(tmp_path)
    with pytest.raises(UserError, match=r"no data set with masks in .*: VOC .SegmentationClass., folders of"):
        list_masks(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        list_masks(tmp_path / "none")
    with pytest.raises(UserError, match="the layout is 'mask'; one of voc, folders"):
        list_masks(tmp_path, "mask")
    touch(tmp_path, "images/a.png", "masks/a.png")
    assert has_masks(tmp_path)
    with pytest.raises(UserError, match="labelme was looked for"):
        list_masks(tmp_path, "labelme")
    assert np.all([pair.image.is_file() for pair in list_masks(tmp_path).pairs.values()])
