"""What predict.py of every framework does, and `trizoo predict`."""

from pathlib import Path

from trizoo.commands.cli import Choice, check_flags, find_weights, say
from trizoo.commands.flags.predict import parser
from trizoo.data.sources import find_images
from trizoo.deploy.runtimes import make_model, read_model
from trizoo.ground.results import check_folder, is_marked_folder, mark_folder
from trizoo.tasks import FLAGS, task_of
from trizoo.tasks.writers import output_names, write_json

COMMAND = "trizoo predict"
WRITING = {flag.name for flags in FLAGS.values() for flag in flags.predict if flag.writes}


def predict(framework, argv=None):
    """predict.py of a framework that is loaded already. Returns the exit code."""
    return run(parser().parse_args(argv), Choice(lambda: framework))


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code."""
    paths = without_results(find_images(args.source), args.out)
    names = output_names(paths, args.out)
    writes = not args.no_pictures or args.json or any(getattr(args, name) for name in WRITING)
    if writes:
        check_folder(args.out, "--out", is_marked_folder(COMMAND))
    args.weights = find_weights(args)
    read = read_model(args.weights)
    task = task_of(read.spec.name)
    check_flags(args, "predict", read.spec.name, task.name)
    framework, device = choice.start(args.device)
    recipe, model = make_model(framework, read, device, args.precision)
    pipeline = task.predictor(framework, model, read.spec, recipe, device, args)
    if writes:
        mark_folder(args.out, COMMAND)
    results = []
    for path, found in zip(paths, pipeline(paths, args.batch_size), strict=True):
        results.append(task.result(path, found, recipe, args))
        say(task.line(path, found, results[-1], recipe, args))
        task.write(path, names[path], found, recipe, args)
    if args.json:
        write_json(Path(args.out) / f"{task.results}.json", results)
    say(task.total(results, recipe))
    if writes:
        say(f"written to {args.out}")
    return 0


def without_results(paths, out):
    """The images less those that lie in the folder of results, where an earlier call over the same folder put them."""
    out = Path(out).resolve()
    rest = [path for path in paths if out not in path.resolve().parents]
    return rest or paths
