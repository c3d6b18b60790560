"""Decoded images kept in memory: a mosaic reads every image several times an epoch."""

ROOM = 320 << 20  # bytes of pixels in each process
REDUCTIONS = (8, 4, 2, 1)  # by which a JPEG can be decoded smaller
LEAST = 160  # pixels a side: to decode fewer takes nearly as long, and is one more size to decode


class Kept:
    """A data set whose samples, once read, are kept until `room` bytes are full; what comes later is read each time.

    Pixels are the same whether they were kept or not: of all sizes that a JPEG may be decoded at, the one that is read
    depends on `at_least` alone, a side of which counts as `LEAST` where it is less. They are shared, so nobody can
    write to them.

    Args:
        source: with `records` and `sample(index, at_least)`
    """

    def __init__(self, source, room=ROOM):
        self.source = source
        self.records = source.records
        self.room = room
        self.samples = {}  # (index, reduction) -> Sample
        self.whole = set()  # indices of images that can't be decoded smaller

    def sample(self, index, at_least):
        """The Sample of `records[index]`, no fewer pixels than `at_least` (width, height) if there are as many."""
        size = self.records[index].size
        wanted = tuple(max(side, LEAST) for side in at_least)
        reduction = 1 if index in self.whole else reduction_of(size, wanted)
        if (index, reduction) in self.samples:
            return self.samples[index, reduction]
        sample = self.source.sample(index, at_least=tuple(max(1, side // reduction) for side in size))
        if reduction > 1 and sample.size == size:
            self.whole.add(index)
            reduction = 1
        arrays = [array for array in (sample.image, sample.mask) if array is not None]
        for array in arrays:
            array.flags.writeable = False
        room = sum(array.nbytes for array in arrays)
        if (index, reduction) not in self.samples and room <= self.room:
            self.room -= room
            self.samples[index, reduction] = sample
        return sample


def reduction_of(size, at_least):
    """By how much an image of this (width, height) can be decoded smaller without going below `at_least`."""
    most = min(side // least for side, least in zip(size, at_least, strict=True))
    return next((reduction for reduction in REDUCTIONS if reduction <= most), 1)
