"""A run folder -> a `Diagnosis`: every cause that its files and its data set show."""

from dataclasses import dataclass, replace

from trizoo.data.finding import is_there
from trizoo.diagnosis import course, labels, setup, sizes, splits
from trizoo.diagnosis.cause import LIKELY, Cause, in_order
from trizoo.diagnosis.history import History, read_history, trainer_of
from trizoo.diagnosis.images import open_images
from trizoo.ground.errors import UserError
from trizoo.ground.text import printable, to_json
from trizoo.training.data import check_root, checksum_of_ids

OF_IMAGES = (labels.causes, sizes.causes, splits.causes)
NORMAL = (
    "a loss that falls fast in the first fifth of a run and by less than 10 % in the last",
    "a validation loss near training's, often below it (its images aren't augmented), with its lowest point late",
    "a metric that rises in leaps, wanders by 0.02 to 0.05 between evaluations of few images, and is best late",
    "in a class with few or small objects a lower AP or IoU than in the others",
)


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Args:
        history: of the run
        facts: {what: in words}, of the run as a whole
        causes: likely ones first
        notes: what couldn't be looked at, and what training would say of the data
    """

    history: History
    facts: dict[str, str]
    causes: tuple[Cause, ...]
    notes: tuple[str, ...]

    def __str__(self):
        lines = [str(self.history.run.path), *(f"  {name}: {text}" for name, text in self.facts.items())]
        lines += [f"  note: {note}" for note in self.notes]
        for number, cause in enumerate(self.causes, 1):
            lines += ["", f"{number}. {cause.certainty}: {cause.title}"]
            lines += [f"   - {sentence}" for sentence in cause.evidence]
            for remedy in cause.remedies:
                setting = "" if remedy.command.startswith("trizoo ") else "--set "
                lines.append(f"   > {setting}{remedy.command}    # {remedy.why}")
        if not self.causes:
            lines += ["", "Nothing that is looked for was found. Normal is:", *(f"  - {line}" for line in NORMAL)]
        elif not any(cause.certainty == LIKELY for cause in self.causes):
            lines += ["", "Nothing is likely wrong; what is possible may be worth a try."]
        return "\n".join(map(printable, lines))

    def to_json(self):
        """The same for programs."""
        return to_json(
            {
                "run": str(self.history.run.path),
                "facts": self.facts,
                "causes": [cause.to_dict() for cause in self.causes],
                "notes": self.notes,
                "normal": NORMAL,
            },
            indent=2,
        )


def diagnose(path, root=None):
    """The `Diagnosis` of a run folder; no framework is needed, and nothing is written.

    Args:
        root: where its data set lies now, None for where the recipe says

    Raises:
        UserError: where the folder is no run, or a file of it is damaged
    """
    check_root(root)
    history, notes, of_images = read_history(path, root), [], []
    if trainer_of(history.run):
        notes.append("it is being trained; what is said is of the steps so far")
    if history.root is None or not is_there(history.root):
        where = f"isn't at {history.root}" if history.root else "isn't named"
        notes.append(f"the data set {where}, so only the run's course was looked at; --data ROOT says where it is")
        history = replace(history, root=None)
    else:
        try:
            images = open_images(history)
        except UserError as error:
            of_images = [labels.not_opened(history, error)]
        else:
            notes += images.notes
            if history.ids not in (None, checksum_of_ids(images.training.records)):
                notes.append("the images to train on aren't those that it began with, so it can't be resumed")
                history = replace(history, goes_on=False)
            if not images.are_few:
                check = f"trizoo data check {history.checked_data}"
                notes.append(f"images are too many to be decoded here; {check} reads them all")
            of_images = [cause for look in OF_IMAGES for cause in look(history, images)]
    causes = [*course.causes(history), *setup.causes(history), *of_images]
    return Diagnosis(history, facts(history), tuple(in_order(causes)), tuple(notes))


def facts(history):
    """What the run is and what came of it, {what: in words}."""
    recipe, found = history.recipe, {}
    width, height = recipe.input_size
    begun = {True: ", pretrained weights", False: ", from scratch", None: ""}[history.pretrained]
    found["model"] = f"{recipe.model.name}, input {width}x{height}{begun}"
    of_images = f" on {history.images:,} images" if history.images is not None else ""
    batch = recipe.schedule.batch_size
    epochs = f"{history.last_epoch:,} epoch{'' if history.last_epoch == 1 else 's'}"
    found["trained"] = f"{epochs}, {history.last_step:,} steps of {batch}{of_images}"
    losses = history.losses
    if len(losses):
        found["loss"] = f"{losses[0]:.3g} at first, {losses[-1]:.3g} at the end"
    scores = history.scores
    if len(scores):
        best = scores[scores[:, 1].argmax()]
        found["validation"] = f"{history.score_name} {best[1]:.3f} at best, in epoch {best[0]:.0f}"
    final = history.metrics.get(history.score_name)
    if isinstance(final, float):
        found["final"] = f"{history.score_name} {final:.3f} on {history.metrics.get('split', 'the final split')}"
    return found
