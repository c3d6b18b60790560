"""A small file of a URL, as bytes in memory."""

from trizoo.download.transfer import MirrorError, Settings, blocks, client, get
from trizoo.ground.errors import UserError


def fetch_bytes(url, kind, most, settings=None, *, called=None):
    """The bytes that a URL gives.

    Args:
        kind: what is wanted, the beginning of a content type such as "image/"
        most: bytes, above which nothing more is read
        settings: a `trizoo.download.transfer.Settings`, of which the time-outs count
        called: what errors call the URL; None: itself

    Raises:
        UserError: for an address that gives nothing, another kind of content, or too much of it
    """
    settings, called = settings or Settings(), called or url
    try:
        with client() as session, get(session, url, {}, settings) as response:
            if response.status_code != 200:
                raise UserError(f"{called} can't be fetched: HTTP {response.status_code} {response.reason}")
            given = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
            if given not in ("", "application/octet-stream", "binary/octet-stream") and not given.startswith(kind):
                raise UserError(f"{called} gives {given}; a file of {kind}… is needed")
            data = bytearray()
            for block in blocks(response, settings):
                data += block
                if len(data) > most:
                    raise UserError(f"{called} gives more than {most:,} bytes; fetch it, and make it smaller, first")
            return bytes(data)
    except MirrorError as error:
        raise UserError(f"{called} can't be fetched: {error}") from None
