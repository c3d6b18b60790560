"""Which detection finds which ground truth: COCO's matching, VOC's, and one to one across classes.

Each works on the pairs that overlap enough, of all images together. A detection without such a pair finds nothing
and never enters.
"""

from itertools import pairwise

import numpy as np

TRUE_POSITIVE, FALSE_POSITIVE, IGNORED = 1, 0, -1


def rank_in_group(groups):
    """How many earlier elements share an element's group: int (N,) -> int64 (N,)."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return rank


def match_coco(pool, pairs, thresholds, ignored):
    """COCO's greedy matching, at T overlap thresholds and for A choices of ignored ground truth (G, A).

    Within image and class, in the order of score, a detection takes the free ground truth with the greatest overlap
    (of equal ones the last) among those not ignored, else among the ignored. Crowds never stop being free.
    -> candidates int64 (K,), the detections that have a pair, ascending; matched int32 (K, T, A), the ground truth each
    one takes, -1 for none.
    """
    candidates, candidate = np.unique(pairs.detection, return_inverse=True)
    matched = np.full((len(candidates), len(thresholds), ignored.shape[1]), -1, np.int32)
    # The best detection of every image and class, then the second of each, ...: within a round none competes.
    candidate_round = rank_in_group(pool.groups[candidates])
    order = np.lexsort((pairs.truth, pairs.overlap, candidate, candidate_round[candidate]))
    candidate, truth, overlap = candidate[order], pairs.truth[order], pairs.overlap[order]
    rounds = candidate_round[candidate]
    limits = np.searchsorted(rounds, np.arange(rounds.max(initial=-1) + 2))
    reached = overlap[:, None] >= np.minimum(thresholds, 1 - 1e-10)  # pycocotools' own limit, for a threshold of 1
    free = np.ones((len(pool.truth_labels), *matched.shape[1:]), bool)
    total = np.int32(len(truth))
    for begin, end in pairwise(limits):
        part = truth[begin:end]
        possible = free[part] & reached[begin:end, :, None]  # (P, T, A)
        # Pairs are in ascending order of preference, so the greatest position wins; not ignored goes before all others.
        position = np.arange(begin + 1, end + 1, dtype=np.int32)[:, None] + total * ~ignored[part]  # (P, A)
        rows, starts = np.unique(candidate[begin:end], return_index=True)
        best = np.maximum.reduceat(possible * position[:, None], starts, axis=0)  # (P, T, A) -> (rows, T, A)
        taken = np.where(best > 0, truth[(best - 1) % total], -1)
        matched[rows] = taken
        row, threshold, choice = np.nonzero((taken >= 0) & ~pool.crowd[taken])
        free[taken[row, threshold, choice], threshold, choice] = False
    return candidates, matched


def match_voc(pool, pairs):
    """VOC's outcome of every detection: int8 (D,) of TRUE_POSITIVE, FALSE_POSITIVE, IGNORED.

    A detection belongs to the ground truth of its image and class with the greatest IoU (of equal ones the first), if
    the two are among the pairs. The first detection of a ground truth, in the order of score, is a true positive, the
    others are false; all those of a difficult one are ignored. VOC knows no crowds: here a detection without ground
    truth is ignored if enough of it lies in a crowd. `pairs`: those that reach the IoU threshold.
    """
    outcome = np.full(len(pool.labels), FALSE_POSITIVE, np.int8)
    crowd = pool.crowd[pairs.truth]
    outcome[pairs.detection[crowd]] = IGNORED
    pairs = pairs.where(~crowd)
    pairs = pairs.where(np.lexsort((-pairs.overlap, pairs.detection)))
    _, best = np.unique(pairs.detection, return_index=True)
    detection, truth = pairs.detection[best], pairs.truth[best]
    _, first = np.unique(truth, return_index=True)
    outcome[detection] = FALSE_POSITIVE
    outcome[detection[first]] = TRUE_POSITIVE
    outcome[detection[pool.difficult[truth]]] = IGNORED
    return outcome


def match_one_to_one(detection, truth):
    """Greedy matching of pairs in order of preference: int (P,), int (P,) -> indices of the pairs taken.

    A pair is taken unless an earlier one took its detection or its ground truth.
    """
    taken = [np.zeros(0, np.int64)]
    remaining = np.arange(len(detection))
    while len(remaining):
        # A pair that comes first for both of its ends is taken whatever happens to the others.
        _, first_of_detection = np.unique(detection[remaining], return_index=True)
        _, first_of_truth = np.unique(truth[remaining], return_index=True)
        winners = remaining[np.intersect1d(first_of_detection, first_of_truth)]
        taken.append(winners)
        beaten = np.isin(detection[remaining], detection[winners]) | np.isin(truth[remaining], truth[winners])
        remaining = remaining[~beaten]
    return np.concatenate(taken)
