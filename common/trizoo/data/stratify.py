"""Images shared out among splits, or a few of them chosen, so that every class gets its share, by a seed."""

from collections import Counter

import numpy as np

from trizoo.data.images import in_threads

_MOST_LOOKED_AT = 8  # times as many images as are wanted, where each has to be read to know its classes


def stratify(label_sets, ratios, seed=0, together=None):
    """Which split each image goes to, so that each class is shared out in the ratios: -> int64 (N,).

    Iterative stratification (Sechidis et al. 2011): the class with the fewest images left is shared out first, each of
    its images to the split that still lacks most of that class, then most images, then by chance. Every split gets an
    image where there are as many as splits.

    Args:
        label_sets: N sets of class ids, those that the images hold
        ratios: of the splits, above 0
        together: N hashable values; images of one value stay together. None: no two do
    """
    random = np.random.default_rng(seed)
    groups = {}
    for place, key in enumerate(range(len(label_sets)) if together is None else together):
        groups.setdefault(key, []).append(place)
    groups = list(groups.values())
    weights = np.array([len(group) for group in groups])
    labels = [sorted(set().union(*(label_sets[place] for place in group))) for group in groups]
    order = random.permutation(len(groups)).tolist()
    holders = {}
    for number in order:
        for label in labels[number]:
            holders.setdefault(label, []).append(number)
    ratios = np.array(ratios, np.float64) / np.sum(ratios)
    left = {label: sum(weights[members]) for label, members in holders.items()}
    lacking = {label: ratios * count for label, count in left.items()}
    room = ratios * weights.sum()
    splits = np.full(len(groups), -1, np.int64)

    def put(number, wanted):
        ties = np.flatnonzero(wanted >= wanted.max() - 1e-9)
        ties = ties[room[ties] >= room[ties].max() - 1e-9]
        split = int(ties[0] if len(ties) == 1 else random.choice(ties))
        splits[number] = split
        room[split] -= weights[number]
        for label in labels[number]:
            lacking[label][split] -= weights[number]
            if label in left:
                left[label] -= weights[number]

    while left:
        rarest = min(left, key=lambda label: (left[label], label))
        for number in holders[rarest]:
            if splits[number] < 0:
                put(number, lacking[rarest])
        del left[rarest]
    for number in order:
        if splits[number] < 0:
            put(number, room)
    _fill_empty(splits, len(ratios), order, labels)
    result = np.zeros(len(label_sets), np.int64)
    for group, split in zip(groups, splits.tolist(), strict=True):
        result[group] = split
    return result


def _fill_empty(splits, number, order, labels):
    """Moves a group from the fullest split into each empty one, as long as two are in it.

    It is one whose classes others in that split hold too, where there is such a group.

    Args:
        order: of the groups, the first of those that would do moves
        labels: of each group, a list
    """
    for split in range(number):
        counts = np.bincount(splits, minlength=number)
        fullest = int(counts.argmax())
        if not counts[split] and counts[fullest] > 1:
            there = [group for group in order if splits[group] == fullest]
            held = Counter(label for group in there for label in labels[group])
            splits[min(there, key=lambda group: any(held[label] == 1 for label in labels[group]))] = split


def choose(label_sets, most, seed=0):
    """Places of at most so many images, in order, in which the classes are as even as they can be: -> list of int.

    The class that fewest of those chosen hold gets the next image, the rarest one first. Images without any class get
    their share of the places.

    Args:
        label_sets: N sets of class ids
    """
    number = len(label_sets)
    if number <= most:
        return list(range(number))
    order = np.random.default_rng(seed).permutation(number).tolist()
    empty = [place for place in order if not label_sets[place]]
    chosen = set(empty[: most * len(empty) // number])
    waiting = {}
    for place in reversed(order):  # the next one is a list's last
        for label in label_sets[place]:
            waiting.setdefault(label, []).append(place)
    held = dict.fromkeys(sorted(waiting, key=lambda label: (len(waiting[label]), label)), 0)
    while held and len(chosen) < most:
        label = min(held, key=held.get)
        places = waiting[label]
        while places and places[-1] in chosen:
            places.pop()
        if not places:
            del held[label]
            continue
        place = places.pop()
        chosen.add(place)
        for other in label_sets[place]:
            if other in held:
                held[other] += 1
    chosen.update([place for place in empty if place not in chosen][: most - len(chosen)])
    return sorted(chosen)


def choose_images(source, places, most, seed=0):
    """Those of a data set's images that `choose` takes -> list of their places, in order.

    Where labels are masks, it chooses among eight times as many as are wanted, taken by chance, not to read them all.

    Args:
        source: a `trizoo.data.boxes.dataset.BoxSet` or `trizoo.data.masks.dataset.MaskSet`
        places: of the images that it chooses among
    """
    if len(places) <= most:
        return list(places)
    if source.labels_are_read and len(places) > _MOST_LOOKED_AT * most:
        some = np.random.default_rng(seed).permutation(len(places))[: _MOST_LOOKED_AT * most]
        places = [places[place] for place in sorted(some.tolist())]
    label_sets = in_threads(source.labels_in, places)
    return [places[place] for place in choose(label_sets, most, seed)]
