"""Processes that TF_CONFIG names wait for each other, until all are there or one of them is found not to come.

TensorFlow itself would wait for ever, and hear no signal meanwhile. The first listens where its own server will, the
others call there; when all have called, all are told to go on.
"""

import socket
import threading
import time
from contextlib import ExitStack, suppress

from trizoo.ground.errors import UserError

PATIENCE = 600.0  # seconds until all have to be there
SOON = 3.0  # seconds without a line
PAUSE = 0.5  # seconds between two calls, and at most until a signal is heard
CALL, GO = b"trizoo %d\n", b"go\n"


def meet(rank, addresses, patience=PATIENCE):
    """Returns when all processes have called; a line says so where that isn't soon.

    Args:
        rank: of this process
        addresses: "HOST:PORT" of each, by rank
        patience: seconds

    Raises:
        UserError: where one doesn't come in time, or an address can't be used
    """
    until = time.monotonic() + patience
    place = _place(addresses[0])
    line = f"processes: waiting for all {len(addresses)} that TF_CONFIG names"
    told = threading.Timer(SOON, print, (line,), {"flush": True})
    told.start()
    try:
        if rank:
            _call(rank, place, until)
        else:
            _listen(place, len(addresses), until)
    except TimeoutError as error:
        who = addresses[0] if rank else error
        raise UserError(
            f"TF_CONFIG names {len(addresses)} processes, and {who} didn't come within {patience:.0f} seconds; each "
            f"has to be started, with its own index, and to reach {addresses[0]}"
        ) from None
    except OSError as error:
        raise UserError(f"{addresses[0]}, the first of TF_CONFIG, can't be used: {error.strerror or error}") from error
    finally:
        told.cancel()


def _place(address):
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UserError(f"TF_CONFIG names {address!r}; HOST:PORT is needed")
    return host.strip("[]"), int(port)


def _call(rank, place, until):
    while time.monotonic() < until:
        with suppress(ConnectionError, TimeoutError), socket.create_connection(place, timeout=PAUSE) as line:
            line.sendall(CALL % rank)
            while time.monotonic() < until:
                with suppress(TimeoutError):
                    if line.recv(len(GO)) == GO:
                        return
                    break  # the first has gone, perhaps to begin anew
        time.sleep(PAUSE)
    raise TimeoutError


def _listen(place, count, until):
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    with ExitStack() as held, socket.create_server(("", place[1]), family=family) as server:
        server.settimeout(PAUSE)
        lines = {}
        while len(lines) < count - 1:
            if time.monotonic() > until:
                raise TimeoutError(", ".join(f"index {n}" for n in range(1, count) if n not in lines))
            with suppress(TimeoutError, ConnectionError):
                line, _ = server.accept()
                held.enter_context(line)
                line.settimeout(PAUSE)
                ranks = {CALL % rank: rank for rank in range(1, count)}
                rank = ranks.get(line.recv(64))
                if rank is not None:
                    lines[rank] = line
        for line in lines.values():
            line.sendall(GO)
