"""The entries of a recipe's `augment`, one class an operation of `trizoo.augment.pipeline.OPERATIONS`."""

import functools
import operator
from typing import Annotated, Any, Literal

from pydantic import Field, create_model, model_validator

from trizoo.augment.policy import STRONGEST
from trizoo.ground.fields import Count, Inside, Positive, Probability, Section, Share, least_first


class RandomPlacement(Section):
    """Aspect jitter, scale and a random position on a grey canvas."""

    op: Literal["random_placement"] = "random_placement"
    jitter: Annotated[float, Field(ge=0, lt=1)] = 0.3
    scale: tuple[Positive, Positive] = Field((0.25, 2.0), description="least and greatest; 1 = the image just fits")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "scale")


class Mosaic(Section):
    """Several images as tiles of one canvas, instead of random_placement (Bochkovskiy et al. 2020)."""

    op: Literal["mosaic"] = "mosaic"
    probability: Probability = 0.5
    images: Literal[4, 9] = 4
    jitter: Annotated[float, Field(ge=0, lt=1)] = Field(0.3, description="as in random_placement")
    scale: tuple[Positive, Positive] = Field((0.4, 1.0), description="as in random_placement; 1 = fits the canvas")
    centre: tuple[Inside, Inside] = Field((0.3, 0.7), description="where tiles meet, share of the canvas's sides")
    min_visible: Probability = Field(0.0, description="a box of which less is left in its tile goes")
    until: Probability = Field(0.7, description="share of the run after which it happens no more")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "scale", "centre")


class Mixup(Section):
    """Blended with another image, the boxes of both, a classifier's classes by their shares (Zhang et al. 2018).

    The other image has gone through all of the recipe's operations but mosaic and mixup, so mixup is best listed last.
    """

    op: Literal["mixup"] = "mixup"
    probability: Probability = 0.5
    alpha: Positive = Field(32.0, description="the larger, the nearer to half of each")
    only_mosaic: bool = Field(True, description="only what became a mosaic")
    until: Probability = Field(0.7, description="share of the run after which it happens no more")


class CutMix(Section):
    """A rectangle of another image pasted in, boxes and mask cut to what is seen (Yun et al. 2019).

    A classifier's classes share the area. The other image has gone through the recipe's operations as in mixup, so
    cutmix is best listed behind them, too.
    """

    op: Literal["cutmix"] = "cutmix"
    probability: Probability = 0.5
    alpha: Positive = Field(1.0, description="1 = any share of the image alike; larger = nearer to half")
    min_visible: Probability = Field(0.3, description="a box of which less can be seen goes")
    until: Probability = Field(0.7, description="share of the run after which it happens no more")


class Cutout(Section):
    """Grey rectangles (Zhong et al. 2020; DeVries & Taylor 2017); boxes and mask stay."""

    op: Literal["cutout"] = "cutout"
    probability: Probability = 0.5
    holes: Count = 1
    size: tuple[Share, Share] = Field((0.1, 0.3), description="least and greatest, share of the image's sides")
    until: Probability = Field(1.0, description="share of the run after which it happens no more")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "size")


class GridMask(Section):
    """A grid of grey squares (Chen et al. 2020); boxes and mask stay."""

    op: Literal["grid_mask"] = "grid_mask"
    probability: Probability = 0.5
    unit: tuple[Positive, Positive] = Field((0.4, 1.0), description="side of the grid's units / image's shorter side")
    keep: Probability = Field(0.6, description="share of a unit's side that its square leaves")
    until: Probability = Field(1.0, description="share of the run after which it happens no more")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "unit")


class RandomErasing(Section):
    """One rectangle full of random pixels, ignored in the mask (Zhong et al. 2020)."""

    op: Literal["random_erasing"] = "random_erasing"
    probability: Probability = 0.5
    area: tuple[Share, Share] = Field((0.02, 0.4), description="least and greatest, share of the image's")
    aspect: tuple[Positive, Positive] = Field((0.3, 3.3), description="least and greatest width / height")
    noise: bool = Field(True, description="random pixels; false = grey")
    max_hidden: Probability = Field(0.8, description="a box of which more is erased goes; 1 = boxes stay")
    until: Probability = Field(1.0, description="share of the run after which it happens no more")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "area", "aspect")


