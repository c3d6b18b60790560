"""The rows of outputs that decoding can need, taken on the device; see `trizoo.families.base.shortlist`."""

import numpy as np
from keras import ops


class Ops:
    """What a family's promises are computed with."""

    @staticmethod
    def flat(x):
        """One row after the other: (B, ..., K) -> (B, N, K)."""
        return ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))

    @staticmethod
    def join(parts):
        """Rows of several: (B, N, K) each -> (B, sum of N, K)."""
        return ops.concatenate(parts, 1)

    @staticmethod
    def greatest(x):
        """The greatest of each row: (..., K) -> (...)."""
        return ops.max(x, -1)

    @staticmethod
    def sigmoid(x):
        """Element by element."""
        return ops.sigmoid(x)

    @staticmethod
    def softmax(x):
        """Over the last axis."""
        return ops.softmax(x)

    @staticmethod
    def of_finite(promises, x):
        """Promises (B, N), -inf where a row of x, (B, N, K), isn't finite throughout."""
        return ops.where(ops.all(ops.isfinite(x), -1), promises, -np.inf)


def take_rows(spec, ranking, outputs):
    """Rows, promises, below and values of a Shortlist, as tensors: of each group the first, earlier equal ones first.

    Args:
        outputs: the network's, float32
    """
    values, promises = spec.promises(Ops, outputs)
    rows, below, first = [], [], 0
    for length, taken in zip(ranking.groups, ranking.taken, strict=True):
        group = promises[:, first : first + length]
        places = ops.argsort(-group, 1)[:, :taken]  # not top_k, which on PyTorch mixes equal ones
        rows.append(places + first)
        last = ops.take_along_axis(group, places[:, -1:], 1)
        below.append(ops.max(ops.where(group < last, group, -np.inf), 1))
        first += length
    rows = ops.concatenate(rows, 1)
    taken = [ops.take_along_axis(output, rows[..., None], 1) for output in values]
    return [rows, ops.take_along_axis(promises, rows, 1), ops.stack(below, 1), *taken]
