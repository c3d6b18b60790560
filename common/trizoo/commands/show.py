"""What `trizoo data show` does: a page of a data set's images, as they are and as training gets them, and counts."""

from trizoo.commands.cli import check_flags, say
from trizoo.data.purpose import find_labels
from trizoo.families import architecture
from trizoo.ground.errors import UserError
from trizoo.recipes.load import parse_assignment
from trizoo.show import counts
from trizoo.show.folder import COMMAND, claim, new_folder
from trizoo.show.kinds import KINDS
from trizoo.show.page import html
from trizoo.show.sheets import Sheets
from trizoo.tasks import task_of
from trizoo.tasks.detection_flags import CLASSES_MAP
from trizoo.tasks.segmentation_flags import MASKS
from trizoo.training.data import training_split
from trizoo.training.preview import Preview
from trizoo.training.recipe import new_recipe, wanted_model


def show(options):
    """The command. Returns the exit code; raises UserError where there is no data set, or nothing of it to show."""
    recipe = recipe_of(options)
    task = task_of(recipe.model.name)
    listing = task.find(recipe.data)
    split = options.split or training_split(recipe.data, listing.splits)
    source = task.open(listing, recipe.data, split, recipe.classes)
    recipe = recipe.model_copy(update={"classes": source.classes})
    indices = list(dict.fromkeys(options.index or ()))
    for index in indices:
        if index >= len(source):
            raise UserError(f"--index is {index}; the split {split} has the images 0 to {len(source) - 1}")
    preview = Preview(source, recipe) if options.augmented else None
    kind = KINDS[task.name]
    counted = kind.count(source)
    folder = claim(options.out) if options.out else new_folder(source.root)  # now that nothing is wrong
    sheets = Sheets(source, folder, kind.legend)
    sections = [
        counts.head(source, counted, split, listing.splits, kind.words(source, counted)),
        kind.classes(source, counted),
    ]
    sections += [sheets.large(index) for index in indices] or [sheets.some(options.count)]
    if preview and indices:
        sections += [sheets.epochs(preview, index, options.count, recipe) for index in indices]
    elif preview:
        sections += sheets.batches(preview, options.count, recipe)
    sections += [counts.drawn(kind.figures(counted, source.classes), folder), counts.problems(source)]
    title = f"{source.root.absolute().name or source.root}: {split}"
    path = folder.finish(html(title, [section for section in sections if section], COMMAND))
    say(f"{len(indices) or min(options.count, len(source))} of {len(source)} images of {source.root} ({split}) drawn")
    say(str(path))
    return 0


def recipe_of(options):
    """The recipe that the data set is read and augmented by; without a name of one that of a model for what there is.

    Raises UserError where flags and the model don't go together, or nothing is found.
    """
    named = wanted_model(options.model, options.recipe, _overrides(options))
    model = named or KINDS[_task_of(options)].model
    task = architecture(model).task
    if options.task not in ("auto", task):
        raise UserError(f"--task is {options.task} and {model} does {task}; leave one of them out")
    check_flags(options, "train", model, task)
    name = options.model if named else model
    return new_recipe(_overrides(options), model=name, file=options.recipe, origin="command line --model").recipe


def _task_of(options):
    """What the data set is for; see `trizoo.data.purpose.find_labels`."""
    if options.task != "auto":
        return options.task
    about_masks = any(getattr(options, flag.name) for flag in MASKS)
    places = (options.layout, options.images, options.annotations)
    return find_labels(options.root, None, *places, about_masks=about_masks)[0]


def _overrides(options):
    """(key, value, origin) of the flags that set values of the recipe, then of --set."""
    overrides = [("data.root", str(options.root), "command line ROOT")]
    for flag in ("layout", "images", "annotations"):
        if getattr(options, flag):
            overrides.append((f"data.{flag}", getattr(options, flag), f"command line --{flag}"))
    if options.classes:
        overrides.append(("classes", options.classes, "command line --classes"))
    for flag in (*MASKS, CLASSES_MAP):
        value = getattr(options, flag.name)
        if value is not None:
            overrides += [(key, setting, f"command line {flag.option}") for key, setting in flag.sets(value).items()]
    return overrides + [parse_assignment(text) for text in options.set]
