"""What `trizoo data` does: check a data set, show it, convert it, crop it, split it, draw one, or download one."""

from tqdm import tqdm

from trizoo.data.check import check
from trizoo.data.class_maps import parse_class_map
from trizoo.data.convert import convert
from trizoo.data.crop import crop
from trizoo.data.shapes import MARKER
from trizoo.data.split_lists import split
from trizoo.data.synthetic import KINDS, synthesize
from trizoo.ground.errors import UserError
from trizoo.ground.memory import keep_freed_memory
from trizoo.ground.results import check_place
from trizoo.ground.text import first_few, quoted
from trizoo.tasks import FLAGS


def run(options):
    """The command. Returns the exit code; raises UserError where there is no data set."""
    actions = {
        "check": _check,
        "show": _show,
        "convert": _convert,
        "crop": _crop,
        "split": _split,
        "synth": _synthesize,
        "download": _download,
    }
    return actions[options.action](options)


def _check(options):
    of_masks, task = _mask_options(options), _task(options)
    if task == "detection" and of_masks:
        raise UserError("--mask-map and --palette are about masks; leave them out or --task detection")
    keep_freed_memory()
    more = {"watch": _bar, "own_classes": options.task != "auto" and FLAGS[options.task].own_classes}
    report = check(options.root, options.classes, task=task, **more, **_places(options), **of_masks)
    print(report.to_json() if options.json else report)
    return 1 if report.errors else 0


def _bar(found, total, what):
    """A progress bar on a terminal, nothing elsewhere."""
    return tqdm(found, total=total, unit=f" {what}", leave=False, disable=None)


def _places(options):
    """Where the files lie."""
    return {"layout": options.layout, "images": options.images, "annotations": options.annotations}


def _mask_options(options):
    """The arguments that --mask-map and --palette give."""
    palette, ignored = options.palette or (None, ())
    given = {"mask_map": options.mask_map, "palette": palette, "ignore_colours": ignored}
    return {name: value for name, value in given.items() if value}


def _convert(options):
    _check_folder(options.out, "OUT")
    done = convert(
        options.root,
        options.out,
        options.to,
        options.classes,
        task=_task(options),
        classes_map=parse_class_map(options.classes_map or ()),
        limit=options.limit,
        seed=options.seed,
        link=options.link,
        shard_size=options.shard_size,
        watch=_bar,
        **_places(options),
        **_mask_options(options),
    )
    for note in done.notes:
        print(f"note: {note}")
    splits = ", ".join(f"{name} ({count})" for name, count in done.splits.items())
    labels = "masks" if done.task == "segmentation" else "points" if done.layout == "points" else "boxes"
    print(
        f"{options.out}: {done.images} images with {labels}, written as {done.layout}, splits {splits}, "
        f"classes {', '.join(done.classes)}"
    )
    return 0


def _crop(options):
    _check_folder(options.out, "OUT")
    done = crop(
        options.root,
        options.out,
        options.classes,
        margin=options.margin,
        size=options.size,
        min_side=options.min_side,
        to=options.format,
        classes_map=parse_class_map(options.classes_map or ()),
        watch=_bar,
        **_places(options),
    )
    for note in done.notes:
        print(f"note: {note}")
    print(done)
    print(options.out)
    return 0


def _split(options):
    done = split(
        options.root,
        options.ratios,
        options.seed,
        options.out,
        task=_task(options),
        **_places(options),
        **_mask_options(options),
    )
    print(done)
    if lacking := done.lacking():
        print(f"note: train has no {first_few(lacking)}: too few images hold them; more, or another --seed, would do")
    if done.twins:
        print(f"note: {done.twins} images have the very bytes of another one, and are in its split")
    if done.problems:
        check = f"trizoo data check {quoted(options.root)}"
        print(f"note: {done.problems} things were put right or left out; {check} lists all")
    if options.out and done.layout == "class-folders":
        print(f"note: --annotations {quoted(done.folder)} reads these lists")
    print(done.folder)
    return 0


def _show(options):
    from trizoo.commands.show import show  # here, since recipes and the training set take a while to load

    return show(options)


def _synthesize(options):
    _check_folder(options.out, "OUT")
    existed = (options.out / MARKER).exists()
    kind = KINDS[options.task]
    if options.changed and not kind.changeable:
        raise UserError("--changed is of key points; --task keypoints is needed too")
    images, (width, height) = kind.images if options.images is None else options.images, options.size or kind.size
    drawn = {"kind": options.task, "changed": options.changed}
    out = synthesize(options.out, images, (width, height), options.classes or None, options.seed, **drawn)
    print(f"{out}: {images} images of {width}x{height}, {'already there' if existed else 'drawn'}")
    return 0


def _download(options):
    _check_folder(options.root, "ROOT")
    # Here, since checking and drawing need no network library, and are quicker to start without one.
    from trizoo.download.datasets import download_dataset

    print(download_dataset(options.name, options.root, parts=options.parts, keep=options.keep, offline=options.offline))
    return 0


def _task(options):
    """The task whose data sets are meant; None for what there is."""
    return None if options.task == "auto" else FLAGS[options.task].data or options.task


def _check_folder(path, name):
    """UserError where a data set's folder can't be made."""
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file; {name} is the folder to make")
    if not path.exists():
        check_place(path)
