import numpy as np
from PIL import Image

from trizoo.pictures.palette import class_colours, mask_colours, palette_image, voc_palette

MASK = np.array([[0, 1], [255, 2]], np.uint8)


def test_palette_is_that_of_voc():
    # https://host.robots.ox.ac.uk/pascal/VOC: aeroplane 128,0,0; person (15) 192,128,128; tv (20) 0,64,128; void
    assert voc_palette()[[0, 1, 15, 20, 255]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [192, 128, 128],
        [0, 64, 128],
        [224, 224, 192],
    ]


def test_a_mask_file_keeps_class_ids(tmp_path):
    palette_image(MASK).save(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as file:
        assert file.mode == "P"
        assert np.array_equal(np.asarray(file), MASK)
        assert file.convert("RGB").getpixel((1, 1)) == (0, 128, 0)


def test_masks_to_judge_have_bright_colours_from_class_1_on():
    assert mask_colours(4)[0].tolist() == [0, 0, 0]
    assert np.array_equal(mask_colours(4)[1:], class_colours(3))
    assert [len(mask_colours(count)) for count in (0, 1, 2, 255)] == [0, 1, 2, 255]
