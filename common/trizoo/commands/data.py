"""What `trizoo data` does: check a data set, show it, convert its masks, draw one, or download one."""

from tqdm import tqdm

from trizoo.data.check import check
from trizoo.data.convert import convert
from trizoo.data.shapes import MARKER
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.ground.memory import keep_freed_memory
from trizoo.ground.results import check_place


def run(options):
    """The command. Returns the exit code; raises UserError where there is no data set."""
    actions = {"check": _check, "convert": _convert, "show": _show, "synth": _synthesize, "download": _download}
    return actions[options.action](options)


def _check(options):
    of_masks, task = _mask_options(options), None if options.task == "auto" else options.task
    if task == "detection" and of_masks:
        raise UserError("--mask-map and --palette are about masks; leave them out or --task detection")
    keep_freed_memory()
    report = check(options.root, options.classes, task=task, watch=_bar, **_places(options), **of_masks)
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
    data = convert(options.root, options.out, options.classes, **_places(options), **_mask_options(options))
    splits = ", ".join(f"{name} ({len(ids)})" for name, ids in data.splits.items())
    print(f"{options.out}: {len(data)} images with masks, splits {splits}, classes {', '.join(data.classes)}")
    return 0


def _show(options):
    from trizoo.commands.show import show  # here, since recipes and the training set take a while to load

    return show(options)


def _synthesize(options):
    _check_folder(options.out, "OUT")
    existed = (options.out / MARKER).exists()
    out = synthesize(options.out, options.images, options.size, options.classes, options.seed)
    width, height = options.size
    print(f"{out}: {options.images} images of {width}x{height}, {'already there' if existed else 'drawn'}")
    return 0


def _download(options):
    _check_folder(options.root, "ROOT")
    # Here, since checking and drawing need no network library, and are quicker to start without one.
    from trizoo.download.datasets import download_dataset

    print(download_dataset(options.name, options.root, parts=options.parts, keep=options.keep, offline=options.offline))
    return 0


def _check_folder(path, name):
    """UserError where a data set's folder can't be made."""
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file; {name} is the folder to make")
    if not path.exists():
        check_place(path)
