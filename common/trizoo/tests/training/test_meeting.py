"""Processes wait for each other, and not for ever."""

import socket
import threading

import pytest

from trizoo.ground.errors import UserError
from trizoo.training import meeting
from trizoo.training.meeting import meet


def free_address():
    with socket.create_server(("localhost", 0)) as server:
        return f"localhost:{server.getsockname()[1]}"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_all_go_on_when_all_are_there(order):
    addresses, met = [free_address(), "b:1", "c:1"], []
    threads = [threading.Thread(target=lambda rank=rank: met.append(meet(rank, addresses, 60))) for rank in order]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) == 3


def test_a_stranger_who_calls_is_nobody():
    addresses, met = [free_address(), "b:1"], []
    first = threading.Thread(target=lambda: met.append(meet(0, addresses, 60)))
    first.start()
    host, port = addresses[0].split(":")
    for sent in (b"", b"GET / HTTP/1.0\r\n\r\n", b"trizoo 7\n"):
        while True:
            try:
                with socket.create_connection((host, int(port)), timeout=5) as line:
                    line.sendall(sent)
                break
            except ConnectionError:
                continue
    assert not met
    meet(1, addresses, 60)
    first.join()
    assert len(met) == 1


def test_waiting_is_told_where_it_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(meeting, "SOON", 0.1)
    with pytest.raises(UserError):
        meet(0, [free_address(), "b:1"], 1)
    assert capsys.readouterr().out == "processes: waiting for all 2 that TF_CONFIG names\n"


@pytest.mark.parametrize(("rank", "who"), [(0, "index 1, index 2"), (1, "localhost:")])
def test_who_does_not_come_is_told(rank, who):
    with pytest.raises(UserError, match=f"names 3 processes, and {who}.* didn't come within 1 seconds"):
        meet(rank, [free_address(), "b:1", "c:1"], 1)


def test_an_address_that_is_taken_or_makes_no_sense_is_a_sentence():
    with socket.create_server(("", 0)) as server, pytest.raises(UserError, match="TF_CONFIG, can't be used: "):
        meet(0, [f"localhost:{server.getsockname()[1]}", "b:1"], 1)
    for address in ("localhost", "localhost:x", "localhost:0", ":1", "localhost:70000"):
        with pytest.raises(UserError, match="HOST:PORT is needed"):
            meet(1, [address, "b:1"], 1)
