"""From one URL into a `.part` file, going on where it ended the last time."""

import email.utils
import functools
import json
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3
from tqdm import tqdm

from trizoo import __version__
from trizoo.download.storage import storing

BLOCK = 1 << 18
LARGEST_UNKNOWN = 4 << 30  # bytes taken from a server for a file of unknown size
RETRIED = {408, 425, 429, 500, 502, 503, 504}  # HTTP codes that may pass
WEB_PAGES = ("text/html", "application/xhtml+xml")
# A bar on stderr where that is a terminal, nothing elsewhere.
BAR = functools.partial(tqdm, unit="B", unit_scale=True, leave=False, disable=None, file=sys.stderr)


@dataclass(frozen=True)
class Settings:
    """How to deal with the network. Times in seconds; sleep, clock and bar can be replaced in tests.

    Args:
        connect_timeout, read_timeout: after which a mirror counts as failed
        rounds: how often the mirrors are asked, all of them, before giving up
        backoff: pause after the first, then doubled
        longest_wait: of what a mirror asks for, at most
    """

    connect_timeout: float = 10
    read_timeout: float = 30
    rounds: int = 5
    backoff: float = 1
    longest_wait: float = 120
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    bar: Callable = BAR


class MirrorError(Exception):
    """A mirror didn't give the file.

    Args:
        retry: asking again may help
        wait: seconds that it asked for
    """

    def __init__(self, reason, *, retry=False, wait=0.0):
        super().__init__(reason)
        self.retry = retry
        self.wait = wait


class Part:
    """The beginning of a file on its way to `path`, and a note of where it came from."""

    def __init__(self, path):
        self.path = path.with_name(f"{path.name}.part")
        self.note = path.with_name(f"{path.name}.part.json")

    @property
    def size(self):
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    def origin(self):
        """{url, validator, total} of what has arrived, as far as known."""
        try:
            origin = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        whole = isinstance(origin, dict) and all(
            isinstance(origin.get(key), kind)
            for key, kind in (("url", str), ("validator", str | None), ("total", int | None))
        )
        return origin if whole else {}

    def begin(self, url, validator, total):
        """Empty it for bytes from this URL.

        Args:
            validator: the ETag or the date that came with the file, None where neither did
            total: bytes of the whole file, None where unknown
        """
        self.discard()  # before the note is there, so that it never speaks of other bytes
        self.note.write_text(json.dumps({"url": url, "validator": validator, "total": total}), encoding="utf-8")

    def discard(self):
        """Remove it and its note."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def client():
    """A session with the zoo's own name. Proxies come from the usual variables (https_proxy, no_proxy, ...)."""
    session = requests.Session()
    # identity: the bytes of the file itself, since their number and their hash are what is checked
    session.headers.update({"User-Agent": f"trizoo/{__version__}", "Accept-Encoding": "identity"})
    session.max_redirects = 10
    return session


def transfer(session, url, part, file, settings):
    """Bring a RemoteFile from one of its URLs into a Part. Returns whether it went on from an earlier beginning.

    Args:
        session: of requests
        part: where it goes
        settings: the `Settings`

    Raises:
        MirrorError: where the mirror fails; what has arrived stays
        UserError: where the disk does; what has arrived stays
    """
    offset = _resume_at(part, url, file)
    if offset and offset == file.size:
        return True
    if url.lower().startswith("file:"):
        _copy(url, part, file, settings)
        return False
    origin = part.origin()
    headers = {}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if origin.get("url") == url and origin.get("validator"):
            headers["If-Range"] = origin["validator"]
    with get(session, url, headers, settings) as response:
        if response.status_code == 416 and _range(response)[1] == offset:
            return True  # nothing is left to send
        start, total = _accept(response, offset, part, file, settings)
        with storing(part.path):
            if not start:
                part.begin(url, _validator(response), total)
        _save(blocks(response, settings), start, total, part, file, settings)
    return start > 0


def _resume_at(part, url, file):
    """Bytes of `part` worth going on from: those of another mirror only where a checksum will judge the whole."""
    size = part.size
    if file.size is not None and size > file.size:
        return 0
    origin = part.origin()
    if file.checksums or (origin.get("url") == url and origin.get("validator")):
        return size
    return 0


