"""A server on this machine that misbehaves as it is told, and an engine that never sleeps."""

import contextlib
import email.utils
import hashlib
import socket
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from trizoo.download.fetch import fetch
from trizoo.download.first_use import FirstUse
from trizoo.download.remote import RemoteFile
from trizoo.download.transfer import Settings
from trizoo.ground.errors import UserError

CONTENT = np.random.default_rng(7).bytes(3 << 20)  # 3 MiB: more than twice the progress that goes on at once


@dataclass
class Answer:
    """What the server does with one request.

    stop: bytes after which it hangs up; hang: it waits there instead, until the test is over; ranges: it heeds Range
    length: whether Content-Length is sent; claims: the Content-Length, or the first byte of a 206, that it makes up
    """

    body: bytes = CONTENT
    code: int = 200
    headers: dict = field(default_factory=dict)
    stop: int | None = None
    hang: bool = False
    ranges: bool = True
    length: bool = True
    claimed_length: int | None = None
    claimed_start: int | None = None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        with server.lock:
            server.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            script = server.scripts.get(self.path, [Answer(b"", 404)])
            answer = script.pop(0) if len(script) > 1 else script[0]
        body, code, headers = answer.body, answer.code, dict(answer.headers)
        wanted = self.headers.get("Range")
        fresh = self.headers.get("If-Range") in (None, headers.get("ETag"), headers.get("Last-Modified"))
        if wanted and code == 200 and answer.ranges and fresh:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                code, headers["Content-Range"], body = 416, f"bytes */{len(body)}", b""
            else:
                claimed = start if answer.claimed_start is None else answer.claimed_start
                headers["Content-Range"] = f"bytes {claimed}-{len(body) - 1}/{len(body)}"
                code, body = 206, body[start:]
        self.send_response(code)
        if answer.length:
            headers["Content-Length"] = answer.claimed_length or len(body)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body if answer.stop is None else body[: answer.stop])
            self.wfile.flush()
            if answer.hang:
                server.reached.set()
                server.over.wait(60)
        self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.scripts = {}
        self.requests = []
        self.lock = threading.Lock()
        self.reached = threading.Event()  # a hanging answer has sent all it will
        self.over = threading.Event()

    @property
    def ranges(self):
        """The Range header of each request, None for the whole."""
        return [headers.get("range") for _, headers in self.requests]

    def url(self, *answers, path="/file.bin"):
        """A URL that gives these answers, one a request, the last one for ever."""
        self.scripts[path] = list(answers) or [Answer()]
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request, client_address):
        pass  # clients that hang up are what the tests are about


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch):
    """No proxy from outside, and no name that is looked up elsewhere."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    look_up = socket.getaddrinfo

    def guarded(host, *args, **kwargs):
        if host not in ("127.0.0.1", "localhost"):
            raise AssertionError(f"a test reached for {host}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


@dataclass
class Engine:
    """`fetch` with a folder of its own, times that cost nothing, and a record of what it said and how long it slept."""

    folder: object
    said: list = field(default_factory=list)
    slept: list = field(default_factory=list)
    settings: Settings = None

    def __post_init__(self):
        self.first_use = FirstUse(self.folder / "trizoo.lock")
        self.settings = Settings(sleep=self.slept.append, connect_timeout=5, read_timeout=5)

    @property
    def path(self):
        return self.folder / "files" / "file.bin"

    @property
    def part(self):
        return self.folder / "files" / "file.bin.part"

    def remote(self, *urls, **changes):
        """The RemoteFile for CONTENT, with size and sha256 known."""
        known = {"size": len(CONTENT), "checksums": {"sha256": hashlib.sha256(CONTENT).hexdigest()}}
        return RemoteFile("thing.coco", "file.bin", urls, **(known | changes))

    def fetch(self, file, *, offline=False, **settings):
        return fetch(
            file,
            self.folder / "files",
            self.first_use,
            offline=offline,
            settings=replace(self.settings, **settings),
            report=self.said.append,
        )

    def refused(self, file, **options):
        """The sentence that fetching ends with; no file has got the name."""
        with pytest.raises(UserError, match=r"^[^\n]+$") as caught:
            self.fetch(file, **options)
        assert not self.path.exists()
        return str(caught.value)

    def begin(self, content):
        """A part file with this content, as an earlier attempt left it."""
        self.part.parent.mkdir(exist_ok=True)
        self.part.write_bytes(content)

    def left(self):
        """Names in the folder, without locks."""
        return sorted(path.name for path in self.path.parent.iterdir() if not path.name.startswith("."))


@pytest.fixture
def engine(tmp_path):
    return Engine(tmp_path)


@pytest.fixture
def content():
    return CONTENT


@pytest.fixture
def answer():
    """The class Answer: test modules can't import this file."""
    return Answer


@pytest.fixture
def http_date():
    return lambda seconds: email.utils.formatdate(seconds, usegmt=True)


@pytest.fixture
def closed_port():
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
