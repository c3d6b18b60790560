"""What `trizoo serve` does: a model behind HTTP."""

from argparse import Namespace
from functools import cache
from pathlib import Path

from trizoo.commands.cli import Choice, choose_for, say
from trizoo.commands.recognize import make_pipeline
from trizoo.commands.use import open_predictor
from trizoo.deploy.endings import ending_of
from trizoo.framework import is_installed
from trizoo.gallery.file import load
from trizoo.ground.conventions import EXPORTED
from trizoo.ground.errors import UserError
from trizoo.serve.app import check_installed, make_app
from trizoo.serve.limits import Limits
from trizoo.serve.model import Served
from trizoo.serve.recognizer import ServedRecognizer
from trizoo.serve.server import address_of, allowed_hosts, bind, is_local, listen
from trizoo.serve.server import run as serve
from trizoo.serve.service import Service
from trizoo.serve.wish import asked_of

OF_RECOGNITION = ("embedding", "threshold", "agnostic", "margin", "whole")
OF_DETECTED = ("confidence", "max_detections", "agnostic", "margin", "whole")  # of these, with a detector alone
OF_ONE_MODEL = ("nms", "nms_method", "top", "tta", "tta_scales", "input_size", "precision")  # none of these


def run(args, choice):
    """The command, on the framework of a Choice. Returns the exit code once a signal has ended the server."""
    check_installed(is_installed)
    with bind(args.host, args.port) as listener:
        service = Service(open_served(args, choice), limits_of(args))
        try:
            service.warm_up()
            app = make_app(service, allowed_hosts(listener, args.allow_host))
            listen(listener)
            if not is_local(listener):
                say(f"whoever reaches {args.host} can use this server; --host 127.0.0.1 keeps it to this machine")
            say(f"ready at {address_of(listener)}")
            serve(app, listener, args.timeout)
        finally:
            service.close()
    say("the server has ended; every request that it took is answered")
    return 0


def open_served(args, choice):
    """The `trizoo.serve.model.Served` that the arguments ask for, or with a gallery the `ServedRecognizer`."""
    if args.gallery is not None:
        return open_recognizer(args, choice)
    for name in OF_RECOGNITION:
        if getattr(args, name) not in (None, False):
            raise UserError(f"--{name} is for names after a gallery; --gallery FILE is needed too")
    used = open_predictor(args, choice)
    if used.task.name == "embedding":
        raise UserError(
            f"{used.spec.name} gives vectors, which aren't served; --gallery FILE names pictures by them, and trizoo "
            f"predict writes them"
        )
    if asked_of(used.task.name) is None:
        raise UserError(f"{used.spec.name} does {used.task.name}, which isn't served yet; trizoo predict does it")
    return Served(
        weights=Path(args.weights).name,
        task=used.task,
        pipeline=used.pipeline,
        recipe=used.recipe,
        spec=used.spec,
        runtime=used.framework.versions(),
        device=used.framework.describe_device(used.device),
        args=args,
    )


def open_recognizer(args, choice):
    """The `ServedRecognizer` of --gallery: WEIGHTS are the detector's, or without --embedding the embedding's."""
    alone = args.embedding is None
    for name in OF_ONE_MODEL:
        if getattr(args, name) not in (None, False):
            raise UserError(f"--{name.replace('_', '-')} isn't for names after a gallery; leave it out")
    for name in OF_DETECTED:
        if alone and getattr(args, name) not in (None, False):
            raise UserError(f"--{name.replace('_', '-')} is of what a detector finds; --embedding is needed too")
    models = {"weights": args.weights, "detector": None}
    if not alone:
        models = {"weights": args.embedding, "detector": args.weights}
    asked = Namespace(**vars(args) | models | {"neighbours": 1, "exact": False})
    if not alone and any(ending_of(file) in EXPORTED for file in (args.weights, args.embedding)):
        choice = choose_for(asked)  # of the embedding: the command line's own is of the detector
    choice = Choice(cache(choice.open), choice.note)
    called = "without --embedding the model" if alone else "--embedding"
    pipeline = make_pipeline(asked, choice, load(args.gallery), called)
    framework = choice.open()
    device = framework.device(args.device)
    files = [args.weights, *([] if alone else [args.embedding]), args.gallery]
    return ServedRecognizer(
        weights=", ".join(Path(file).name for file in files),
        pipeline=pipeline,
        runtime=framework.versions(),
        device=framework.describe_device(device),
        batch_size=args.batch_size,
    )


def limits_of(args):
    """The Limits that the arguments ask for."""
    return Limits(args.max_megabytes, args.max_megapixels, args.timeout, args.queue, args.batch_size)
