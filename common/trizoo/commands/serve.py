"""What `trizoo serve` does: a model behind HTTP."""

from pathlib import Path

from trizoo.commands.cli import say
from trizoo.commands.use import open_predictor
from trizoo.framework import is_installed
from trizoo.ground.errors import UserError
from trizoo.serve.app import check_installed, make_app
from trizoo.serve.limits import Limits
from trizoo.serve.model import Served
from trizoo.serve.server import address_of, allowed_hosts, bind, is_local, listen
from trizoo.serve.server import run as serve
from trizoo.serve.service import Service
from trizoo.serve.wish import OF_TASK


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
    """The `trizoo.serve.model.Served` that the arguments ask for."""
    used = open_predictor(args, choice)
    if used.task.name not in OF_TASK:
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


def limits_of(args):
    """The Limits that the arguments ask for."""
    return Limits(args.max_megabytes, args.max_megapixels, args.timeout, args.queue, args.batch_size)
