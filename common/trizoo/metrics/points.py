"""How far found marks lie from the true ones, and how many are found, missed, invented and taken for another class."""

import numpy as np

from trizoo.ground.boxes import centres
from trizoo.ground.text import plain
from trizoo.metrics.pool import mean_over_classes

RADIUS = 15.0  # pixels of the image: a mark farther away from a true one hasn't found it
DISTANCES = (1.0, 2.0, 3.0, 5.0, 10.0, 15.0)  # pixels, at which mF1 takes F1


def evaluate_points(detections, truths, class_names, radius=RADIUS):
    """Everything about the marks found in a data set, ready for `json.dumps(..., allow_nan=False)`.

    Marks are the centres of boxes. In each image those of a class are paired with the true ones of that class that lie
    within the radius: as many pairs as there can be, of the least sum of distances (Kuhn 1955). What isn't defined,
    such as the distance of a class without pairs, is None.

    Args:
        detections: one `Detections` per image, of the marks that count as found
        truths: one object per image with boxes, labels, difficult and crowd, such as a `Record`; a mark at a difficult
            one is neither right nor wrong
        class_names: in the order of the labels
        radius: in pixels of the images

    Returns:
        {"mF1": the mean of F1 over DISTANCES, for which pairs farther apart than that count as none; "F1", "precision",
        "recall": of all marks; "mean_distance", "median_distance", "p95_distance": of the pairs, in pixels;
        "images": int;
        "radius": float;
        "per_class": {name: the same, "ground_truths" and "detections"};
        "confusion": {"radius", "labels": the class names and "background", "matrix": rows = truth, columns =
        prediction}}
    """
    return report_points(measure_points(detections, truths, class_names, radius))


def measure_points(detections, truths, class_names, radius=RADIUS):
    """The arrays behind `evaluate_points`.

    -> {"class_names", "images", "radius", "distances": a float64 (P,) of pairs for each class, "ground_truths" and
    "detections": int64 (C,), "confusion": int64 (C + 1, C + 1), "mistakes": {"missed", "false", "confused": (images,)}}
    """
    classes = len(class_names)
    detections, truths = list(detections), list(truths)
    if len(detections) != len(truths):
        raise ValueError(f"{len(detections)} images have detections and {len(truths)} have truth; as many are needed")
    confusion = np.zeros((classes + 1, classes + 1), np.int64)
    distances, counts = [[] for _ in class_names], np.zeros((2, classes), np.int64)
    mistakes = {name: np.zeros(len(truths), np.int64) for name in ("missed", "false", "confused")}
    for number, (found, truth) in enumerate(zip(detections, truths, strict=True)):
        counted = ~(truth.difficult | truth.crowd)
        boxes, places = truth.boxes.astype(np.float64), centres(found.boxes.astype(np.float64))
        true = centres(boxes[counted])
        labels = truth.labels[counted]
        pairs = _pairs_of_classes(places, found.labels, true, labels, radius)
        free_found, free_true = np.ones(len(places), bool), np.ones(len(true), bool)
        for label, of_found, of_true, apart in pairs:
            distances[label].extend(apart)
            free_found[of_found], free_true[of_true] = False, False
            confusion[label, label] += len(apart)
        ignored = _at(places, centres(boxes[~counted]), radius) & free_found
        free_found &= ~ignored
        rest_found, rest_true = np.flatnonzero(free_found), np.flatnonzero(free_true)
        of_found, of_true = pair_points(places[rest_found], true[rest_true], radius)
        np.add.at(confusion, (labels[rest_true[of_true]], found.labels[rest_found[of_found]]), 1)
        missed, false = np.delete(rest_true, of_true), np.delete(rest_found, of_found)
        np.add.at(confusion, (labels[missed], classes), 1)
        np.add.at(confusion, (classes, found.labels[false]), 1)
        counts[0] += np.bincount(labels, minlength=classes)
        counts[1] += np.bincount(found.labels[~ignored], minlength=classes)
        for name, count in zip(mistakes, (len(missed), len(false), len(of_found)), strict=True):
            mistakes[name][number] = count
    return {
        "class_names": tuple(class_names),
        "images": len(truths),
        "radius": radius,
        "distances": [np.array(of_class) for of_class in distances],
        "ground_truths": counts[0],
        "detections": counts[1],
        "confusion": confusion,
        "mistakes": mistakes,
    }


def report_points(measures):
    """What `evaluate_points` gives, from what `measure_points` gives."""
    distances, truths, found = (measures[name] for name in ("distances", "ground_truths", "detections"))
    radius = measures["radius"]
    rows = {
        name: {
            **_figures(distances[label], truths[label], found[label], radius),
            "ground_truths": truths[label],
            "detections": found[label],
        }
        for label, name in enumerate(measures["class_names"])
    }
    together = np.concatenate([np.zeros(0), *distances])
    return plain(
        {
            **_figures(together, truths.sum(), found.sum(), radius),
            "images": measures["images"],
            "radius": radius,
            "per_class": rows,
            "confusion": {
                "radius": radius,
                "labels": [*measures["class_names"], "background"],
                "matrix": measures["confusion"],
            },
        }
    )


