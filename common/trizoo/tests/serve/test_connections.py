"""What goes over a real connection: too little of it, nonsense, too much."""

import json
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from trizoo.serve import server
from trizoo.tests.serve.fake_model import fake_detector
from trizoo.tests.serve.running import running

for library in ("fastapi", "uvicorn", "python_multipart"):
    pytest.importorskip(library, reason="needs the server's libraries: pip install 'trizoo[serve]'")


@pytest.fixture
def address(monkeypatch):
    """A server's address, which waits for headers and bodies a moment only."""
    monkeypatch.setattr(server, "_PATIENCE", 0.3)
    with running(fake_detector(), seconds=0.5, megabytes=1) as address:
        yield address


def said(address, *blocks):
    """All that the server says until it closes the connection."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        for block in blocks:
            connection.sendall(block)
        answer = b""
        while block := connection.recv(65536):
            answer += block
    return answer


def head(address, *lines):
    """The beginning of a request for /predict."""
    return "\r\n".join(["POST /predict HTTP/1.1", f"Host: {urlsplit(address).netloc}", *lines, "", ""]).encode()


@pytest.mark.parametrize("block", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_connection_without_a_whole_request_is_closed(address, block):
    assert said(address, block) == b""


def test_an_idle_connection_is_closed_after_its_answer(address):
    answer = said(address, f"GET /health HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n\r\n".encode(), b"GET /mod")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("block", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 100_000])
def test_what_is_no_http_is_told_so_in_json(address, block):
    status, _, body = said(address, block).partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 400")
    assert json.loads(body) == {"error": "the request isn't HTTP as it should be"}


def test_a_body_that_stops_coming_is_given_up(address):
    answer = said(address, head(address, "Content-Length: 1000"), b"a")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"hasn't come within 0.5 s" in answer


def test_a_body_in_pieces_is_refused_as_soon_as_it_is_too_long(address):
    piece = b"40000\r\n" + bytes(0x40000) + b"\r\n"
    answer = said(address, head(address, "Transfer-Encoding: chunked"), *[piece] * 4, b"1\r\nx\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("headers", [{}, {"Content-Length": str(8 * 2**20)}])
def test_a_client_that_sends_all_before_it_listens_hears_why_it_is_refused(address, headers):
    blocks = iter([bytes(2**20)] * 8)  # without a length they go in pieces
    request = urllib.request.Request(f"{address}/predict", data=blocks, headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code == 413
    assert "longer than 1 MiB" in json.load(caught.value)["error"]


def test_the_server_is_there_afterwards(address):
    said(address, b"nonsense\r\n\r\n")
    with urllib.request.urlopen(f"{address}/health", timeout=60) as response:
        assert json.load(response)["status"] == "ok"
