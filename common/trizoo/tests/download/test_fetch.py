"""The file in its folder: two processes at once, kills, disks that refuse, no network, checksums, first uses."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trizoo.download import transfer
from trizoo.ground.errors import UserError

SCRIPT = """
import sys, pathlib
from trizoo.download.fetch import fetch
from trizoo.download.first_use import FirstUse
from trizoo.download.remote import RemoteFile
folder, url, size, sha256 = sys.argv[1:]
folder = pathlib.Path(folder)
file = RemoteFile("thing.coco", "file.bin", (url,), int(size), {"sha256": sha256})
print(fetch(file, folder / "files", FirstUse(folder / "trizoo.lock")))
"""


def start(engine, url, content):
    arguments = [str(engine.folder), url, str(len(content)), hashlib.sha256(content).hexdigest()]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until(condition):
    """Wait for something that another process does."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_two_processes_at_once_download_it_once(engine, server, content, answer):
    url = server.url(answer(stop=1 << 20, hang=True), answer())
    first = start(engine, url, content)
    assert server.reached.wait(30)  # the first holds the lock
    second = start(engine, url, content)
    assert b"waiting for another process" in second.stderr.readline()
    server.over.set()
    for process in (first, second):
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert out.decode().strip() == str(engine.path)
    assert engine.path.read_bytes() == content
    assert server.ranges == [None, "bytes=1048576-"]  # both of the first process


def test_kill_in_the_middle_then_resume(engine, server, content, answer):
    url = server.url(answer(stop=2 << 20, hang=True, headers={"ETag": '"1"'}), answer(headers={"ETag": '"1"'}))
    process = start(engine, url, content)
    assert server.reached.wait(30)
    until(lambda: engine.part.exists() and engine.part.stat().st_size >= 1 << 20)
    process.kill()
    process.communicate(timeout=30)
    assert not engine.path.exists()
    arrived = engine.part.stat().st_size
    assert engine.fetch(engine.remote(url)).read_bytes() == content
    assert server.ranges == [None, f"bytes={arrived}-"]


def test_ctrl_c_keeps_what_has_arrived(engine, server, content, monkeypatch):
    def interrupted(blocks, start, total, part, file, settings):
        def until_interrupted():
            yield next(blocks)
            raise KeyboardInterrupt

        return save(until_interrupted(), start, total, part, file, settings)

    save = transfer._save
    monkeypatch.setattr(transfer, "_save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.fetch(engine.remote(server.url()))
    assert engine.part.read_bytes() == content[: transfer.BLOCK]
    monkeypatch.undo()
    assert engine.fetch(engine.remote(server.url())).read_bytes() == content


class FullDisk:
    """A file that takes `room` bytes."""

    def __init__(self, file, room, code):
        self.file, self.room, self.code = file, room, code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, block):
        if self.file.tell() + len(block) > self.room:
            raise OSError(self.code, os.strerror(self.code))
        return self.file.write(block)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_disk_that_fills_up_is_a_sentence_and_keeps_the_part(engine, server, monkeypatch, code):
    opened = Path.open

    def limited(self, mode="r", *args, **kwargs):
        file = opened(self, mode, *args, **kwargs)
        return FullDisk(file, 1 << 20, code) if self.suffix == ".part" and mode == "wb" else file

    monkeypatch.setattr(Path, "open", limited)
    sentence = engine.refused(engine.remote(server.url()))
    assert os.strerror(code) in sentence
    assert "make room" in sentence
    assert engine.part.stat().st_size == 1 << 20


def test_disk_without_room_is_noticed_before_the_download(engine, server, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    assert "3,145,728 bytes are still to come and 1,000 are free" in engine.refused(engine.remote(server.url()))
    assert server.requests == []


def test_read_only_cache_is_a_sentence(engine, server, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    sentence = engine.refused(engine.remote(server.url()))
    assert "Read-only file system" in sentence
    assert "TRIZOO_HOME" in sentence


def test_read_only_cache_with_the_file_is_enough(engine, server, content, monkeypatch):
    file = engine.remote(server.url())
    engine.fetch(file)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(os, "open", refuse)
    assert engine.fetch(file) == engine.path
    assert len(server.requests) == 1


def test_offline_without_the_file_is_a_sentence(engine, server):
    assert "can't be had offline" in engine.refused(engine.remote(server.url()), offline=True)
    assert server.requests == []


def test_offline_with_the_file_is_enough(engine, server):
    file = engine.remote(server.url())
    engine.fetch(file)
    assert engine.fetch(file, offline=True) == engine.path
    assert len(server.requests) == 1


def test_offline_with_a_damaged_file_is_a_sentence(engine, server):
    file = engine.remote(server.url())
    engine.fetch(file).write_bytes(b"damaged")
    with pytest.raises(UserError, match="has 7 bytes instead of 3,145,728"):
        engine.fetch(file, offline=True)


def test_damaged_file_in_the_cache_is_downloaded_again(engine, server, content):
    file = engine.remote(server.url())
    engine.fetch(file).write_bytes(content[:-1] + b"x")
    assert engine.fetch(file).read_bytes() == content
    assert "downloaded again" in engine.said[0]


@pytest.mark.parametrize("kind", ["sha256", "sha1", "md5"])
def test_every_kind_of_checksum_is_checked(engine, server, content, kind):
    right = hashlib.new(kind, content).hexdigest()
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert f"{kind} {right} instead of {wrong}" in engine.refused(engine.remote(server.url(), checksums={kind: wrong}))
    engine.fetch(engine.remote(server.url(), checksums={kind: right}))


def test_checksum_prefix_is_checked(engine, server, content):
    digits = hashlib.sha256(content).hexdigest()[:8]
    sentence = engine.refused(engine.remote(server.url(), checksums={"sha256_prefix": "00000000"}))
    assert f"sha256_prefix {digits} instead of 00000000" in sentence
    engine.fetch(engine.remote(server.url(), checksums={"sha256_prefix": digits}))


@pytest.mark.parametrize("checksums", [{}, {"sha256_prefix": None}, {"md5": None}])
def test_first_use_is_recorded_and_the_same_file_matches(engine, server, content, checksums):
    values = {"sha256_prefix": hashlib.sha256(content).hexdigest()[:8], "md5": hashlib.md5(content).hexdigest()}
    file = engine.remote(server.url(), checksums={kind: values[kind] for kind in checksums})
    engine.fetch(file).unlink()
    records = json.loads((engine.folder / "trizoo.lock").read_text())["files"]
    assert records["thing.coco"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert engine.fetch(file).read_bytes() == content


def test_first_use_that_doesnt_match_is_refused(engine, server, content, answer):
    engine.fetch(engine.remote(server.url(), size=None, checksums={})).unlink()
    changed = server.url(answer(content[::-1]))
    sentence = engine.refused(engine.remote(changed, size=None, checksums={}))
    assert f"instead of {hashlib.sha256(content).hexdigest()}, which the first download had" in sentence


def test_published_sha256_needs_no_record(engine, server):
    engine.fetch(engine.remote(server.url()))
    assert not (engine.folder / "trizoo.lock").exists()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 1}', '{"format": 2, "files": {}}', '{"format": 1, "files": {"a": {"sha256": "1"}}}']
)
def test_damaged_lock_file_is_a_sentence_and_not_ignored(engine, server, text):
    (engine.folder / "trizoo.lock").write_text(text)
    assert "trizoo.lock is damaged" in engine.refused(engine.remote(server.url(), checksums={}))
