"""Which features dropout leaves (Srivastava et al. 2014), by whole numbers that every framework computes alike.

They follow from the pixels of the batch, so that a run that is resumed, and another framework, drop the same ones, and
no generator has a state to keep. It is written on +, * and % of arrays of integers, whose values stay below 2^31.
"""

PRIME = 46337  # the greatest whose square an int32 holds; 3 doesn't divide PRIME - 1, so cubes are a permutation
_OF_PLACES, _OF_CHANNELS = 7919, 31337


def kept(sums, whole, places, channels, share):
    """Whether each feature stays: bool (B, C), False for about this share.

    Args:
        sums: int (B, 1), of each image's values, modulo PRIME
        whole: int (), that of the batch, see `weighed`
        places: int (B, 1), 0, 1, 2 …
        channels: int (1, C), 0, 1, 2 …
        share: in [0, 1)
    """
    seeds = (sums + whole + places % PRIME * _OF_PLACES % PRIME) % PRIME
    numbers = _cubed((seeds + channels * _OF_CHANNELS % PRIME) % PRIME)
    numbers = _cubed((numbers + channels + 1) % PRIME)
    numbers = _cubed((numbers + seeds) % PRIME)
    return numbers >= round(share * PRIME)


def weighed(sums, places):
    """What the batch's number is the sum of, modulo PRIME: int (B, 1), another for each order of the images."""
    return sums * ((places + 1) % PRIME) % PRIME


def _cubed(numbers):
    """A permutation of 0 to PRIME - 1."""
    return numbers * numbers % PRIME * numbers % PRIME