class HideAndSeek(Section):
    """Patches of a grid hidden by grey, each on its own, ignored in the mask (Singh & Lee 2017)."""

    op: Literal["hide_and_seek"] = "hide_and_seek"
    probability: Probability = 0.5
    patch: tuple[Share, Share] = Field((0.07, 0.25), description="side of the patches / image's shorter side")
    hide: Probability = Field(0.5, description="how likely a patch is hidden")
    max_hidden: Probability = Field(0.8, description="a box of which more is hidden goes; 1 = boxes stay")
    until: Probability = Field(1.0, description="share of the run after which it happens no more")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "patch")


class Place(Section):
    """The plain resizing that evaluation uses."""

    op: Literal["place"] = "place"
    policy: Literal["letterbox", "stretch"] | None = Field(None, description="none = the recipe's resize")


class Flip(Section):
    """Left and right swapped."""

    op: Literal["flip"] = "flip"
    probability: Probability = 0.5


class VerticalFlip(Section):
    """Top and bottom swapped."""

    op: Literal["vertical_flip"] = "vertical_flip"
    probability: Probability = 0.5


class Rotate(Section):
    """Turned about the image's centre; boxes become the hull of their corners, a mask's new corners are ignored."""

    op: Literal["rotate"] = "rotate"
    probability: Probability = 0.25
    degrees: Annotated[float, Field(ge=0, le=180)] = Field(10.0, description="the largest angle, to either side")
    min_visible: Probability = Field(0.0, description="a box of which less is left in the image goes")
    until: Probability = Field(1.0, description="share of the run after which it happens no more")


class Blur(Section):
    """Out of focus, by a Gaussian; boxes stay."""

    op: Literal["blur"] = "blur"
    probability: Probability = 0.25
    sigma: tuple[Positive, Positive] = Field((0.5, 1.5), description="least and greatest standard deviation in pixels")
    until: Probability = Field(1.0, description="share of the run after which it happens no more")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "sigma")


class HSV(Section):
    """Random gains of hue, saturation and value."""

    op: Literal["hsv"] = "hsv"
    hue: Probability = 0.1
    saturation: Probability = 0.7
    value: Probability = 0.4
    probability: Probability = 1.0


class BrightnessContrast(Section):
    """Levels moved, and spread about their mean, in all channels alike."""

    op: Literal["brightness_contrast"] = "brightness_contrast"
    brightness: Probability = Field(0.2, description="most that is added or taken away, share of white")
    contrast: Probability = Field(0.2, description="most by which distances from the mean grow or shrink")
    probability: Probability = 0.5
    until: Probability = Field(1.0, description="share of the run after which it happens no more")


class CLAHE(Section):
    """Lightness equalised tile by tile, with a limit to contrast (Zuiderveld 1994)."""

    op: Literal["clahe"] = "clahe"
    probability: Probability = 0.25
    clip: tuple[Positive, Positive] = Field((1.0, 4.0), description="least and greatest limit, as in OpenCV")
    tiles: Count = Field(8, le=64, description="along each side")
    until: Probability = Field(1.0, description="share of the run after which it happens no more")

    @model_validator(mode="after")
    def _in_order(self):
        return least_first(self, "clip")


class RandAugment(Section):
    """A few operations chosen at random, as strong as one number says (Cubuk et al. 2020)."""

    op: Literal["rand_augment"] = "rand_augment"
    operations: Count = Field(2, le=16, description="how many; one may come twice")
    magnitude: Annotated[float, Field(ge=0, le=STRONGEST)] = Field(5.0, description="0 to 10, the strongest")
    geometric: bool = Field(False, description="turn and zoom, too; boxes and mask follow")
    probability: Probability = 1.0
    until: Probability = Field(1.0, description="share of the run after which it happens no more")


SECTIONS = {
    section.model_fields["op"].default: section
    for section in (
        *(Mosaic, RandomPlacement, Place, Flip, VerticalFlip, Rotate, HSV, Blur, Mixup, Cutout, GridMask),
        *(BrightnessContrast, CLAHE, RandomErasing, HideAndSeek, CutMix, RandAugment),
    )
}


def operation_section():
    """The type of an entry of `augment`: that of one of the operations, as `op` says."""
    sections = functools.reduce(operator.or_, SECTIONS.values())
    return Annotated[sections, Field(discriminator="op")]


def own_section(name, defaults):
    """The class of a registered operation's entry: {parameter: default} of any kind that YAML has."""
    fields = {parameter: (Any, default) for parameter, default in defaults.items()}
    return create_model(name, __base__=Section, op=(Literal[name], name), **fields)


Operation = operation_section()
