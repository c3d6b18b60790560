"""A small web server on this machine, for tests."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(files):
    """Serves {path: (content type, bytes)} -> the address of its root, such as "http://127.0.0.1:1234"."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            kind, data = files.get(self.path, (None, b""))
            self.send_response(200 if kind is not None else 404)
            if kind:
                self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
