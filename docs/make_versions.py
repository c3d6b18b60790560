"""The table of tested versions in docs/start.md: `python docs/make_versions.py`, after `tox`.

Each tox environment whose tests pass notes what it ran with in .tox/tested/ (`trizoo.tests.tested_versions`). What is
new there goes into docs/tested.json, and the table is written from that.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
START, KEPT, NEW = ROOT / "docs" / "start.md", ROOT / "docs" / "tested.json", ROOT / ".tox" / "tested"
TITLES = {
    "torch": "PyTorch",
    "tf2": "TensorFlow",
    "keras": "Keras on TensorFlow",
    "keras-jax": "Keras on JAX",
    "keras-torch": "Keras on PyTorch",
    "common": "without a framework",
}
NAMES = {
    "torch": "PyTorch",
    "tensorflow": "TensorFlow",
    "tensorflow-cpu": "TensorFlow",
    "keras": "Keras",
    "jax": "JAX",
    "numpy": "NumPy",
    "pillow": "Pillow",
}
TOLD = {  # what decides in an environment, of all that lies in it
    "torch": ("PyTorch",),
    "tf2": ("TensorFlow",),
    "keras": ("Keras", "TensorFlow"),
    "keras-jax": ("Keras", "JAX"),
    "keras-torch": ("Keras", "PyTorch"),
    "common": ("NumPy", "Pillow"),
}


def merged(kept, folder):
    """Records by environment, {name: record}: those kept, replaced by what a folder has of the same environments."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    return dict(sorted((kept | found).items()))


def table(records):
    """A line an environment that runs a whole suite, the newest versions first."""
    lines = ["| | versions | Python | tests passed | by |", f"|{' --- |' * 5}"]
    for end in ("", "-oldest"):
        for name, title in TITLES.items():
            if (record := records.get(name + end)) is None:
                continue
            used = {NAMES[package]: version for package, version in record["packages"].items() if package in NAMES}
            versions = ", ".join(f"{part} {used[part]}" for part in TOLD[name] if part in used)
            oldest = ", oldest" if end else ""
            cells = [title + oldest, versions, record["python"], f"{record['passed']:,}", f"`tox -e {name}{end}`"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def written(page, records):
    """The page with the table between its marks."""
    return re.sub(
        r"(?s)(<!-- versions -->\n).*?(\n<!-- /versions -->)",
        lambda marks: f"{marks[1]}\n{table(records)}\n{marks[2]}",
        page,
    )


def main():
    """Writes docs/tested.json and the table."""
    records = merged(json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}, NEW)
    KEPT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    START.write_text(written(START.read_text(encoding="utf-8"), records), encoding="utf-8")


if __name__ == "__main__":
    main()
