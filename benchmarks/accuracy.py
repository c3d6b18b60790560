"""What recipes learn from scratch in the same epochs: this zoo's models beside a peer's, on the same splits.

Each training is a process of its own on one core with one thread, one after the other, by the side's own default
recipe but for epochs, batch and input size. Metrics are the zoo's for both sides, on the same test images; seconds are
what the whole process took of the core, its own evaluations included, so that other work on the machine doesn't count.
The peer may live in an environment of its own (--peer-python); it reads a copy of the data in YOLO's layout and its
boxes come back as JSON.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import mean, pstdev

HERE = Path(__file__).resolve()
PEERS = {"ultralytics": "Ultralytics"}
METRICS = ("mAP50", "mAP")


def train_ultralytics(job):
    """Trains Ultralytics' model of the same name and writes {image: [boxes, scores, labels]} of the test images."""
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    network = YOLO(f"{job['model']}.yaml")
    options = {"imgsz": job["size"], "batch": job["batch"], "device": "cpu", "workers": 0, "verbose": False}
    where = {"project": job["folder"], "name": "run", "exist_ok": True}
    network.train(data=job["data"], epochs=job["epochs"], seed=job["seed"], plots=False, amp=False, **options, **where)
    best = YOLO(Path(job["folder"]) / "run" / "weights" / "best.pt")
    found = {}
    for path in job["images"]:
        # what its own validation asks for
        boxes = best.predict(path, imgsz=job["size"], conf=0.001, iou=0.7, max_det=300, device="cpu", verbose=False)[0]
        found[path] = [boxes.boxes.xyxy.tolist(), boxes.boxes.conf.tolist(), boxes.boxes.cls.tolist()]
    Path(job["found"]).write_text(json.dumps(found), encoding="utf-8")


def on_one_core(command, core):
    """Runs a command on one core -> its seconds of the CPU. SystemExit where it fails."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    environment = os.environ | dict.fromkeys(names, "1")
    pin = partial(os.sched_setaffinity, 0, {core})
    before = _cpu_seconds()
    with tempfile.TemporaryFile("w+") as log:
        status = subprocess.run(command, env=environment, preexec_fn=pin, stdout=log, stderr=log).returncode
        if status:
            log.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {status}:\n{log.read()[-3000:]}")
    return _cpu_seconds() - before


def _cpu_seconds():
    """Seconds of the CPU that processes took which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_zoo(args, model, seed, folder):
    """(metrics, seconds) of a training by the zoo's recipe of a model."""
    run = folder / "zoo"
    flags = ["--model", model, "--data", args.data, "--input-size", str(args.size), "--batch-size", str(args.batch)]
    flags += ["--epochs", str(args.epochs), "--seed", str(seed), "--workers", "0", "--quiet", "--out", str(run)]
    for assignment in args.set:
        flags += ["--set", assignment]
    seconds = on_one_core([sys.executable, str(HERE.parents[1] / args.framework / "train.py"), *flags], args.core)
    return json.loads((run / "metrics.json").read_text(encoding="utf-8")), seconds


def of_peer(args, model, seed, folder):
    """(metrics, seconds) of a training by the peer's recipe of a model, measured by the zoo."""
    import numpy as np

    from trizoo.data.convert import convert
    from trizoo.ground.sample import Detections
    from trizoo.metrics.detection import evaluate
    from trizoo.training.data import open_data
    from trizoo.training.recipe import new_recipe

    data = folder / "yolo"
    values = [("data.root", args.data, "here")]
    recipe, sources = open_data(new_recipe(values, model="yolov3-tiny", origin="here").recipe, lambda line: None)
    convert(args.data, data, to="yolo", classes=recipe.classes)
    truths, found = sources.test.records, folder / "found.json"
    job = {"model": model, "data": str(data / "data.yaml"), "size": args.size, "batch": args.batch, "seed": seed}
    job |= {"epochs": args.epochs, "folder": str(folder), "found": str(found)}
    job["images"] = [str(record.image) for record in truths]
    path = folder / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    seconds = on_one_core([args.peer_python, str(HERE), "--job", str(path), "--peer", args.peer], args.core)
    detections = []
    answers = json.loads(found.read_text(encoding="utf-8"))
    for image in job["images"]:
        boxes, scores, labels = answers[image]
        arrays = np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
        detections.append(Detections(*arrays))
    return evaluate(detections, truths, recipe.classes), seconds


def spread(values):
    """Mean and standard deviation, as text."""
    return f"{mean(values):.3f}" + (f" ± {pstdev(values):.3f}" if len(values) > 1 else "")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="data set with boxes and the splits train, val and test")
    parser.add_argument("--models", nargs="*", default=["yolov3-tiny"], help="of the zoo (default: yolov3-tiny)")
    parser.add_argument("--framework", choices=("pytorch", "tf2", "keras"), default="pytorch")
    parser.add_argument("--set", action="append", default=[], metavar="key=value", help="of the zoo's recipe")
    parser.add_argument("--peer", choices=PEERS, help="trains its yolov3-tiny, too")
    parser.add_argument("--peer-python", default=sys.executable, help="the Python that the peer is installed for")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--size", type=int, default=320, help="pixels a side of the input")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="default: the last")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        train_ultralytics(json.loads(Path(args.job).read_text(encoding="utf-8")))
        return
    if not args.models and not args.peer:
        parser.error("--models without a name needs --peer")
    if not args.data:
        parser.error("--data ROOT is needed")
    sides = [(f"{model}, {args.framework}", of_zoo, model) for model in args.models]
    if args.peer:
        sides.append((f"yolov3-tiny, {PEERS[args.peer]}", of_peer, "yolov3-tiny"))
    metrics, seconds = {title: [] for title, _, _ in sides}, {title: [] for title, _, _ in sides}
    for seed in args.seeds:
        for title, side, model in sides:
            with tempfile.TemporaryDirectory() as folder:
                measured, took = side(args, model, seed, Path(folder))
            metrics[title].append(measured)
            seconds[title].append(took)
            values = ", ".join(f"{name} {measured[name]:.3f}" for name in METRICS)
            print(f"seed {seed}, {title}: {values}, {took:.0f} s", file=sys.stderr, flush=True)
    print(f"| {' | '.join(['', *(f'test {name}' for name in METRICS), 'CPU seconds', 'seeds'])} |\n|{' --- |' * 5}")
    for title, _, _ in sides:
        cells = [spread([one[name] for one in metrics[title]]) for name in METRICS]
        print(f"| {title} | {' | '.join(cells)} | {mean(seconds[title]):.0f} | {len(args.seeds)} |")


if __name__ == "__main__":
    main()
