"""Processes wait for each other, and not for ever."""

import socket
import threading

import pytest

from trizoo.ground.errors import UserError
from trizoo.training import meeting
from trizoo.training.meeting import meet
from trizoo.training.world import World


def free_address():
    with socket.create_server(("localhost", 0)) as server:
        return f"localhost:{server.getsockname()[1]}"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_all_go_on_when_all_are_there(order):
    addresses, met = [free_address(), "b:1", "c:2"], []
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
    assert "processes: waiting for all 2 that TF_CONFIG names; this is localhost:" in capsys.readouterr().out


@pytest.mark.parametrize(("rank", "who"), [(0, "b:1, c:2"), (1, "localhost:")])
def test_who_does_not_come_is_told(rank, who):
    with pytest.raises(UserError, match=f"names 3 processes, and {who}.* didn't come within 1 seconds"):
        meet(rank, [free_address(), "b:1", "c:2"], 1)


def test_an_address_that_is_taken_or_unknown_is_a_sentence():
    with socket.create_server(("", 0)) as server, pytest.raises(UserError, match="TF_CONFIG, can't be used: "):
        meet(0, [f"localhost:{server.getsockname()[1]}", "b:1"], 1)
    with socket.create_server(("", 0)) as server, pytest.raises(UserError, match="this process's own, can't be used: "):
        meet(1, [free_address(), f"localhost:{server.getsockname()[1]}"], 1)
    for rank in (0, 1):
        with pytest.raises(UserError, match=r"no host\.invalid:\d+, the first of TF_CONFIG, can't be used"):
            meet(rank, [free_address().replace("localhost", "no host.invalid"), "RANK 1"], 1)


def sentence_of(rank, addresses):
    with pytest.raises(UserError) as error:
        meet(rank, addresses, 60)
    return str(error.value)


def test_one_that_was_told_of_others_and_one_that_is_there_already_are_told_so(capsys):
    addresses, met = [free_address(), "RANK 1", "RANK 2"], []
    threads = [threading.Thread(target=lambda rank=rank: met.append(meet(rank, addresses, 60))) for rank in (0, 1)]
    threads[0].start()
    assert "was told of other processes than this one" in sentence_of(1, addresses[:2])
    assert "one called that was told of others" in capsys.readouterr().out
    host, port = addresses[0].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(meeting.CALL % (1, meeting._digest(addresses)))
        assert "was called by another process that is RANK 1" in sentence_of(1, addresses)
    threads[1].start()  # in the place of the one that has gone
    meet(2, addresses, 60)
    for thread in threads:
        thread.join()
    assert len(met) == 2


def test_another_program_at_the_first_address_is_told_of():
    with socket.create_server(("", 0)) as server:

        def answer():
            line, _ = server.accept()
            with line:
                line.sendall(b"HTTP/1.0 400\r\n")
                line.recv(64)

        other = threading.Thread(target=answer)
        other.start()
        told = sentence_of(1, [f"localhost:{server.getsockname()[1]}", "RANK 1"])
        other.join()
    assert "is used by another program, or by a run that has begun without this process" in told


def test_torchruns_processes_have_met_already(monkeypatch):
    monkeypatch.setattr(meeting, "meet", lambda *given, **options: pytest.fail("torchrun has made them meet"))
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    meeting.meet_all(World(1, 2, told_by="torchrun"))
    meeting.meet_all(World())