def get(session, url, headers, settings):
    """The answer of a server, its body not read yet. Raises MirrorError."""
    timeouts = (settings.connect_timeout, settings.read_timeout)
    try:
        return session.get(url, headers=headers, stream=True, timeout=timeouts)
    except requests.ConnectTimeout:
        raise MirrorError(f"no connection within {settings.connect_timeout:g} s", retry=True) from None
    except requests.ReadTimeout:
        raise MirrorError(f"no answer within {settings.read_timeout:g} s", retry=True) from None
    except requests.TooManyRedirects:
        raise MirrorError(f"more than {session.max_redirects} redirects") from None
    except requests.exceptions.SSLError as error:
        raise MirrorError(f"no safe connection ({_words(error)})") from None
    except requests.ConnectionError as error:
        raise MirrorError(f"no connection ({_words(error)})", retry=True) from None
    except (requests.RequestException, ValueError) as error:
        raise MirrorError(_words(error)) from None


def _accept(response, offset, part, file, settings):
    """(first byte, size of the whole or None) of the answer's body. MirrorError where it isn't the file asked for."""
    code = response.status_code
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if code not in (200, 206):
        if code == 416:
            part.discard()
        wait = _retry_after(response.headers.get("Retry-After"), settings.clock)
        raise MirrorError(f"HTTP {code} {response.reason}", retry=code == 416 or code in RETRIED, wait=wait)
    if kind in WEB_PAGES:
        raise MirrorError("a web page instead of the file")
    length = response.headers.get("Content-Length", "")
    start, total = 0, int(length) if length.isdecimal() else None
    if code == 206:
        start, total = _range(response)
        if not offset or start != offset:
            part.discard()
            raise MirrorError("another part of the file than asked for", retry=True)
    before = part.origin().get("total") if start else None
    if start and None not in (before, total) and before != total:
        part.discard()
        raise MirrorError(f"the file has {total:,} bytes now, {before:,} before", retry=True)
    if file.size is not None and total not in (None, file.size):
        raise MirrorError(f"{total:,} bytes instead of {file.size:,}")
    return start, total


def _range(response):
    """(first byte, size of the whole) in Content-Range, None for what isn't said."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if not found:
        return None, None
    return tuple(int(text) if text and text != "*" else None for text in found.groups())


def _validator(response):
    """What If-Range can tell one version of the file from another by, or None."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")  # W/"...": not the same to the byte


def _retry_after(text, clock):
    """Seconds of a Retry-After header, 0 where there is none."""
    if text is None:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    with suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - clock())
    return 0.0


def blocks(response, settings):
    """Yields the body, as it was sent, in blocks. Raises MirrorError."""
    try:
        yield from response.raw.stream(BLOCK, decode_content=False)
    except urllib3.exceptions.ReadTimeoutError:
        raise MirrorError(f"nothing came for {settings.read_timeout:g} s", retry=True) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise MirrorError(f"the connection broke ({_words(error)})", retry=True) from None


def _save(blocks, start, total, part, file, settings):
    """Write blocks behind the first `start` bytes of the part. MirrorError for too few and too many."""
    arrived = start
    limit = file.size or total or LARGEST_UNKNOWN
    with (
        storing(part.path),
        part.path.open("ab" if start else "wb") as output,
        settings.bar(total=file.size or total, initial=start, desc=file.name) as bar,
    ):
        for block in blocks:
            arrived += len(block)
            if arrived > limit:
                part.discard()
                raise MirrorError(f"more than {limit:,} bytes")
            output.write(block)
            bar.update(len(block))
    expected = file.size or total
    if expected is not None and arrived < expected:
        raise MirrorError(f"the connection ended after {arrived:,} of {expected:,} bytes", retry=True)


def _copy(url, part, file, settings):
    """A file:// URL."""
    try:
        source = Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))
        with source.open("rb") as opened:
            total = source.stat().st_size
            if file.size not in (None, total):
                raise MirrorError(f"{total:,} bytes instead of {file.size:,}")
            with storing(part.path):
                part.begin(url, None, total)
            _save(_pieces(opened), 0, total, part, file, settings)
    except (OSError, ValueError) as error:
        raise MirrorError(getattr(error, "strerror", None) or str(error)) from None


def _pieces(opened):
    try:
        while block := opened.read(BLOCK):
            yield block
    except OSError as error:
        raise MirrorError(f"it can't be read ({error.strerror or error})") from None


def _words(error):
    """The innermost reason of a network error, on one line."""
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    reason = getattr(error, "reason", None)
    if isinstance(reason, Exception):
        return _words(reason)
    text = " ".join(str(error).split()) or type(error).__name__
    system = re.search(r"\[Errno -?\d+\] ([^()\[\]]+)", text)
    return system[1].strip() if system else text
