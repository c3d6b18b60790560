import shutil
import subprocess
import sys

import pytest

from trizoo.commands.completion import script
from trizoo.commands.flags.completion import SHELLS
from trizoo.commands.main import COMMANDS, main
from trizoo.ground.errors import UserError

pytest.importorskip("shtab")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_knows_every_command(shell):
    text = script(shell)
    assert all(name in text for name in COMMANDS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["da"], {"data"}),
        (["data", "con"], {"convert"}),
        (["predict", "--conf"], {"--confidence"}),
        (["train", "--model", "yolov3-"], {"yolov3-spp", "yolov3-tiny"}),
        (["evaluate", "--weights", "mine"], {"mine.h5"}),
        (["train", "--data", "mine"], {"mine-photos"}),
        (["export", "--to", "open"], {"openvino"}),
    ],
)
def test_bash_offers_commands_flags_models_and_files(tmp_path, capsys, typed, offered):
    assert main(["completion", "bash"]) == 0
    (tmp_path / "complete.sh").write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "mine.h5").touch()
    (tmp_path / "mine-photos").mkdir()
    words = " ".join(["trizoo", *typed])
    asked = f'. ./complete.sh; COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _shtab_trizoo; echo "${{COMPREPLY[@]}}"'
    found = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert offered <= {word.strip("/") for word in found.split()}


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(UserError, match=r"completion needs shtab; pip install 'trizoo\[completion\]' brings it"):
        script("bash")
