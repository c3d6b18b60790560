"""Files that are whole whatever happens."""

import errno
import os
import re
import secrets
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from trizoo.ground.errors import UserError
from trizoo.ground.files import remove_left, replacing, temporary_folder_beside, write_atomically, write_from_memory
from trizoo.tests.campaigns.running import Process


def test_text_is_written_as_utf8_and_bytes_as_they_are(tmp_path):
    write_atomically(tmp_path / "a", "细胞\n")
    write_atomically(tmp_path / "b", b"\r\n\x00")
    assert (tmp_path / "a").read_bytes() == "细胞\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\r\n\x00"


def test_a_failure_leaves_the_previous_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail(temporary, error):
        temporary.write_text("half", encoding="utf-8")
        raise error

    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        fail(temporary, KeyboardInterrupt())
    with pytest.raises(UserError, match=r"a\.txt.*No space"), replacing(path) as temporary:
        fail(temporary, OSError(errno.ENOSPC, "No space left on device"))
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == [("a.txt", "old")]


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    with replacing(tmp_path / ("n" * 251 + ".txt")) as temporary:
        temporary.write_text("", encoding="utf-8")
    assert len(next(tmp_path.iterdir()).name) == 255


def test_a_file_gets_the_rights_that_the_umask_leaves(tmp_path):
    earlier = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", "a")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_link_that_has_the_temporary_name_is_neither_followed_nor_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "token_hex", lambda count: "0" * 16)
    with replacing(tmp_path / "a") as temporary:
        name = temporary.name
        temporary.write_text("a", encoding="utf-8")
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    (tmp_path / name).symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="File exists"):
        write_atomically(tmp_path / "b", "b")
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / name).is_symlink()
    assert not (tmp_path / "b").exists()


def test_what_killed_processes_left_goes_and_nothing_else(tmp_path):
    code = (
        "import os, signal, sys\nfrom trizoo.ground.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary: os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=Path(__file__).parents[3], check=False)
    (left,) = tmp_path.iterdir()
    others = [".trizoo-1.tmp", ".a.tmp", left.name + "x", re.sub("-[0-9]+-", f"-{os.getppid()}-", left.name)]
    others.append(re.sub("-[0-9a-f]{8}-", "-00000000-", left.name))  # of another machine
    for name in others:
        (tmp_path / name).touch()
    with replacing(tmp_path / "b"):
        remove_left(tmp_path)  # not what is being written
    assert {file.name for file in tmp_path.iterdir()} == {"b", *others}
    os.utime(tmp_path / others[-1], (0, 0))
    remove_left(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"b", *others[:-1]}


def test_a_folder_that_a_killed_process_left_goes_and_a_link_to_one_stays(tmp_path):
    code = (
        "import os, signal, sys\nfrom trizoo.ground.files import temporary_folder_beside\n"
        "with temporary_folder_beside(sys.argv[1]) as folder:\n"
        "    (folder / 'model.onnx').touch()\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=Path(__file__).parents[3], check=False)
    (left,) = tmp_path.iterdir()
    (tmp_path / "mine").mkdir()
    link = tmp_path / re.sub("-[0-9a-f]{16}", f"-{0:016x}", left.name)
    link.symlink_to(tmp_path / "mine")
    with temporary_folder_beside(tmp_path / "b") as folder:
        remove_left(tmp_path)
        remove_left(tmp_path / "nowhere")
        assert {path.name for path in tmp_path.iterdir()} == {"mine", link.name, folder.name}
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of a process")
def test_a_picture_that_a_disk_takes_only_a_part_of_is_an_error(tmp_path):
    """Pillow itself writes a part of it and says nothing."""
    resource = pytest.importorskip("resource")
    picture = Image.effect_noise((64, 64), 50)

    def full():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        write_from_memory(tmp_path / "a.png", lambda file: picture.save(file, "PNG"))

    process = Process(full, tmp_path / "out.txt")
    assert process.wait(60) == 1
    assert "File too large" in process.text()
    write_from_memory(tmp_path / "a.png", lambda file: picture.save(file, "PNG"))
    assert Image.open(tmp_path / "a.png").tobytes() == picture.tobytes()
