"""Web servers on this machine that are slow, or lie."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(answer):
    """Answers each GET by `answer(handler)` -> the address of the root."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                answer(self)
            except OSError:
                pass  # the client has gone, as it is meant to

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


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

    with serving(answer) as address:
        yield address, lambda: sent[0]
