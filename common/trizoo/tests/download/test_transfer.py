import hashlib

import pytest

from trizoo import __version__
from trizoo.download.transfer import Part
from trizoo.ground.errors import UserError


@pytest.fixture
def bars():
    """What the progress bars were told: a list of dicts."""
    return []


def make_bar(bars):
    class Bar:
        def __init__(self, **options):
            self.told = {**options, "updates": 0}
            bars.append(self.told)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self, count):
            self.told["updates"] += count

    return Bar


def test_own_user_agent_and_no_compression(engine, server):
    engine.fetch(engine.remote(server.url()))
    headers = server.requests[0][1]
    assert headers["user-agent"] == f"trizoo/{__version__}"
    assert headers["accept-encoding"] == "identity"


def test_progress_counts_what_is_there_and_what_comes(engine, server, content, bars):
    engine.begin(content[:1000])
    engine.fetch(engine.remote(server.url()), bar=make_bar(bars))
    total = len(content)
    assert bars == [{"total": total, "initial": 1000, "desc": "file.bin", "updates": total - 1000}]


def test_nothing_is_drawn_where_stderr_is_no_terminal(engine, server, capsys):
    engine.fetch(engine.remote(server.url()))
    assert capsys.readouterr() == ("", "")


def test_proxy_variable_is_used(engine, server, content, monkeypatch):
    server.url(path="http://weights.invalid/file.bin")  # what a proxy is asked for is the whole address
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    assert engine.fetch(engine.remote("http://weights.invalid/file.bin")).read_bytes() == content


def test_no_proxy_variable_is_heeded(engine, server, content, monkeypatch, closed_port):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert engine.fetch(engine.remote(server.url())).read_bytes() == content


def test_dead_proxy_is_a_sentence(engine, monkeypatch, closed_port):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(UserError, match="no connection"):
        engine.fetch(engine.remote("http://weights.invalid/file.bin"))


def test_file_url_is_copied(engine, content):
    source = engine.folder / "a mirror 镜.bin"
    source.write_bytes(content)
    assert engine.fetch(engine.remote(source.as_uri())).read_bytes() == content
    assert engine.left() == ["file.bin"]


@pytest.mark.parametrize(("body", "problem"), [(None, "No such file"), (b"short", "5 bytes instead of 3,145,728")])
def test_file_url_that_doesnt_hold_the_file_is_a_sentence(engine, body, problem):
    source = engine.folder / "mirror.bin"
    if body is not None:
        source.write_bytes(body)
    with pytest.raises(UserError, match=problem):
        engine.fetch(engine.remote(source.as_uri()))


def test_file_url_of_a_folder_is_a_sentence(engine):
    with pytest.raises(UserError, match=r"directory|denied"):
        engine.fetch(engine.remote(engine.folder.as_uri()))


@pytest.mark.parametrize("url", ["http://", "gopher://127.0.0.1/x", "http://[bad/x", "file://[bad/x"])
def test_address_that_is_none_is_a_sentence(engine, url):
    with pytest.raises(UserError, match="can't be downloaded"):
        engine.fetch(engine.remote(url))


def test_validator_of_one_mirror_isnt_shown_to_another(engine, server, content, answer):
    first = server.url(answer(stop=2000, headers={"ETag": '"a"'}), path="/first")
    engine.fetch(engine.remote(first, server.url(answer(headers={"ETag": '"b"'}))))
    assert engine.path.read_bytes() == content
    assert "if-range" not in server.requests[1][1]


def test_weak_validator_isnt_used(engine, server, content, answer):
    file = engine.remote(server.url(answer(stop=2000, headers={"ETag": 'W/"a"'}), answer()))
    assert engine.fetch(file).read_bytes() == content
    assert "if-range" not in server.requests[1][1]


def test_file_without_any_known_fact_is_gone_on_with_by_its_validator(engine, server, content, answer):
    mark = {"ETag": '"a"'}
    file = engine.remote(server.url(answer(stop=2 << 20, headers=mark), answer(headers=mark)), size=None, checksums={})
    assert engine.fetch(file).read_bytes() == content
    assert server.requests[1][1]["range"] == "bytes=2097152-"
    assert engine.first_use.recorded("thing.coco") == hashlib.sha256(content).hexdigest()


def test_a_part_begun_again_is_empty_before_its_note_speaks_of_another_file(tmp_path):
    part = Part(tmp_path / "file.bin")
    part.path.write_bytes(b"old")
    part.begin("http://127.0.0.1/new", '"2"', 10)
    assert part.size == 0
    assert part.origin() == {"url": "http://127.0.0.1/new", "validator": '"2"', "total": 10}


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", '{"url": "x", "validator": 1, "total": null}'])
def test_a_damaged_note_counts_as_none(tmp_path, text):
    part = Part(tmp_path / "file.bin")
    part.note.write_bytes(text.encode("latin-1"))
    assert part.origin() == {}
