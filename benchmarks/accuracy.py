"""What recipes learn from scratch in the same epochs: this zoo's models beside a peer's, on the same splits.

Each training is a process of its own on one core with one thread, one after the other, by the side's own default
recipe but for epochs, batch and input size. Metrics are the zoo's for both sides, on the same images of val, by which
to choose, and of test; seconds are what the whole process took of the core, its own evaluations included, so that other
work on the machine doesn't count.
The peer may live in an environment of its own (--peer-python); peers.py has how it trains.
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import zlib
from functools import partial
from pathlib import Path
from statistics import mean, pstdev

from kept import Kept

from trizoo import __version__
from trizoo.commands.cli import run_command
from trizoo.commands.flags.shared import index_argument, positive_int
from trizoo.data.finding import is_there
from trizoo.ground.errors import UserError
from trizoo.recipes.load import to_dict
from trizoo.tasks import task_of

HERE = Path(__file__).resolve()
# keys that all rows of a table share, and the flag that sets them
OF_THE_TABLE = {
    "seed": "--seeds",
    "schedule.epochs": "--epochs",
    "schedule.iterations": "--epochs",
    "schedule.batch_size": "--batch",
    "input_size": "--size",
}
PEERS = {  # its models, and the zoo's of the same kind of answer
    "ultralytics": {"yolov3-tiny": "yolov3-tiny"},
    "torchvision": {
        "ssdlite320_mobilenet_v3_large": "ssd300-mobilenetv2",
        "retinanet_resnet18_fpn": "retinanet-resnet18",
        "deeplabv3_mobilenet_v3_large": "deeplabv3plus-mobilenetv2",
    },
}


def on_one_core(command, core):
    """Runs a command on one core -> its seconds of the CPU.

    Raises:
        UserError: what it says of what it was given
        SystemExit: with the end of its log where it fails otherwise
    """
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    environment = os.environ | dict.fromkeys(names, "1")
    pin = partial(os.sched_setaffinity, 0, {core})
    before = _cpu_seconds()
    with tempfile.TemporaryFile("w+") as log:
        status = subprocess.run(command, env=environment, preexec_fn=pin, stdout=log, stderr=log).returncode
        log.seek(0)
        said = log.read().strip()
        if status == 2 and said:
            raise UserError(said.splitlines()[-1].removeprefix("error: "))
        if status:
            raise SystemExit(f"{' '.join(command)} ended with {status}:\n{said[-3000:]}")
    return _cpu_seconds() - before


def _cpu_seconds():
    """Seconds of the CPU that processes took which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_zoo(args, recipe, seed, folder, changes=()):
    """(metrics, seconds) of a training by a recipe of the zoo, with more `key=value`; see `both`."""
    run = folder / "zoo"
    flags = ["--recipe", recipe, "--data", args.data, "--input-size", str(args.size), "--batch-size", str(args.batch)]
    flags += ["--epochs", str(args.epochs), "--seed", str(seed), "--workers", "0", "--quiet", "--out", str(run)]
    for assignment in (*args.set, *changes):
        flags += ["--set", assignment]
    seconds = on_one_core([sys.executable, str(HERE.parents[1] / args.framework / "train.py"), *flags], args.core)
    return of_run(run), seconds


def of_run(run):
    """The metrics of a run's best weights; see `both`."""
    test = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [record for record in map(json.loads, lines) if record["kind"] == "epoch"]
    return both(next(record for record in epochs if record["epoch"] == test["epoch"]), test)


def both(validation, test):
    """{"val mAP50": …, "test mAP50": …} and so on of the metrics of both splits."""
    splits = {"val": validation, "test": test}
    return {f"{split} {name}": value for split, metrics in splits.items() for name, value in metrics.items()}


