import asyncio

import pytest

from trizoo.serve.body import Memory, read_body
from trizoo.serve.limits import MIB, Limits
from trizoo.serve.refused import RefusedError

pytest.importorskip("python_multipart", reason="needs python-multipart: pip install 'trizoo[serve]'")

FORM = {"content-type": "multipart/form-data; boundary=xyz"}
IMAGE = b"\x89PNG\r\n--xyz\r\n-- and so on\r\n"


def form(*parts, end=b"--xyz--\r\n"):
    """A form's bytes, of (header lines, content)."""
    return b"".join(b"--xyz\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + end


def file(name=b"a.png", field=b"image"):
    """The header of a file."""
    return b'Content-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: image/png' % (field, name)


def read(data, headers=FORM, limits=None, size=7, memory=None):
    """What `read_body` gives of these bytes, that come a few at a time."""
    limits = limits or Limits()

    async def blocks():
        for start in range(0, len(data), size):
            yield data[start : start + size]

    return asyncio.run(read_body(blocks(), headers, limits, memory or Memory(limits.bodies), []))


def refused(*given, **options):
    """(status, sentence) of a refusal."""
    with pytest.raises(RefusedError) as caught:
        read(*given, **options)
    return int(caught.value.status), str(caught.value)


@pytest.mark.parametrize("kind", ["", "image/jpeg", "application/octet-stream", "IMAGE/PNG; q=1"])
def test_a_raw_body_is_the_image(kind):
    assert read(b"bytes of it", {"content-type": kind}) == (b"bytes of it", "")


@pytest.mark.parametrize("size", range(1, 60))
def test_a_forms_file_is_found_however_its_bytes_come(size):
    content = b"\x00\r\n--xy\r\n\r\n--" * 3
    data = form((b'Content-Disposition: form-data; name="note"', b"no file"), (file(), content))
    assert read(data, size=size) == (content, "a.png")


def test_a_name_in_any_script_is_read():
    assert read(form((file("фото 1.png".encode()), b"x")))[1] == "фото 1.png"
    assert read(form((file(b"\xff.png"), b"x")))[1] == "\ufffd.png"
    encoded = b"Content-Disposition: form-data; name=image; filename*=UTF-8''%D1%84.png"
    assert read(form((encoded, b"x")))[0] == b"x"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "ends before its last boundary"),
        (form((file(), b"x"), end=b""), "ends before its last boundary"),
        (form((file(), b"x"))[:-9], "ends before its last boundary"),
        (b"no form at all", "isn't the multipart form"),
        (form((b'Content-Disposition: form-data; name="note"', b"x")), "has no file"),
        (form((file(), b"x"), (file(b"b.png"), b"y")), "has two files"),
        (form(*[(b"A: b", b"")] * 9), "more than 8 parts"),
        (form(*[(b"\r\n".join([b"A: " + b"b" * 1000] * 3), b"")] * 3), "more than 8192 bytes"),
    ],
)
def test_a_form_that_isnt_one_with_a_file_is_refused(data, sentence):
    status, text = refused(data)
    assert status == 400
    assert sentence in text


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'x' * 71}"]
)
def test_a_form_without_a_boundary_is_refused(kind):
    assert refused(b"", {"content-type": kind})[0] == 400


@pytest.mark.parametrize("kind", ["text/html", "application/json", "multipart/mixed; boundary=x"])
def test_another_content_is_refused(kind):
    status, text = refused(b"", {"content-type": kind})
    assert status == 415
    assert kind.partition(";")[0] in text


@pytest.mark.parametrize("length", [str(MIB + 1), "9" * 30])
def test_a_body_that_says_it_is_too_long_is_never_read(length):
    async def blocks():
        raise AssertionError
        yield

    with pytest.raises(RefusedError, match="longer than 1 MiB") as caught:
        asyncio.run(read_body(blocks(), {"content-length": length}, Limits(megabytes=1), Memory(MIB), []))
    assert caught.value.status == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "²", "a"])
def test_a_length_that_is_no_number_is_refused(length):
    assert refused(b"", {"content-length": length})[0] == 400


@pytest.mark.parametrize("headers", [FORM, {}])
def test_a_body_without_a_length_is_refused_where_it_grows_too_long(headers):
    came = []

    async def blocks():
        yield b"--xyz\r\n" + file() + b"\r\n\r\n"
        for number in range(100):
            came.append(number)
            yield bytes(MIB // 4)

    held = []
    with pytest.raises(RefusedError, match="longer than 1 MiB"):
        asyncio.run(read_body(blocks(), headers, Limits(megabytes=1), Memory(9 * MIB), held))
    assert len(came) == 4  # 4 * 256 KiB and the form's head are more than 1 MiB
    assert sum(held) <= MIB


def test_all_bodies_together_have_an_end_too():
    memory = Memory(20)
    memory.take(15)
    status, text = refused(bytes(7), {}, memory=memory)
    assert status == 503
    assert "try again" in text
    memory.give(15)
    assert read(bytes(20), {}, memory=memory)[0] == bytes(20)
