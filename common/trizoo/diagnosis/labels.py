"""What the labels of a data set say: errors, names, and classes with few objects or none."""

from trizoo.data.check import check
from trizoo.data.check.names import KINDS as NAMES
from trizoo.data.check.names import look_at_names
from trizoo.data.check.report import Findings
from trizoo.data.class_maps import new_name
from trizoo.data.reading import LEFT_OUT
from trizoo.diagnosis import limits
from trizoo.diagnosis.cause import LIKELY, POSSIBLE, Cause, Remedy, split_anew
from trizoo.diagnosis.history import names_flag
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few, nearest
from trizoo.tasks import task_of


def causes(history, images):
    """The `Cause`s in the labels of `Images`, a list."""
    found = [similar_names(history, images), checked(history, images)]
    if not history.is_overfit:  # a handful of images needn't hold every class
        found += [missing(history, images), rare(history, images)]
    return [cause for cause in found if cause]


def not_opened(history, error):
    """The cause of a data set that training would refuse now: by its names, where these are what doesn't fit."""
    unknown = _unknown_names(history)
    remedies = [Remedy(f"trizoo data check {history.checked_data}", "all that is wrong with it")]
    if unknown:
        evidence = (
            f"{first_few(unknown)} in the data set, and the run's classes are {first_few(history.recipe.classes)}"
        )
        near = nearest(unknown[0], history.recipe.classes)
        wanted = names_flag({unknown[0]: near[0] if near else ""})
        what = f"counts {unknown[0]} as {near[0]}" if near else f"leaves {unknown[0]} out"
        remedies.insert(0, Remedy(f"{history.again}{wanted}", what))
        return Cause("class_names", LIKELY, (evidence,), tuple(remedies), {"unknown": len(unknown)})
    return Cause("data", LIKELY, (str(error),), tuple(remedies))


def _unknown_names(history):
    """Names of annotated objects that are none of the run's classes, by its class map."""
    data = history.found_data
    mapping = dict(data.classes_map)
    try:
        names = getattr(task_of(history.recipe.model.name).find(data), "class_names", ())
    except UserError:
        return []
    known = {*history.recipe.classes, ""}
    return [name for name in names if new_name(name, mapping) not in known] if history.recipe.classes else []


def similar_names(history, images):
    """Names of two classes that are likely one."""
    if images.has_masks:
        return None
    counts = (images.training.objects + images.validation.objects).tolist()
    counts = dict(zip(images.recipe.classes, counts, strict=True))
    findings, strange = Findings(history.root, NAMES), []

    def place(name):
        strange.append(name)
        return history.root

    look_at_names(counts, place, findings)
    if not strange:
        return None
    others = sorted((name for name in counts if name != strange[0]), key=counts.get, reverse=True)
    near = next(iter(nearest(strange[0], others)), others[0] if others else "")
    mapped = {**dict(history.recipe.data.classes_map), strange[0]: near}
    again = f"trizoo train --model {history.recipe.model.name} --data {history.data}{names_flag(mapped)}"
    examples = tuple(example for finding in findings.all() for example in finding.examples)
    why = "counts both names as one class, where they are"
    return Cause("class_names", POSSIBLE, examples, (Remedy(again, why),), {"names": len(strange)})


def missing(history, images):
    """Classes without an object, or a pixel, in the training or the validation split."""
    evidence, numbers = [], {}
    for name, part in (("training", images.training), ("validation", images.validation)):
        without = [images.recipe.classes[label] for label in (part.holders == 0).nonzero()[0].tolist()]
        if without:
            numbers[f"missing_in_{name}"] = len(without)
            evidence.append(f"no {_thing(images)} of {first_few(without)} in {_of(part)} ({part.name}) for {name}")
    if not evidence:
        return None
    return Cause(
        "class_missing",
        LIKELY,
        (*evidence, "a class that isn't trained on is never found, and one that isn't in validation isn't measured"),
        _more(history),
        numbers,
    )


def rare(history, images):
    """Classes that very few training images hold, and what the final metrics say of them."""
    part, evidence, numbers = images.training, [], {}
    for label, name in enumerate(images.recipe.classes):
        holders = int(part.holders[label])
        if not 0 < holders <= limits.RARE or (images.has_masks and part.looked_at < len(part)):
            continue
        objects = "" if part.objects is None else f" with {part.objects[label]} objects"
        line = f"{name} is in {holders} of {len(part)} training images{objects}"
        measured = _measured(history.metrics, name)
        evidence.append(line if measured is None else f"{line}; {measured:.3f} in the final metrics")
        numbers[name] = holders
    if not evidence:
        return None
    if len(numbers) == len(images.recipe.classes):  # then the data set is small, which another cause says
        return None
    remedies = (
        Remedy("data.rare_below=0.1", "images with rare classes come more often"),
        Remedy(
            f"trizoo data show {history.shown_data}", "whether its objects look alike; more images of them are best"
        ),
        *((Remedy("loss.dice_gain=1", "rare classes count more"),) if images.has_masks else ()),
    )
    return Cause("class_rare", POSSIBLE, tuple(evidence), remedies, numbers)


def _measured(metrics, name):
    """A class's AP50 or IoU in metrics.json, None where it says nothing of it."""
    per_class = metrics.get("per_class")
    row = per_class.get(name) if isinstance(per_class, dict) else None
    values = [row.get(key) for key in ("AP50", "IoU")] if isinstance(row, dict) else []
    return next((value for value in values if isinstance(value, float)), None)


def checked(history, images):
    """Errors of the data check, where decoding all images takes seconds; what was left out in any case."""
    kinds, evidence, data = [], [], images.recipe.data
    if images.are_few:
        masks = {"mask_map": dict(data.mask_map), "palette": data.palette, "ignore_colours": data.ignore_colours}
        options = {name: value for name, value in masks.items() if value} if images.has_masks else {}
        places = {"layout": data.layout, "images": data.images, "annotations": data.annotations}
        others = ("overlapping splits", *(() if images.has_masks else ("mask", "list")))
        try:
            errors = check(data.root, task=task_of(images.recipe.model.name).name, **places, **options).errors
        except UserError as error:
            errors, evidence = [], [str(error)]
        kinds = [finding for finding in errors if not any(word in finding.kind for word in others)]
    left_out = [problem for problem in images.problems if problem.kind == LEFT_OUT]
    share = len(left_out) / (len(left_out) + len(images.training))
    evidence += [f"{finding.kind}: {finding.count}, such as {finding.examples[0]}" for finding in kinds]
    if share > limits.LEFT_OUT:
        evidence.append(f"{share:.0%} of the training images are left out, such as {left_out[0].text}")
    if not evidence:
        return None
    check_it = Remedy(f"trizoo data check {history.checked_data}", "lists all with their files")
    numbers = {"errors": sum(finding.count for finding in kinds), "left_out": len(left_out)}
    return Cause("data_check", POSSIBLE, tuple(evidence), (check_it,), numbers)


def _more(history):
    return (
        split_anew(history, "every class in both, in the same ratio"),
        Remedy(f"trizoo data check {history.checked_data}", "the classes and how many objects each has"),
    )


def _thing(images):
    return "pixel" if images.has_masks else "object"


def _of(part):
    return f"the {part.looked_at} images"
