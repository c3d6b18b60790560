"""What `trizoo data` does: check a data set, convert its masks, draw one, or download one."""

from trizoo.data.check.boxes import check
from trizoo.data.check.masks import check_masks
from trizoo.data.convert import convert
from trizoo.data.masks.find import has_masks
from trizoo.data.synthetic import MARKER, synthesize
from trizoo.data.voc_files import find_root
from trizoo.ground.errors import UserError


def run(options):
    """The command. Returns the exit code; raises UserError where there is no data set."""
    actions = {"check": _check, "convert": _convert, "synth": _synthesize, "download": _download}
    return actions[options.action](options)


def _check(options):
    for_masks = options.task == "segmentation" or _mask_options(options) or options.layout
    if options.task == "auto" and not for_masks:
        for_masks = not _has_boxes(options.root) and has_masks(options.root)
    elif options.task == "detection" and for_masks:
        raise UserError("--mask-map, --palette and --layout are about masks; leave them out or --task detection")
    if for_masks:
        report = check_masks(options.root, options.classes, layout=options.layout, **_mask_options(options))
    else:
        report = _check_boxes(options)
    print(report.to_json() if options.json else report)
    return 1 if report.errors else 0


def _check_boxes(options):
    try:
        find_root(options.root)
    except UserError as error:
        masks = "; nor are there masks: a folder beside images, labelme's or COCO's JSON files"
        raise UserError(f"{error}{masks if options.task == 'auto' else ''}") from error
    return check(options.root, options.classes)


def _has_boxes(root):
    """Whether a VOC data set with annotations is there."""
    try:
        return (find_root(root) / "Annotations").is_dir()
    except UserError:
        return False


def _mask_options(options):
    """The arguments that --mask-map and --palette give."""
    palette, ignored = options.palette or (None, ())
    given = {"mask_map": options.mask_map, "palette": palette, "ignore_colours": ignored}
    return {name: value for name, value in given.items() if value}


def _convert(options):
    data = convert(options.root, options.out, options.classes, layout=options.layout, **_mask_options(options))
    splits = ", ".join(f"{name} ({len(ids)})" for name, ids in data.splits.items())
    print(f"{options.out}: {len(data)} images with masks, splits {splits}, classes {', '.join(data.classes)}")
    return 0


def _synthesize(options):
    existed = (options.out / MARKER).exists()
    out = synthesize(options.out, options.images, options.size, options.classes, options.seed)
    width, height = options.size
    print(f"{out}: {options.images} images of {width}x{height}, {'already there' if existed else 'drawn'}")
    return 0


def _download(options):
    # Here, since checking and drawing need no network library, and are quicker to start without one.
    from trizoo.download.datasets import download_dataset

    print(download_dataset(options.name, options.root, parts=options.parts, keep=options.keep, offline=options.offline))
    return 0