def of_peer(args, model, seed, folder):
    """(metrics, seconds) of a training by the peer's recipe of a model, measured by the zoo; see `both`."""
    from trizoo.recipes.load import parse_assignment
    from trizoo.training.data import open_data
    from trizoo.training.recipe import new_recipe

    values = [
        ("data.root", args.data, "here"),
        *(parse_assignment(text) for text in args.set if text.startswith("data.")),
    ]
    recipe = new_recipe(values, model=PEERS[args.peer][model], origin="here").recipe
    recipe, sources = open_data(recipe, lambda line: None)
    job = {"peer": args.peer, "model": model, "size": args.size, "batch": args.batch, "seed": seed}
    job |= {"epochs": args.epochs, "folder": str(folder), "found": str(folder / "found.json")}
    images = [str(record.image) for source in (sources.validation, sources.test) for record in source.records]
    job |= {"classes": len(recipe.classes), "images": list(dict.fromkeys(images))}
    job |= _data_of(args, recipe, sources, folder)
    path = folder / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    seconds = on_one_core([args.peer_python, str(HERE.with_name("peers.py")), str(path)], args.core)
    answers = json.loads(Path(job["found"]).read_text(encoding="utf-8"))

    def measured(source):
        return source.measure(lambda images: (_result(answers[str(image)]) for image in images))[0]

    return both(measured(sources.validation), measured(sources.test)), seconds


def _data_of(args, recipe, sources, folder):
    """What a peer trains on: a data.yaml of YOLO's layout, or the images with their boxes or masks."""
    from PIL import Image

    from trizoo.data.convert import convert

    if args.peer == "ultralytics":
        convert(args.data, folder / "yolo", to="yolo", classes=recipe.classes)
        return {"data": str(folder / "yolo" / "data.yaml")}
    train = []
    for place in sources.members:
        record = sources.training.records[place]
        one = {"image": str(record.image)}
        if hasattr(sources.training, "mask"):
            one["mask"] = str(folder / f"mask-{place}.png")
            Image.fromarray(sources.training.mask(place)).save(one["mask"])
        else:
            one |= {"boxes": record.boxes.tolist(), "labels": record.labels.tolist()}
        train.append(one)
    return {"train": train}


def _result(answer):
    """A peer's answer on an image as the zoo's: Detections, or a mask of class ids."""
    import numpy as np
    from PIL import Image

    from trizoo.ground.sample import Detections

    if isinstance(answer, str):
        return np.array(Image.open(answer))
    boxes, scores, labels = answer
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(boxes, np.array(scores, np.float32), np.array(labels, np.int64))


def recipe_of(file=None, assignments=(), model=None):
    """A recipe of the zoo, or of a model of it, with more `key=value`. Raises UserError for wrong ones."""
    from trizoo.recipes.load import parse_assignment
    from trizoo.training.recipe import new_recipe

    values = [parse_assignment(text) for text in assignments]
    return new_recipe(values, file=file, model=model, origin="--recipes").recipe


def changes_of(row):
    """The `key=value` of one of --rows. Raises UserError for what can't be one."""
    try:
        changes = shlex.split(row)
    except ValueError as error:
        raise UserError(f"--rows has {row}, which can't be read ({error}); key=value, or several, is needed") from error
    if not changes:
        raise UserError("--rows has an empty row, which is the recipe's own; key=value, or several, is needed")
    for change in changes:
        key = change.partition("=")[0].strip()
        if key in OF_THE_TABLE or key.startswith("data."):
            raise UserError(
                f"--rows has {row}, and {key} is the same in all rows; {OF_THE_TABLE.get(key, '--set')} sets it"
            )
    return changes


def row_of(file, given, row):
    """(recipe, its `key=value`) of a row. Raises UserError for a wrong one."""
    changes = changes_of(row)
    try:
        return recipe_of(file, [*given, *changes]), changes
    except UserError as error:
        quotes = "; a value with spaces goes in quotes, key='{a: 1, b: 2}'" if set("{[") & set(row) else ""
        raise UserError(f"--rows has {row}: {error}{quotes}") from error


def checksum(value):
    """A short text that is another where the value is, which JSON can hold."""
    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"


