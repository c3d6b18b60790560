"""What every request passes first: whom it came to, and from where."""

import json

from trizoo.serve.refused import RefusedError

LOCAL = ("localhost", "127.0.0.1", "::1")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def host_name(host):
    """A Host header's name in lower case, without its port: "[::1]:8000" -> "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


class Guard:
    """An ASGI application that lets requests through to another.

    A page of elsewhere whose own name points to this machine (DNS rebinding) is known by the name in its requests, and
    a form of elsewhere by what browsers say of it.

    Args:
        app: the other one
        hosts: names that requests may call the server by; None: any
    """

    def __init__(self, app, hosts):
        self.app, self.hosts = app, None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope, receive, send):
        """See ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message):
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, guarded)
        else:
            await _answer(refusal, guarded)

    def _refusal(self, scope):
        headers = scope["headers"]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if self.hosts is not None and (len(hosts) != 1 or host_name(hosts[0]) not in self.hosts):
            called = f"{hosts[0]!r:.80}" if hosts else "no name"
            return RefusedError(
                421, f"the request is for {called}, which this server isn't called; --allow-host allows a name"
            )
        if scope["method"] not in ("GET", "HEAD") and (b"sec-fetch-site", b"cross-site") in headers:
            return RefusedError(403, "pages of other sites may not ask this server")
        return None


async def _answer(refusal, send):
    body = error_body(refusal)
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers().items()]
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(refusal.status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def error_body(sentence):
    """The JSON of every error."""
    return json.dumps({"error": str(sentence)}, ensure_ascii=False).encode()
