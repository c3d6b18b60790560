"""Class names in scripts that DejaVu Sans has, that another font has, and that none has."""

import logging
import shutil
from pathlib import Path

import matplotlib
import pytest
from matplotlib import font_manager

from trizoo.pictures.fonts import default_font, label_faces, load_font

STIX = Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")
ONLY_IN_STIX = "\u1d81"  # a Latin d with a hook; DejaVu Sans hasn't it
NOWHERE = "\U0010fffd"  # private use


@pytest.fixture(autouse=True)
def fresh_faces():
    label_faces.cache_clear()
    yield
    label_faces.cache_clear()


def test_names_that_dejavu_has_need_no_other_font(monkeypatch):
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: pytest.fail("the system's fonts were searched"))
    names = ("dog", "собака", "σκύλος", "chien à poil")
    assert label_faces(names) == tuple((name, default_font()) for name in names)


def test_a_system_font_with_the_letters_is_taken_the_plain_face_first(monkeypatch, tmp_path):
    damaged = tmp_path / "Aaa.ttf"
    damaged.write_bytes(b"no font")
    slanted = tmp_path / "Aab-Italic.ttf"
    shutil.copyfile(STIX, slanted)
    fonts = [str(slanted), str(tmp_path / "gone.ttf"), str(damaged), str(STIX)]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: fonts)
    assert label_faces(("dog", f"a{ONLY_IN_STIX}")) == (("dog", default_font()), (f"a{ONLY_IN_STIX}", STIX))


def test_a_name_that_no_font_has_becomes_its_number_with_one_warning(monkeypatch, caplog):
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(STIX)])
    names = ("dog", NOWHERE, "")
    with caplog.at_level(logging.WARNING):
        first, second = label_faces(names), label_faces(names)
    assert first == second == (("dog", default_font()), ("#1", default_font()), ("#2", default_font()))
    assert len(caplog.records) == 1
    assert "#1 = " in caplog.text
    assert "#2 = ''" in caplog.text


def test_line_breaks_in_names_become_spaces():
    assert label_faces(("two\nlines \t here",))[0][0] == "two lines here"


def test_a_font_is_loaded_in_its_size():
    assert load_font(default_font(), 20).size == 20
    assert load_font(default_font(), 40).getlength("W") == pytest.approx(
        2 * load_font(default_font(), 20).getlength("W"), 0.1
    )
