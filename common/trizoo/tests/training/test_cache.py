import numpy as np
import pytest
from PIL import Image

from trizoo.data.images import read_image, read_size
from trizoo.ground.sample import Record, Sample
from trizoo.training.cache import LEAST, REDUCTIONS, Kept, reduction_of

BOXES = np.zeros((0, 4), np.float32)


class Files:
    """A data set of image files without objects, that remembers what it was asked for."""

    def __init__(self, *paths):
        self.records = [Record(path.stem, path, read_size(path)) for path in paths]
        self.asked = []

    def sample(self, index, at_least):
        self.asked.append(index)
        return Sample(read_image(self.records[index].image, at_least), BOXES, np.zeros(0, np.int64))


@pytest.fixture
def write(tmp_path):
    """A function: a file name and a size -> the path of an image of noise."""

    def written(name, size):
        pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        return tmp_path / name

    return written


@pytest.mark.parametrize("size", [(1300, 900), (640, 480), (333, 217), (15, 7), (3, 2), (1, 1), (8, 800)])
def test_kept_pixels_are_those_that_would_be_read_for_the_same_request(write, size):
    path = write("a.jpg", size)
    for divisor in (1, 1.3, 2, 2.1, 3.9, 4, 7, 8, 11, 50):
        at_least = tuple(max(1, round(side / divisor)) for side in size)
        expected = read_image(path, tuple(max(side, LEAST) for side in at_least))
        fresh = Kept(Files(path)).sample(0, at_least).image
        assert np.array_equal(fresh, expected)


def test_every_size_of_an_image_is_read_once(write):
    kept = Kept(Files(write("a.jpg", (640, 480)), write("b.jpg", (320, 240))))
    first = [kept.sample(0, (320, 240)), kept.sample(0, (321, 200)), kept.sample(1, (320, 200))]
    assert [sample.size for sample in first] == [(320, 240), (640, 480), (320, 240)]
    again = [kept.sample(0, (300, 100)), kept.sample(0, (640, 1)), kept.sample(1, (320, 1))]
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert kept.source.asked == [0, 0, 1]


def test_an_image_that_has_one_size_only_is_kept_once(write):
    kept = Kept(Files(write("a.png", (64, 48))))
    samples = [kept.sample(0, at_least) for at_least in ((16, 12), (64, 48), (32, 24), (1, 1))]
    assert all(sample is samples[0] for sample in samples)
    assert len(kept.source.asked) == 1
    kept = Kept(Files(write("a.png", (320, 320))), room=400_000)
    for at_least in ((320, 320), (160, 160), (2, 2)):  # only the second request can tell that there is one size
        kept.sample(0, at_least)
    assert len(kept.source.asked) == 2
    assert kept.room == 92_800  # 320 x 320 pixels of 3 bytes


def test_no_more_is_kept_than_there_is_room_for(write):
    paths = [write(f"{i}.png", (10, 10)) for i in range(4)]  # 300 bytes each
    kept = Kept(Files(*paths), room=700)
    for _ in range(3):
        for index in range(4):
            assert kept.sample(index, (10, 10)).size == (10, 10)
    assert kept.source.asked == [0, 1, 2, 3, 2, 3, 2, 3]
    assert kept.room == 100


def test_a_mask_takes_room_too_and_cannot_be_written_to(write):
    class WithMasks(Files):
        def sample(self, index, at_least):
            return super().sample(index, at_least).replace(mask=np.zeros((60, 80), np.uint8))

    files = WithMasks(write("a.png", (80, 60)))
    kept = Kept(files, room=80 * 60 * 4 - 1)
    for _ in range(2):
        sample = kept.sample(0, (80, 60))
        assert not sample.mask.flags.writeable
    assert files.asked == [0, 0]
    kept = Kept(files, room=80 * 60 * 4)
    assert kept.sample(0, (80, 60)) is kept.sample(0, (80, 60))


def test_kept_pixels_cannot_be_written_to(write):
    sample = Kept(Files(write("a.png", (4, 4)))).sample(0, (4, 4))
    with pytest.raises(ValueError, match="read-only"):
        sample.image[0] = 0


def test_reductions_are_those_of_the_jpeg_decoder():
    asked = ((640, 480), (321, 1), (320, 240), (160, 120), (81, 60), (80, 60), (1, 1), (900, 900))
    assert [reduction_of((640, 480), at_least) for at_least in asked] == [1, 1, 2, 4, 4, 8, 8, 1]
    assert REDUCTIONS == (8, 4, 2, 1)
