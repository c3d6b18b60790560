"""A few of many operations at random, all as strong as one number says."""

from trizoo.augment.blurring import blur
from trizoo.augment.colour import brightness_contrast, clahe, hsv
from trizoo.augment.geometry import happens, random_placement, rotate

STRONGEST = 10  # the magnitude at which an operation is as strong as it gets here


def _zoom(sample, rng, strength):
    """Aspect, size and place changed, at the sample's own size."""
    return random_placement(sample, sample.size, rng, jitter=0.3 * strength, scale=(1 - 0.5 * strength, 1 + strength))


# name -> function of (sample, rng, strength from 0 to 1) -> Sample
PHOTOMETRIC = {
    "hue": lambda sample, rng, strength: hsv(sample, rng, hue=0.5 * strength, saturation=0, value=0),
    "saturation": lambda sample, rng, strength: hsv(sample, rng, hue=0, saturation=0.9 * strength, value=0),
    "value": lambda sample, rng, strength: hsv(sample, rng, hue=0, saturation=0, value=0.7 * strength),
    "brightness": lambda sample, rng, strength: brightness_contrast(sample, rng, 0.4 * strength, 0, 1),
    "contrast": lambda sample, rng, strength: brightness_contrast(sample, rng, 0, 0.9 * strength, 1),
    "blur": lambda sample, rng, strength: blur(sample, rng, 1, (1e-3, 1e-3 + 2 * strength)),
    "clahe": lambda sample, rng, strength: clahe(sample, rng, strength),  # no clip makes it do nothing
}
GEOMETRIC = {
    "rotate": lambda sample, rng, strength: rotate(sample, rng, 1, 30 * strength),
    "zoom": _zoom,
}


def rand_augment(sample, rng, operations=2, magnitude=5.0, geometric=False, probability=1.0):
    """With this probability the sample after a few operations, chosen at random one by one -> Sample.

    RandAugment (Cubuk et al. 2020) through the operations that there are: each is drawn from all of PHOTOMETRIC, and of
    GEOMETRIC where asked for, so that one may come twice. As in all operations here the magnitude is the most that is
    done, in either direction, not what is done each time; the paper's first experiments saw no difference.

    Always one draw and one generator spawned.

    Args:
        operations: how many
        magnitude: from 0 to 10, the strongest
        geometric: whether images are turned, zoomed and moved, too; boxes and mask follow

    Raises:
        ValueError: for less than one operation and a magnitude or probability out of bounds
    """
    if operations < 1:
        raise ValueError(f"operations is {operations!r}; a whole number from 1 is needed")
    if not 0 <= magnitude <= STRONGEST:
        raise ValueError(f"magnitude is {magnitude!r}; a number from 0 to {STRONGEST} is needed")
    happening, (rng,) = happens(rng, probability), rng.spawn(1)
    if not happening:
        return sample
    known = [*PHOTOMETRIC.values(), *(GEOMETRIC.values() if geometric else ())]
    for number in rng.integers(len(known), size=operations):
        sample = known[number](sample, rng, magnitude / STRONGEST)
    return sample
