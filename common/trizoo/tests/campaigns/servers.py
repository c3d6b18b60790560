"""Web servers on this machine that are slow, or lie."""

import time
from contextlib import contextmanager

from trizoo.tests.web import answering


@contextmanager
def dripping(content, block, pause=0.005):
    """A file in blocks with a pause after each; from the middle where that is asked for.

    Gives the address and a function for the bytes sent so far.
    """
    sent = [0]

    def answer(handler):
        asked = handler.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.send_header("ETag", '"one"')
        if asked:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        for place in range(start, len(content), block):
            handler.wfile.write(content[place : place + block])
            handler.wfile.flush()
            sent[0] += block
            time.sleep(pause)

    with answering(answer) as address:
        yield address, lambda: sent[0]


def _sending(body, length=None, kind="application/octet-stream", code=200, pause=0.0, block=1 << 14, **headers):
    def answer(handler):
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        if length is not None:
            handler.send_header("Content-Length", str(length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        for place in range(0, len(body), block):
            handler.wfile.write(body[place : place + block])
            time.sleep(pause)

    return answer


# name -> function of the right content that gives what `answering` takes
LIES = {
    "another file": lambda content: _sending(content[::-1], len(content)),
    "too short": lambda content: _sending(content[:-10], len(content) - 10),
    "ends early": lambda content: _sending(content[: len(content) // 2], len(content)),
    "too long": lambda content: _sending(content + content),
    "says more": lambda content: _sending(content, 1 << 50),
    "says less": lambda content: _sending(content, 10),
    "no number": lambda content: _sending(content, "many"),
    "negative": lambda content: _sending(content, -5),
    "a web page": lambda content: _sending(b"<html>log in</html>", 19, "text/html"),
    "error": lambda content: _sending(b"", 0, code=500),
    "gone": lambda content: _sending(b"", 0, code=404),
    "too many": lambda content: _sending(b"", 0, code=429, Retry_After="99999999999999999999"),
    "part of another": lambda content: _sending(content, len(content), code=206, Content_Range="bytes 5-9/7"),
    "leads to itself": lambda content: _sending(b"", 0, code=302, Location="/a.bin"),
    "leads to a file": lambda content: _sending(b"", 0, code=302, Location="file:///etc/passwd"),
    "packed": lambda content: _sending(b"x" * 100, 100, Content_Encoding="gzip"),
    "silent": lambda content: lambda handler: time.sleep(3),
    "slow": lambda content: _sending(content, len(content), pause=0.02),
    "nothing": lambda content: lambda handler: handler.connection.close(),
    "right": lambda content: _sending(content, len(content)),
}
