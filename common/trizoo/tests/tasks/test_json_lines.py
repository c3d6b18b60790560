import json

import pytest

from trizoo.ground.errors import UserError
from trizoo.tasks.json_lines import ResultFile


def test_each_result_is_a_line_at_once_and_all_are_a_list_at_the_end(tmp_path):
    results = [{"image": "a.jpg", "n": 1}, {"image": "名.jpg", "n": 2}]
    with ResultFile(tmp_path / "new", "found") as file:
        file.add(results[0])
        assert (tmp_path / "new" / "found.jsonl").read_text(encoding="utf-8") == '{"image": "a.jpg", "n": 1}\n'
        file.add(results[1])
        assert not (tmp_path / "new" / "found.json").exists()
        file.finish()
    text = (tmp_path / "new" / "found.json").read_bytes().decode("utf-8")
    assert json.loads(text) == results
    assert [line[:10] for line in text.splitlines()[1:3]] == ['{"image": '] * 2  # one image a line
    assert "名" in text


def test_no_result_is_an_empty_list(tmp_path):
    with ResultFile(tmp_path, "found") as file:
        file.finish()
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8")) == []


def test_an_earlier_list_is_not_taken_for_one_of_the_new_lines(tmp_path):
    for name in ("found.json", "found.jsonl"):
        (tmp_path / name).write_text("[1]\n", encoding="utf-8")
    with ResultFile(tmp_path, "found"):
        pass
    assert (tmp_path / "found.jsonl").read_bytes() == b""
    assert not (tmp_path / "found.json").exists()


def test_a_file_name_that_is_not_utf8_survives(tmp_path):
    name = b"caf\xe9.jpg".decode("utf-8", errors="surrogateescape")
    with ResultFile(tmp_path, "found") as file:
        file.add({"image": name})
        file.finish()
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))[0]["image"] == name


def test_a_number_that_json_has_not_is_not_written(tmp_path):
    with ResultFile(tmp_path, "found") as file, pytest.raises(ValueError, match="JSON"):
        file.add({"score": float("nan")})
    assert (tmp_path / "found.jsonl").read_bytes() == b""


def test_a_line_that_has_no_room_leaves_whole_lines(tmp_path):
    class Full:
        """A file that takes ten bytes more."""

        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            return self.file.write(data[:10])

    with ResultFile(tmp_path, "found") as file:
        file.add({"n": 1})
        file._file = Full(file._file)
        with pytest.raises(UserError, match=r"found\.jsonl can't be written any further; make room"):
            file.add({"n": 2, "name": "longer"})
    assert (tmp_path / "found.jsonl").read_bytes() == b'{"n": 1}\n'
