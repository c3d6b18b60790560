import socket

import pytest

from trizoo.ground.errors import UserError
from trizoo.serve.server import address_of, allowed_hosts, bind, is_local, listen


@pytest.fixture
def local():
    """A socket of this machine's, at a free port."""
    with bind("127.0.0.1", 0) as listener:
        yield listener


def test_a_free_port_is_told(local):
    listen(local)
    assert address_of(local) == f"http://127.0.0.1:{local.getsockname()[1]}"
    assert is_local(local)


def test_a_port_in_use_is_one_sentence(local):
    listen(local)
    port = local.getsockname()[1]
    with pytest.raises(UserError, match=f"--port {port} of 127.0.0.1 is in use by another program; --port 0 takes"):
        bind("127.0.0.1", port)


def test_of_two_that_were_bound_at_once_the_second_to_listen_is_told(local):
    with bind("127.0.0.1", local.getsockname()[1]) as other:
        listen(local)
        with pytest.raises(UserError, match="in use"):
            listen(other)


def test_an_address_of_another_machine_is_one_sentence():
    with pytest.raises(UserError, match=r"--host 192\.0\.2\.1 --port 0 can't be had"):  # RFC 5737: nobody's
        bind("192.0.2.1", 0)


def test_a_name_that_is_none_is_one_sentence():
    with pytest.raises(UserError, match="--host is 'a b', which is no address"):
        bind("a b", 0)


def test_names_are_checked_on_this_machine_alone_and_where_some_are_given(local):
    assert set(allowed_hosts(local, [])) == {"localhost", "127.0.0.1", "::1"}
    assert "mine.example" in allowed_hosts(local, ["mine.example"])
    with bind("0.0.0.0", 0) as everywhere:
        assert not is_local(everywhere)
        assert allowed_hosts(everywhere, []) is None
        assert {"localhost", "mine.example"} <= set(allowed_hosts(everywhere, ["mine.example"]))


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_address_of_ipv6_is_as_a_browser_takes_it():
    try:
        listener = bind("::1", 0)
    except UserError:
        pytest.skip("this machine has no ::1")
    with listener:
        assert address_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"
        assert is_local(listener)
