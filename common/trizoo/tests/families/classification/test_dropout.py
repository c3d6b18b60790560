import numpy as np

from trizoo.families.classification.dropout import PRIME, kept, weighed


def drawn(batches=40, images=32, channels=512, share=0.3):
    """What stays in batches of random images: bool (batches * images, channels)."""
    random, places, numbers = np.random.default_rng(0), np.arange(images)[:, None], np.arange(channels)[None]
    sums = [random.integers(0, PRIME, (images, 1)) for _ in range(batches)]
    wholes = [weighed(of_batch, places).sum() % PRIME for of_batch in sums]
    return np.concatenate([kept(*pair, places, numbers, share) for pair in zip(sums, wholes, strict=True)])


def test_one_number_by_hand():
    """Image 0 of a batch that sums to 0: the seed is 2, channel 0 is 2^3 = 8, 9^3 = 729, 731^3 mod 46337 = 43318."""
    one = np.array([[2]]), 0, np.array([[0]]), np.array([[0]])
    assert 731**3 % PRIME == 43318
    assert kept(*one, 43318 / PRIME).item()
    assert not kept(*one, 43319 / PRIME).item()


def test_the_share_goes_in_every_channel_and_every_image():
    stays = drawn()
    assert abs(stays.mean() - 0.7) < 0.005
    assert np.abs(stays.mean(axis=0) - 0.7).max() < 0.06  # 1280 draws a channel: a standard deviation of 0.013
    assert np.abs(stays.mean(axis=1) - 0.7).max() < 0.1  # 512 draws an image: of 0.020


def test_channels_and_neighbouring_sums_are_independent():
    stays = drawn(share=0.5).astype(float)
    assert abs(np.corrcoef(stays[:, :-1].ravel(), stays[:, 1:].ravel())[0, 1]) < 0.01
    sums = np.arange(1000, 1064)[:, None]
    near = kept(sums, 5, np.zeros_like(sums), np.arange(512)[None], 0.5).astype(float)
    assert abs(np.corrcoef(near[:-1].ravel(), near[1:].ravel())[0, 1]) < 0.03


def test_the_order_of_a_batch_counts():
    sums, places, numbers = np.array([[3], [5], [7]]), np.arange(3)[:, None], np.arange(512)[None]
    one, other = (
        kept(given, weighed(given, places).sum() % PRIME, places, numbers, 0.5) for given in (sums, sums[::-1])
    )
    assert (one != other[::-1]).mean() > 0.3


def test_numbers_stay_within_an_int32():
    assert (PRIME - 1) ** 2 < 2**31
    sums = np.array([[PRIME - 1]], np.int32)
    place, channel = np.array([[PRIME - 1]], np.int32), np.array([[4095]], np.int32)
    wide = kept(sums.astype(np.int64), PRIME - 1, place.astype(np.int64), channel.astype(np.int64), 0.5)
    assert np.array_equal(kept(sums, np.int32(PRIME - 1), place, channel, 0.5), wide)
