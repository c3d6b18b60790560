"""Processes wait for each other, until all are there or one of them is found not to come.

TensorFlow itself, and PyTorch without torchrun, would wait long or for ever, and hear no signal meanwhile. The first
listens where its own server will, the others call there; when all have called, all are told to go on.
"""

import os
import socket
import threading
import time
import zlib
from contextlib import ExitStack, suppress

from trizoo.ground.errors import UserError
from trizoo.training.world import addresses

PATIENCE = 600.0  # seconds until all have to be there
SOON = 3.0  # seconds without a line
PAUSE = 0.5  # seconds between two calls, and at most until a signal is heard
CALL = b"trizoo %d of %08x\n"  # the caller's place among which addresses
GO, OTHERS, TWICE = b"go\n", b"??\n", b"2x\n"  # answers of the same length


def meet_all(world):
    """`meet` of the processes that a World has heard of; torchrun's have met already."""
    if world.told_by == "TF_CONFIG":
        meet(world.rank, addresses())
    elif world.size > 1 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        meet(world.rank, addresses(), by="WORLD_SIZE", at="MASTER_ADDR and MASTER_PORT")


def meet(rank, addresses, patience=PATIENCE, by="TF_CONFIG", at="the first of TF_CONFIG"):
    """Returns when all processes have called; a line says so where that isn't soon.

    Args:
        rank: of this process
        addresses: "HOST:PORT" of each, by rank; of the others it may be another name
        patience: seconds
        by: what tells of them
        at: what says where they meet

    Raises:
        UserError: where one doesn't come in time or was told otherwise, or an address can't be used
    """
    until = time.monotonic() + patience
    place = _place(addresses[0])
    line = f"processes: waiting for all {len(addresses)} that {by} names; this is {addresses[rank]}"
    told = threading.Timer(SOON, print, (line,), {"flush": True})
    told.start()
    try:
        if rank:
            _check_free(addresses[rank])
            _call(rank, addresses, place, until)
        else:
            _listen(place, addresses, until)
    except TimeoutError as error:
        who = addresses[0] if rank else error
        raise UserError(
            f"{by} names {len(addresses)} processes, and {who} didn't come within {patience:.0f} seconds; each "
            f"has to be started, as another of them, and to reach {addresses[0]}"
        ) from None
    except OSError as error:
        raise UserError(f"{addresses[0]}, {at}, can't be used: {error.strerror or error}") from error
    finally:
        told.cancel()


def _place(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _check_free(address):
    """UserError where the port that a process's own server will have is taken."""
    if not address.rpartition(":")[2].isdecimal():
        return
    host, port = _place(address)
    try:
        socket.create_server(("", port), family=_family(host)).close()
    except OSError as error:
        raise UserError(f"{address}, this process's own, can't be used: {error.strerror or error}") from error


def _family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _call(rank, addresses, place, until):
    answers = {
        OTHERS: "was told of other processes than this one; all need the same addresses",
        TWICE: f"was called by another process that is {addresses[rank]}; each has to be another of them",
    }
    while time.monotonic() < until:
        with suppress(ConnectionError, TimeoutError), socket.create_connection(place, timeout=PAUSE) as line:
            line.sendall(CALL % (rank, _digest(addresses)))
            while time.monotonic() < until:
                with suppress(TimeoutError):
                    answer = line.recv(len(GO))
                    if answer == GO:
                        return
                    if answer:
                        other = "is used by another program, or by a run that has begun without this process"
                        raise UserError(f"{addresses[0]}, the first process, {answers.get(answer, other)}")
                    break  # the first has gone, perhaps to begin anew
        time.sleep(PAUSE)
    raise TimeoutError


def _listen(place, addresses, until):
    count = len(addresses)
    socket.getaddrinfo(*place)  # a name that isn't known here will be known to nobody
    ranks = {CALL % (rank, _digest(addresses)): rank for rank in range(1, count)}
    with ExitStack() as held, socket.create_server(("", place[1]), family=_family(place[0])) as server:
        server.settimeout(PAUSE)
        lines = {}
        while len(lines) < count - 1:
            if time.monotonic() > until:
                raise TimeoutError(", ".join(addresses[n] for n in range(1, count) if n not in lines))
            with suppress(TimeoutError, ConnectionError):
                line, _ = server.accept()
                held.enter_context(line)
                line.settimeout(PAUSE)
                called = line.recv(64)
                rank = ranks.get(called)
                lines = {other: caller for other, caller in lines.items() if _is_there(caller)}
                if rank in lines:
                    line.sendall(TWICE)
                elif rank is not None:
                    lines[rank] = line
                elif called.startswith(CALL[:7]):
                    print("processes: one called that was told of others; all need the same addresses", flush=True)
                    line.sendall(OTHERS)
        for line in lines.values():
            line.sendall(GO)


def _digest(addresses):
    return zlib.crc32("\n".join(addresses).encode())


def _is_there(line):
    """Whether a caller, who has said all, still waits for an answer."""
    line.setblocking(False)
    try:
        return bool(line.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        line.settimeout(PAUSE)
