"""What was found: a cause, its evidence, and what would do."""

from dataclasses import asdict, dataclass, field

LIKELY, POSSIBLE = "likely", "possible"
# all that is looked for: kind -> what it means
KINDS = {
    "unfinished": "the run didn't come to its end",
    "not_finite": "the loss stopped being a number",
    "rate_too_high": "the learning rate is too high",
    "rate_too_low": "the learning rate is too low",
    "not_learning": "hardly anything is learnt",
    "too_few_steps": "too few steps",
    "overfitting": "overfitting: training images are memorised",
    "data": "the data set can't be used as the run used it",
    "data_check": "the data check finds errors",
    "class_names": "names of classes don't match",
    "class_missing": "a class without objects",
    "class_rare": "a class with very few objects",
    "small_boxes": "objects are too small at the input size",
    "anchors": "the anchors don't fit the boxes",
    "loose_boxes": "objects are found, but their boxes aren't tight",
    "validation_overlap": "validation images are trained on",
    "validation_small": "the validation split is very small",
    "validation_other": "the validation split is unlike the training split",
    "from_scratch": "few images and no pretrained weights",
    "frozen": "the backbone was frozen for too long",
    "batch_norm": "batch norms of a single image",
}


@dataclass(frozen=True)
class Remedy:
    """What would do.

    Args:
        command: a command line, or an assignment `key=value` of a recipe
        why: what it does, in a few words
    """

    command: str
    why: str


@dataclass(frozen=True)
class Cause:
    """Something that is wrong, or may be.

    Args:
        kind: one of KINDS
        certainty: LIKELY or POSSIBLE
        evidence: sentences with numbers
        remedies: what would do, the best first
        numbers: the evidence for programs, {name: number}
    """

    kind: str
    certainty: str
    evidence: tuple[str, ...]
    remedies: tuple[Remedy, ...]
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def title(self):
        """What it means, in words."""
        return KINDS[self.kind]

    def to_dict(self):
        """For JSON."""
        return {"kind": self.kind, "title": self.title, **{k: v for k, v in asdict(self).items() if k != "kind"}}


def split_anew(history, why, ratios="0.8 0.1 0.1"):
    """The `Remedy` of other splits for a new run, which the command makes where a data set has none of its own."""
    return Remedy(
        f"trizoo data split {history.checked_data} --ratios {ratios}",
        f"{why}, in a new run; lists or folders that say the splits now have to be removed first",
    )


def in_order(causes):
    """Likely ones first, then in the order of KINDS."""
    kinds = list(KINDS)
    return sorted(causes, key=lambda cause: (cause.certainty != LIKELY, kinds.index(cause.kind)))
