"""A legend: what each colour in pictures of masks means."""

import numpy as np
from PIL import Image, ImageDraw

from trizoo.pictures.draw_masks import IGNORED_TEXT, stripes
from trizoo.pictures.fonts import label_faces, load_font
from trizoo.pictures.palette import mask_colours

GROUND, INK, EDGE = (255, 255, 255), (0, 0, 0), (120, 120, 120)


def draw_legend(class_names, width, *, font_size=15):
    """The classes' names beside the colours that `draw_mask` gives them, and what is ignored: -> uint8 (H, W, 3) RGB.

    Entries stand in rows as they fit; a name too long for a row is cut at its end.

    Args:
        width: of the legend in pixels
        font_size: in pixels
    """
    faces = [*label_faces(tuple(class_names)), *label_faces((IGNORED_TEXT,))]
    fonts = [load_font(file, font_size) for _, file in faces]
    side, margin = font_size, max(2, font_size // 3)
    row_height = side + 2 * margin
    places, x, row = [], margin, 0
    for (text, _), font in zip(faces, fonts, strict=True):
        length = side + margin + round(font.getlength(text)) + 2 * margin
        if x > margin and x + length > width:
            x, row = margin, row + 1
        places.append((x, row * row_height + margin))
        x += length
    picture = Image.new("RGB", (width, (row + 1) * row_height), GROUND)
    pen = ImageDraw.Draw(picture)
    swatches = [np.full((side, side, 3), colour, np.uint8) for colour in mask_colours(len(class_names))]
    swatches[:1] = [np.full((side, side, 3), GROUND, np.uint8)]  # class 0 leaves the image as it is
    swatches.append(stripes(np.full((side, side, 3), EDGE, np.uint8)))
    for swatch, (left, top), (text, _), font in zip(swatches, places, faces, fonts, strict=True):
        picture.paste(Image.fromarray(swatch), (left, top))
        pen.rectangle((left, top, left + side - 1, top + side - 1), outline=EDGE)
        pen.text((left + side + margin, top + side / 2), text, fill=INK, font=font, anchor="lm")
    return np.array(picture)
