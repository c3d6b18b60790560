import errno
import os
import threading

import pytest

from trizoo.download.first_use import FirstUse
from trizoo.download.storage import home, locked, storing
from trizoo.ground.errors import UserError


def test_home_is_what_the_variable_names(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIZOO_HOME", str(tmp_path / "缓存"))
    assert home() == tmp_path / "缓存"
    monkeypatch.setenv("TRIZOO_HOME", "~/zoo")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / "zoo"


def test_home_is_else_the_platforms_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("TRIZOO_HOME", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name, appauthor: tmp_path / name)
    assert home() == tmp_path / "trizoo"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EROFS, "choose a folder that can"),
        (errno.EACCES, "choose"),
    ],
)
def test_what_the_disk_refuses_is_one_sentence(code, advice):
    with pytest.raises(UserError, match=advice) as caught, storing("/data/x.bin"):
        raise OSError(code, os.strerror(code))
    assert os.strerror(code) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_errors_pass_through():
    with pytest.raises(ValueError, match="mine"), storing("x"):
        raise ValueError("mine")


def test_a_lock_lets_one_in_and_tells_the_other_that_it_waits(tmp_path):
    path = tmp_path / "new folder" / "file.bin"
    said, order, waits = [], [], threading.Event()

    def report(text):
        said.append(text)
        waits.set()

    def second():
        with locked(path, report):
            order.append("second")

    with locked(path, said.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
    assert said == [f"waiting for another process that is at {path}"]


def test_a_lock_goes_with_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), locked(tmp_path / "x", print):
        raise KeyboardInterrupt
    with locked(tmp_path / "x", print):
        pass


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="can't be written"), locked(tmp_path / "file" / "x", print):
        pass


def test_first_uses_are_kept_beside_each_other(tmp_path):
    records = FirstUse(tmp_path / "trizoo.lock")
    assert records.recorded("a.b") is None
    records.record("a.b", sha256="a" * 64, size=1, url="http://127.0.0.1/a")
    records.record("c.d", sha256="b" * 64, size=2, url="http://127.0.0.1/c")
    again = FirstUse(tmp_path / "trizoo.lock")
    assert (again.recorded("a.b"), again.recorded("c.d")) == ("a" * 64, "b" * 64)


def test_a_first_use_that_another_process_noted_is_not_written_over(tmp_path):
    records = FirstUse(tmp_path / "trizoo.lock")
    records.record("a.b", sha256="a" * 64, size=1, url="http://127.0.0.1/a")
    records.record("a.b", sha256="a" * 64, size=1, url="http://127.0.0.1/mirror")
    with pytest.raises(UserError, match=rf"^http://127\.0\.0\.1/b has sha256 {'b' * 64}, .* another for a\.b"):
        records.record("a.b", sha256="b" * 64, size=1, url="http://127.0.0.1/b")
    assert records.recorded("a.b") == "a" * 64


def test_a_home_of_an_unknown_user_is_a_sentence(monkeypatch):
    monkeypatch.setenv("TRIZOO_HOME", "~nobody-of-that-name/cache")
    with pytest.raises(UserError, match="TRIZOO_HOME is '~nobody-of-that-name/cache'"):
        home()
