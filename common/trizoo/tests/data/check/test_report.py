import json
from pathlib import Path

from trizoo.data.check.report import Finding, Findings, Report, _fitting
from trizoo.data.reading import Problem


def report(**changes):
    fields = {
        "root": Path("/data/图像"),
        "splits": {"train": {"images": 1200, "objects": 3400, "without_objects": 5}},
        "classes": {"猫": {"objects": 3000, "images": 900}, "dog": {"objects": 400, "images": 300}},
        "image_sizes": {"640x480": 1200},
        "box_sizes": {"smallest": 1.0, "median": 60.5, "largest": 400.0, "small": 3, "medium": 3390, "large": 7},
        "mask_values": {0: {"pixels": 123456, "masks": 12}},
        "findings": (
            Finding("error", "missing image", 7, ("Annotations/a.xml: a has no image", "b")),
            Finding("warning", "swapped corners", 1, ("c",)),
        ),
        "notes": ("no lists",),
    }
    return Report(**{**fields, **changes})


def test_a_readers_problems_are_warnings_of_whatever_kind():
    root = Path("/data")
    findings = Findings(root, {"slip"})
    findings.add_problem(Problem("missing image", root / "a.json", "b.jpg isn't there"))
    findings.add("slip", root, "of the whole set")
    findings.add("missing image", root / "c.xml", "c has no image")
    assert findings.all() == (
        Finding("error", "missing image", 1, ("c.xml: c has no image",)),
        Finding("warning", "missing image", 1, ("a.json: b.jpg isn't there",)),
        Finding("warning", "slip", 1, ("of the whole set",)),
    )


def test_text_says_everything_once():
    text = str(report())
    for part in (
        "/data/图像",
        "no lists",
        "1,200     3,400                 5   train",
        "3,000       900   猫",
        "640x480",
        "median 60.5",
        "12         123,456   0",
        "Errors: 7",
        "missing image: 7",
        "Annotations/a.xml: a has no image",
        "and 5 more",
        "Warnings: 1",
        "swapped corners: 1",
    ):
        assert text.count(part) == 1, part


def test_text_of_an_empty_report():
    text = str(report(splits={}, classes={}, image_sizes={}, box_sizes={}, mask_values={}, findings=(), notes=()))
    assert "Errors: none" in text
    assert "Warnings: none" in text
    assert "Boxes" not in text


def test_errors_and_warnings_are_apart():
    assert [finding.kind for finding in report().errors] == ["missing image"]
    assert [finding.kind for finding in report().warnings] == ["swapped corners"]


def test_lines_have_at_most_100_columns_and_lose_nothing():
    words = " ".join(f"word{i}" for i in range(60))
    for example in (words, "x" * 450, "图" * 170, "图 像" * 60):
        text = str(report(findings=(Finding("error", "kind", 1, (example,)),), notes=()))
        for line in text.splitlines():
            assert sum(2 if "一" <= character <= "鿿" else 1 for character in line) <= 100
        assert example.replace(" ", "") in text.replace(" ", "").replace("\n", "")


def test_fitting_counts_wide_characters_twice():
    assert _fitting("a" * 150) == 100
    assert _fitting("图" * 150) == 50
    assert _fitting("a" + "图" * 150) == 50  # 1 + 49 * 2 = 99 columns, and one more would be 101
    assert _fitting("ＡＢ" * 60) == 50  # full-width Latin
    assert _fitting("short") == 5


def test_terminal_codes_and_broken_names_are_shown_harmlessly():
    text = str(report(root=Path("/x\x1b[31m\n\udce9")))
    assert "\x1b" not in text
    assert "\udce9" not in text
    text.encode()


def test_long_tables_are_cut():
    classes = {f"class {i}": {"objects": 1, "images": 1} for i in range(60)}
    text = str(report(classes=classes))
    assert "class 39" in text
    assert "class 40" not in text
    assert "and 20 more" in text


def test_json_holds_the_fields():
    content = json.loads(report().to_json())
    assert content["ok"] is False
    assert content["classes"]["猫"] == {"objects": 3000, "images": 900}
    assert content["findings"][1]["kind"] == "swapped corners"
    assert json.loads(report(findings=()).to_json())["ok"] is True
    assert json.loads(report(root=Path("/x\udce9")).to_json())["root"] == "/x\udce9"
