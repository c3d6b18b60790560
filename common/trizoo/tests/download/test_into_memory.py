import pytest

from trizoo.download.into_memory import fetch_bytes
from trizoo.ground.errors import UserError
from trizoo.tests.web import serving

FILES = {
    "/a.png": ("image/png", b"12345"),
    "/untold": ("", b"12345"),
    "/bytes": ("application/octet-stream", b"12345"),
    "/page": ("text/html; charset=utf-8", b"<html>"),
}


@pytest.fixture(scope="module")
def root():
    with serving(FILES) as root:
        yield root


@pytest.mark.parametrize("path", ["/a.png", "/untold", "/bytes"])
def test_what_is_wanted_or_of_no_kind_is_fetched(root, path):
    assert fetch_bytes(root + path, "image/", 5) == b"12345"


@pytest.mark.parametrize(
    ("path", "most", "sentence"),
    [
        ("/page", 99, "the page gives text/html; a file of image/… is needed"),
        ("/nothing", 99, "the page can't be fetched: HTTP 404"),
        ("/a.png", 4, "the page gives more than 4 bytes; fetch it, and make it smaller, first"),
    ],
)
def test_what_is_not_wanted_is_one_sentence(root, path, most, sentence):
    with pytest.raises(UserError, match=sentence):
        fetch_bytes(root + path, "image/", most, called="the page")


def test_a_server_that_is_not_there_is_one_sentence(root):
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9/a\.png can't be fetched: no connection"):
        fetch_bytes("http://127.0.0.1:9/a.png", "image/", 9)