def pair_points(found, true, radius):
    """Marks found and true ones as pairs within a radius: (n, 2), (m, 2) -> indices int64 (P,), int64 (P,).

    As many pairs as there can be, and of these the least sum of distances.
    """
    apart = np.linalg.norm(found[:, None] - true[None], axis=-1)
    near = apart <= radius
    of_found, of_true = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for rows, columns in _clusters(near):
        part = apart[np.ix_(rows, columns)]
        # a pair too far apart costs more than all others together, so that none takes the place of a nearer one
        cost = np.where(near[np.ix_(rows, columns)], part, (min(part.shape) + 1) * radius + 1)
        row, column = assignment(cost)
        taken = near[rows[row], columns[column]]
        of_found.append(rows[row[taken]])
        of_true.append(columns[column[taken]])
    return np.concatenate(of_found), np.concatenate(of_true)


def assignment(cost):
    """Rows and columns as pairs of the least total cost, min(n, m) of them: (n, m) -> int64 (k,), int64 (k,).

    Shortest augmenting paths with potentials, Jonker & Volgenant 1987.
    """
    if cost.shape[0] > cost.shape[1]:
        columns, rows = assignment(cost.T)
        return rows, columns
    rows, columns = cost.shape
    row_of = np.full(columns, -1)
    of_rows, of_columns = np.zeros(rows), np.zeros(columns)
    for first in range(rows):
        shortest, before = np.full(columns, np.inf), np.full(columns, -1)
        reached, row, last, length = np.zeros(columns, bool), first, -1, 0.0
        while True:
            steps = length + cost[row] - of_rows[row] - of_columns
            better = ~reached & (steps < shortest)
            shortest[better], before[better] = steps[better], last
            last = int(np.where(reached, np.inf, shortest).argmin())
            length = shortest[last]
            reached[last] = True
            if row_of[last] < 0:
                break
            row = row_of[last]
        # rows on the way are those of `first` and of the columns reached before the last
        of_rows[first] += length
        for column in np.flatnonzero(reached):
            if column != last:
                of_rows[row_of[column]] += length - shortest[column]
                of_columns[column] -= length - shortest[column]
        while last >= 0:
            previous = before[last]
            row_of[last] = first if previous < 0 else row_of[previous]
            last = previous
    taken = np.flatnonzero(row_of >= 0)
    return row_of[taken], taken


def _clusters(near):
    """Rows and columns of each group that pairs can be made in: bool (n, m) -> [(int64 (r,), int64 (c,))]."""
    row, column = np.nonzero(near)
    of_rows, of_columns = np.arange(len(near)), np.full(near.shape[1], len(near))
    while True:  # each takes the least number among those that it is near to, until none changes
        before = of_rows.copy()
        np.minimum.at(of_columns, column, of_rows[row])
        np.minimum.at(of_rows, row, of_columns[column])
        if (of_rows == before).all():
            break
    present = np.unique(of_rows[row])
    return [(np.flatnonzero(of_rows == number), np.flatnonzero(of_columns == number)) for number in present]


def _pairs_of_classes(found, found_labels, true, labels, radius):
    """Of each class that has both: its label, indices of marks found and true ones, and how far they are apart."""
    for label in np.intersect1d(found_labels, labels):
        own, right = np.flatnonzero(found_labels == label), np.flatnonzero(labels == label)
        of_found, of_true = pair_points(found[own], true[right], radius)
        apart = np.linalg.norm(found[own[of_found]] - true[right[of_true]], axis=-1)
        yield label, own[of_found], right[of_true], apart.tolist()


def _at(points, others, radius):
    """Which points have one of the others within the radius: (n, 2), (m, 2) -> bool (n,)."""
    return (np.linalg.norm(points[:, None] - others[None], axis=-1) <= radius).any(axis=1)


def _figures(distances, truths, found, radius):
    """Metrics of pairs, of so many true marks and so many found ones."""
    f1 = np.array([_f1((distances <= most).sum(), truths, found) for most in DISTANCES if most <= radius])
    return {
        "mF1": mean_over_classes(f1),
        "F1": _f1(len(distances), truths, found),
        "precision": len(distances) / found if found else np.nan,
        "recall": len(distances) / truths if truths else np.nan,
        "mean_distance": distances.mean() if len(distances) else np.nan,
        "median_distance": np.median(distances) if len(distances) else np.nan,
        "p95_distance": np.percentile(distances, 95) if len(distances) else np.nan,
    }


def _f1(pairs, truths, found):
    return 2 * pairs / (truths + found) if truths + found else np.nan