def spread(values):
    """Mean and standard deviation, as text."""
    return f"{mean(values):.3f}" + (f" ± {pstdev(values):.3f}" if len(values) > 1 else "")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="data set with the splits train, val and test")
    parser.add_argument("--recipes", nargs="*", default=["yolov3-tiny"], help="of the zoo (default: yolov3-tiny)")
    parser.add_argument("--framework", choices=("pytorch", "tf2", "keras"), default="pytorch")
    parser.add_argument(
        "--set", action="append", default=[], metavar="key=value", help="of the zoo's recipe, or data.*"
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        action="extend",
        default=[],
        metavar="'key=value …'",
        help="more rows for each recipe, each with these values set: what a switch is worth",
    )
    parser.add_argument("--peer", choices=PEERS, help="trains a model of its own, too")
    parser.add_argument("--peer-model", help="default: the first of the peer's")
    parser.add_argument("--peer-python", default=sys.executable, help="the Python that the peer is installed for")
    parser.add_argument("--epochs", type=positive_int, default=40)
    parser.add_argument("--seeds", type=index_argument, nargs="+", default=[0, 1, 2])
    parser.add_argument("--size", type=positive_int, default=320, help="pixels a side of the input")
    parser.add_argument("--batch", type=positive_int, default=16)
    parser.add_argument(
        "--kept", type=Path, metavar="FILE", help="file for finished trainings, which aren't made again"
    )
    parser.add_argument("--core", type=index_argument, default=max(os.sched_getaffinity(0)), help="default: the last")
    args = parser.parse_args()
    if args.core not in os.sched_getaffinity(0):
        parser.error(f"--core is {args.core}; one of {', '.join(map(str, sorted(os.sched_getaffinity(0))))} is needed")
    if shutil.which(args.peer_python) is None:
        parser.error(f"--peer-python is {args.peer_python}, which is no program")
    if args.kept and not args.kept.parent.is_dir():
        parser.error(f"--kept is {args.kept}, and there is no folder {args.kept.parent}; one that is there is needed")
    if len(set(args.seeds)) < len(args.seeds):
        parser.error(f"--seeds is {' '.join(map(str, args.seeds))}; each is needed once")
    if args.peer_model and not args.peer:
        parser.error("--peer-model needs --peer")
    sides, recipes = [], {}
    for file in args.recipes:
        for row in (None, *args.rows):
            title = f"{file}, {args.framework}" + (f", `{row.strip()}`" if row else "")
            recipe, changes = (recipe_of(file, args.set), ()) if row is None else row_of(file, args.set, row)
            for other, known in recipes.items():
                if known == recipe:
                    parser.error(f"{title} is the same as {other}; each recipe and each row is needed once")
            sides.append((title, partial(of_zoo, changes=changes), file, checksum(to_dict(recipe))))
            recipes[title] = recipe
    if args.peer:
        model = args.peer_model or next(iter(PEERS[args.peer]))
        if model not in PEERS[args.peer]:
            parser.error(f"--peer-model is {model}; one of {', '.join(PEERS[args.peer])} is needed")
        title = f"{model}, {args.peer}"
        recipes[title] = recipe_of(model=PEERS[args.peer][model])
        sides.append((title, of_peer, model, checksum(HERE.with_name("peers.py").read_text(encoding="utf-8"))))
    if not sides:
        parser.error("--recipes without a name needs --peer")
    kinds = {title: task_of(recipe.model.name).metrics for title, recipe in recipes.items()}
    if len(set(kinds.values())) > 1:
        told = "; ".join(f"{title} has {' and '.join(names)}" for title, names in kinds.items())
        parser.error(f"sides of one table need the same metrics, and {told}")
    names = [f"{split} {name}" for split in ("val", "test") for name in next(iter(kinds.values()))]
    metrics, seconds = {title: [] for title in kinds}, {title: [] for title in kinds}
    if not is_there(args.data):
        raise UserError(f"data set {args.data} does not exist")
    kept = Kept(args.kept, names)
    settings = f"{args.epochs} epochs, {args.size}, {args.batch}, {' '.join(args.set)}, {os.path.realpath(args.data)}"
    for seed in args.seeds:
        for title, side, model, made_by in sides:
            training = f"trizoo {__version__}, {title} ({made_by}), seed {seed}, {settings}"
            found = kept.get(training)
            if found is None:
                with tempfile.TemporaryDirectory() as folder:
                    found = side(args, model, seed, Path(folder))
                kept.add(training, {name: found[0][name] for name in names}, found[1])
            measured, took = found
            metrics[title].append(measured)
            seconds[title].append(took)
            values = ", ".join(f"{name} {measured[name]:.3f}" for name in names)
            print(f"seed {seed}, {title}: {values}, {took:.0f} s", file=sys.stderr, flush=True)
    print(f"| {' | '.join(['', *names, 'CPU seconds', 'seeds'])} |\n|{' --- |' * (len(names) + 3)}")
    for title in kinds:
        cells = [spread([one[name] for one in metrics[title]]) for name in names]
        print(f"| {title} | {' | '.join(cells)} | {mean(seconds[title]):.0f} | {len(args.seeds)} |")


if __name__ == "__main__":
    run_command(main)
