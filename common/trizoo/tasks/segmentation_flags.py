"""The flags that segmentation models alone have."""

from trizoo.tasks.flags import Flag, TaskFlags

VIEWS = ("blend", "mask", "cut-out")
STRIDES = ("8", "16")  # in `trizoo.families.segmentation.spec`, which takes long to load


def mask_map(text):
    """See `trizoo.data.masks.encoding.parse_mask_map`."""
    from trizoo.data.masks.encoding import parse_mask_map  # here: it takes NumPy and Pillow, which help does without

    return parse_mask_map(text)


def palette(text):
    """See `trizoo.data.masks.encoding.parse_palette`."""
    from trizoo.data.masks.encoding import parse_palette  # here, as above

    return parse_palette(text)


MASKS = (
    Flag(
        "mask_map",
        "what values in mask files mean: 255=1 makes 255 class 1, else it is ignored; 0-127=0,128-255=1 a threshold",
        metavar="VALUE=CLASS,…",
        parse=mask_map,
        sets=lambda mapping: {"data.mask_map": mapping},
    ),
    Flag(
        "palette",
        "the classes' colours in order, for masks in colours; e0e0c0=255 ignores one; voc, cityscapes = theirs",
        metavar="RRGGBB,…",
        parse=palette,
        sets=lambda value: {"data.ignore_colours": list(value[1]), "data.palette": list(value[0])},
    ),
)
OUTPUT_STRIDE = Flag(
    "output_stride",
    "input pixels per coarsest cell: 8 is finer and slower than 16 (default: as it was trained)",
    choices=STRIDES,
    sets=lambda value: {"model.output_stride": int(value)},
)
FLAGS = TaskFlags(
    models="segmentation models",
    asked=("mask",),
    train=MASKS,
    evaluate=(Flag("boundary", "boundary IoU too, some 15 ms an image"), OUTPUT_STRIDE, *MASKS),
    predict=(
        Flag(
            "view",
            "colours over the image, colours alone, or what is of class 1 or above on nothing",
            choices=VIEWS,
        ),
        OUTPUT_STRIDE,
        Flag("masks", "write masks of class ids with VOC's palette to DIR/masks", writes=True, folder="masks"),
    ),
)
