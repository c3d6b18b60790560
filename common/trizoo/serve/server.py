"""The socket, the connections and the end of a server."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket

from trizoo.ground.errors import UserError
from trizoo.serve.guard import LOCAL, error_body

_PATIENCE = 10.0  # seconds for which a connection may be open without a whole request's headers
_BACKLOG = 128
_HIGHEST_PORT = 65535


def bind(host, port):
    """A socket of this address that doesn't listen yet. Raises UserError where that can't be had.

    Args:
        host: a name or number of this machine
        port: 0 for any that is free
    """
    if not 0 <= port <= _HIGHEST_PORT:
        raise UserError(f"--port is {port}; 0 to {_HIGHEST_PORT} is needed")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UserError(f"--host is {host!r}, which is no address of this machine: {_reason(error)}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _not_had(host, port, error) from None
    return listener


def listen(listener):
    """Begins to take connections. Raises UserError where another program does so at this address."""
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        raise _not_had(*listener.getsockname()[:2], error) from None


def address_of(listener):
    """As a browser takes it: "http://127.0.0.1:8000"."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_local(listener):
    """Whether this machine alone reaches it."""
    host = listener.getsockname()[0]
    return host == "::1" or host.startswith("127.")


def allowed_hosts(listener, more):
    """The names that requests may call the server by, None for any.

    Args:
        more: names given by the user
    """
    return (*LOCAL, listener.getsockname()[0], *more) if more or is_local(listener) else None


def run(app, listener, seconds):
    """Serves until SIGTERM or SIGINT; requests that are there by then are answered first.

    Args:
        app: an ASGI application
        listener: a socket that listens
        seconds: that a request may take
    """
    asyncio.run(_serve(make_server(app, seconds), listener))


def make_server(app, seconds):
    """The uvicorn.Server of an application; see `run`."""
    import uvicorn

    # what strangers send is their affair, and no line here
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    for library in ("python_multipart", "PIL"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        http=_protocol(),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(seconds) + 1,
    )
    return uvicorn.Server(config)


async def _serve(server, listener):
    """Runs a server that a signal ends in peace: by itself it would raise it again after the last answer."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers; Ctrl-C ends it there
            loop.add_signal_handler(number, server.handle_exit, number, None)
    server.capture_signals = contextlib.nullcontext
    await server.serve(sockets=[listener])


def _protocol():
    """uvicorn's connection, which neither waits for headers without end nor says anything but JSON."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Connection(H11Protocol):
        """A connection."""

        _timer = None

        def connection_made(self, transport):
            super().connection_made(transport)
            self._watch()

        def connection_lost(self, exc):
            self._stop()
            super().connection_lost(exc)

        def data_received(self, data):
            super().data_received(data)
            self._watch()

        def on_response_complete(self):
            self._stop()
            super().on_response_complete()
            self._watch()

        def send_400_response(self, msg):
            import h11

            body = error_body("the request isn't HTTP as it should be")
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
            self.transport.close()

        def _watch(self):
            """Sets the time by which headers have to be there, once, while no request is being answered."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop()
            elif self._timer is None:
                self._timer = self.loop.call_later(_PATIENCE, self.transport.close)

        def _stop(self):
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Connection


def _not_had(host, port, error):
    if error.errno == errno.EADDRINUSE:
        return UserError(f"--port {port} of {host} is in use by another program; --port 0 takes one that is free")
    return UserError(f"--host {host} --port {port} can't be had: {_reason(error)}")


def _reason(error):
    return getattr(error, "strerror", None) or str(error)
