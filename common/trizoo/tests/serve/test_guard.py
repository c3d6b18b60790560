import asyncio
import json

import pytest

from trizoo.serve.guard import Guard, host_name


async def inner(scope, receive, send):
    """Answers ok."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"ok"})


def ask(hosts, headers, method="GET"):
    """(status, body, headers) of a request."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "headers": headers}
    asyncio.run(Guard(inner, hosts)(scope, None, send))
    return sent[0]["status"], sent[1]["body"], dict(sent[0]["headers"])


@pytest.mark.parametrize(
    ("header", "name"),
    [("localhost:8000", "localhost"), ("LOCALHOST", "localhost"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("", "")],
)
def test_a_hosts_name_is_without_its_port(header, name):
    assert host_name(header) == name


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1:8000", b"[::1]:1", b"Mine.Example"])
def test_a_server_is_reached_by_its_own_names(host):
    status, body, headers = ask(("localhost", "127.0.0.1", "::1", "mine.example"), [(b"host", host)])
    assert (status, body) == (200, b"ok")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"a"] == b"b"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"evil.example")],
        [(b"host", b"localhost.evil.example")],
        [(b"host", b"")],
        [],
        [(b"host", b"localhost"), (b"host", b"evil.example")],
    ],
)
def test_another_name_is_refused(headers):
    status, body, _ = ask(("localhost",), headers)
    assert status == 421
    assert "--allow-host" in json.loads(body)["error"]


def test_without_names_any_will_do():
    assert ask(None, [(b"host", b"anything")])[0] == 200


@pytest.mark.parametrize(
    ("method", "site", "status"),
    [("POST", b"cross-site", 403), ("POST", b"same-origin", 200), ("GET", b"cross-site", 200)],
)
def test_a_form_of_another_site_is_refused(method, site, status):
    assert ask(None, [(b"sec-fetch-site", site)], method)[0] == status
