"""Weights and images made from names, the same on every machine and in every framework."""

import math
import zlib

import numpy as np


def pseudo_array(name, shape):
    """A plausible value of one parameter, from its canonical name and shape alone -> float32.

    Kernels are uniform with a standard deviation of 1 / sqrt(fan in), so that features neither vanish nor explode;
    normalisation weights and variances lie in [0.5, 1.5], biases and means in [-0.5, 0.5], scales of an L2
    normalisation in [10, 30]. NumPy promises that RandomState's streams never change.
    """
    values = np.random.RandomState(zlib.crc32(name.encode())).random_sample(shape)
    leaf = name.rsplit(".", 1)[-1]
    if len(shape) == 4:
        bound = math.sqrt(3 / math.prod(shape[1:]))
        return ((values * 2 - 1) * bound).astype(np.float32)
    if leaf in ("weight", "running_var"):
        return (values + 0.5).astype(np.float32)
    if leaf in ("bias", "running_mean"):
        return (values - 0.5).astype(np.float32)
    if leaf == "scale":
        return ((values + 0.5) * 20).astype(np.float32)
    raise ValueError(f"no pseudo-weights are defined for {name} of shape {tuple(shape)}")


def pseudo_arrays(shapes):
    """`pseudo_array` of every parameter: {name: shape} -> {name: array}."""
    return {name: pseudo_array(name, shape) for name, shape in shapes.items()}


def calm(arrays):
    """The same parameters, normalisations' weights times 0.3 and 1 added to biases before activations: {name: array}.

    Where statistics are the batch's, a deep network enlarges the difference of two nearly equal inputs at every kink of
    its activations (Yang et al. 2019, arXiv:1902.08129): the last bit grows to 1e-2 in 50 layers, also in one framework
    with one thread and with two. Calm normalisations keep most values, not all, on one side of the kinks.
    """
    changed = {}
    for name, array in arrays.items():
        if name.endswith(("bn.weight", "gn.weight")):
            array = array * np.float32(0.3)
        elif ".tower." in name and name.endswith("conv.weight"):  # RetinaNet's, which may have no normalisation
            array = array * np.float32(0.25)
        elif name.endswith(("bn.bias", "gn.bias")) or (".tower." in name and name.endswith("conv.bias")):
            array = array + np.float32(1)
        changed[name] = array
    return changed


def pseudo_images(count, size):
    """Random bytes as images: uint8 (count, H, W, 3) for a size (width, height)."""
    return np.random.RandomState(count).randint(0, 256, (count, size[1], size[0], 3)).astype(np.uint8)


def pseudo_batch(seed, count, size, num_classes, boxes_each=5):
    """Noise with a rectangle per box, tinted by its class -> uint8 (count, H, W, 3), boxes (n, 4) and labels per image.

    Args:
        size: (width, height)
    """
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, (count, size[1], size[0], 3)).astype(np.uint8)
    boxes, labels = [], []
    for image in images:
        corner = random.random_sample((boxes_each, 2)) * 0.7 * size
        opposite = corner + (0.1 + 0.6 * random.random_sample((boxes_each, 2))) * size
        boxes.append(np.concatenate([corner, np.minimum(opposite, size)], axis=1).astype(np.float32))
        labels.append(random.randint(0, num_classes, boxes_each).astype(np.int64))
        for (left, top, right, bottom), label in zip(boxes[-1].astype(int), labels[-1], strict=True):
            image[top:bottom, left:right] //= 2
            image[top:bottom, left:right, label % 3] += 100
    return images, boxes, labels


def pseudo_mask(boxes, labels, size):
    """What `pseudo_batch` drew, as a mask: class ids in boxes, the later over the earlier, else 0, and 255 in a corner.

    (n, 4), (n,), (width, height) -> uint8 (H, W).
    """
    mask = np.zeros((size[1], size[0]), np.uint8)
    for (left, top, right, bottom), label in zip(boxes.astype(int), labels, strict=True):
        mask[top:bottom, left:right] = label
    mask[-size[1] // 4 :, -size[0] // 4 :] = 255
    return mask
