import numpy as np
import pytest

from trizoo.ground.sample import Sample


@pytest.fixture
def paint():
    """A function: size, boxes (up to 3, whole pixels) -> Sample: a red, a green and a blue box on black, masked."""

    def painted(size, boxes):
        width, height = size
        image = np.zeros((height, width, 3), np.uint8)
        mask = np.zeros((height, width), np.uint8)
        for label, (xmin, ymin, xmax, ymax) in enumerate(boxes):
            image[ymin:ymax, xmin:xmax, label] = 180  # times HSV's largest value gain, 1.4, it doesn't clip
            mask[ymin:ymax, xmin:xmax] = label + 1
        return Sample(image, np.array(boxes, np.float32).reshape(-1, 4), np.arange(len(boxes)), mask)

    return painted


@pytest.fixture
def assert_in_step():
    """A function: Sample made from a painted one -> the boxes it found; fails where pixels and boxes are 1 apart."""

    def extent(hits):
        if not hits.any():
            return np.zeros(4)
        columns, rows = np.flatnonzero(hits.any(axis=0)), np.flatnonzero(hits.any(axis=1))
        return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])

    def check(sample, count, tolerance=1.0):
        assert len(sample.boxes) == len(sample.labels) == len(set(sample.labels.tolist()))
        highest, lowest = sample.image.max(axis=2), sample.image.min(axis=2)
        coloured = highest - lowest > 0.15 * highest
        coloured &= highest >= 0.5 * highest[coloured].max(initial=0)  # an edge is where the colour is at half
        for label in range(count):
            by_colour = extent(coloured & (sample.image.argmax(axis=2) == label))
            by_mask = extent(sample.mask == label + 1)
            if label in sample.labels:
                (box,) = sample.boxes[sample.labels == label]
                assert np.abs(by_colour - box).max() <= tolerance, (label, by_colour, box)
                assert np.abs(by_mask - box).max() <= tolerance, (label, by_mask, box)
            else:
                assert min(by_colour[2:] - by_colour[:2]) <= 1 + tolerance
                assert min(by_mask[2:] - by_mask[:2]) <= 1 + tolerance
        return len(sample.boxes)

    return check
