"""What the validation split says: whether it can judge at all, and whether it is like what is trained on."""

import numpy as np

from trizoo.data.images import in_threads
from trizoo.data.members import byte_size
from trizoo.data.split_lists import same_bytes
from trizoo.diagnosis import limits
from trizoo.diagnosis.cause import LIKELY, POSSIBLE, Cause, Remedy, split_anew
from trizoo.ground.text import first_few


def causes(history, images):
    """The `Cause`s in the splits of `Images`, a list; none of a run with `overfit`, where both are one on purpose."""
    if history.is_overfit:
        return []
    found = [overlap(history, images), small(history, images), unlike(history, images)]
    return [cause for cause in found if cause]


def overlap(history, images):
    """Images of validation, or of the final metrics, whose files have the very bytes of one that is trained on."""
    parts = [("validation", images.validation.records, images.validation.name)]
    tested, name = images.tested
    if name != images.validation.name:
        parts.append(("final", tested, name))
    records = [record for _, others, _ in parts for record in others]
    same, evidence, numbers = _same(images.training.records, records), [], {}
    for what, others, name in parts:
        pairs = [(record.id, same[record.image].id) for record in others if record.image in same]
        if pairs:
            numbers[what] = len(pairs)
            shown = [one if one == other else f"{one} = {other}" for one, other in pairs]
            evidence.append(
                f"{len(pairs)} of the {len(others)} images of {name} have the very bytes of one that is trained on: "
                f"{first_few(shown, 3)}"
            )
    if not evidence:
        return None
    return Cause(
        "validation_overlap",
        LIKELY,
        (*evidence, "so the metrics flatter: they measure what was memorised"),
        (
            split_anew(history, "equal pictures stay in one split"),
            Remedy("data.validation=val", "another split, if any"),
        ),
        numbers,
    )


def _same(records, others):
    """{image file of the others: one of the records whose file has the very bytes}; few files have to be read."""
    sizes = [in_threads(byte_size, [record.image for record in part]) for part in (records, others)]
    shared = {*sizes[0]} & {*sizes[1]}
    records, others = (
        [record for record, size in zip(part, of_part, strict=True) if size in shared]
        for part, of_part in zip((records, others), sizes, strict=True)
    )
    keys = same_bytes([record.image for record in (*records, *others)])
    known = dict(zip(keys, records, strict=False))
    return {other.image: known[key] for other, key in zip(others, keys[len(records) :], strict=True) if key in known}


def small(history, images):
    """A validation split in which a single image, or a single object of a class, moves the metric."""
    part, evidence, numbers = images.validation, [], {}
    if len(part) < limits.FEW_VALIDATION:
        numbers["images"] = len(part)
        evidence.append(
            f"{part.name} has {len(part)} images ({len(images.training)} are trained on), so the metric wanders by "
            f"some {0.5 / max(len(part), 1) ** 0.5:.2f} by chance alone"
        )
    if part.objects is not None:
        few = {
            name: int(count)
            for name, count in zip(images.recipe.classes, part.objects, strict=True)
            if 0 < count < limits.FEW_TO_MEASURE
        }
        if few:
            numbers |= few
            named = [f"{name} ({count})" for name, count in few.items()]
            evidence.append(f"classes of fewer than {limits.FEW_TO_MEASURE} objects there: {first_few(named)}")
    if not evidence:
        return None
    remedies = [split_anew(history, "a fifth or more for validation", "0.7 0.3")]
    best = f"{history.folder}/{history.run.best.name}"
    remedies.append(
        Remedy(f"trizoo evaluate --weights {best}{history.moved} --report page/", "pictures are the better judge")
    )
    return Cause("validation_small", POSSIBLE, tuple(evidence), tuple(remedies), numbers)


def unlike(history, images):
    """A validation split with other shares of the classes, or other sizes, than what is trained on."""
    one, other = images.training, images.validation
    if one.objects is None or min(one.objects.sum(), other.objects.sum()) < limits.LEAST_OBJECTS:
        return None
    shares = [part.objects / part.objects.sum() for part in (one, other)]
    difference = shares[1] - shares[0]
    distance, evidence, numbers = float(np.abs(difference).sum() / 2), [], {}
    if distance >= limits.CLASS_DISTANCE:
        label = int(np.abs(difference).argmax())
        numbers["class_distance"] = distance
        evidence.append(
            f"the classes' shares differ by {distance:.0%} in all: {images.recipe.classes[label]} is "
            f"{shares[0][label]:.0%} of the objects that are trained on and {shares[1][label]:.0%} of {other.name}'s"
        )
    sides = [part.sides(images.recipe)[0] for part in (one, other)]
    medians = [float(np.median(of_part)) if len(of_part) else 1.0 for of_part in sides]  # a class of an image has none
    ratio = medians[1] / medians[0]
    if not 1 / limits.SIZE_RATIO < ratio < limits.SIZE_RATIO:
        numbers["size_ratio"] = ratio
        evidence.append(
            f"objects have a median of {medians[0]:.0f} pixels at the input size in training and of {medians[1]:.0f} "
            f"in {other.name}"
        )
    if not evidence:
        return None
    return Cause(
        "validation_other",
        POSSIBLE,
        tuple(evidence),
        (
            split_anew(history, "every class in both, in the same ratio"),
            Remedy(
                f"trizoo data show {history.shown_data} --split {other.name.split()[-1]}", "what these images look like"
            ),
        ),
        numbers,
    )
