"""docs/make_versions.py and the table that it writes."""

import json
from types import SimpleNamespace

from trizoo.tests import tested_versions
from trizoo.tests.scripts import DOCS, load_script

KEPT = {"torch": {"python": "3.11.7", "system": "Linux", "packages": {"torch": "2.12.0", "numpy": "2.0"}, "passed": 5}}


def session(code="", **options):
    reporter = SimpleNamespace(stats={"passed": [1, 2, 3]})
    config = SimpleNamespace(
        args=["pytorch"],
        getoption=lambda name: code,
        pluginmanager=SimpleNamespace(get_plugin=lambda name: reporter),
        **options,
    )
    return SimpleNamespace(config=config)


def test_a_suite_that_passes_is_noted_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "tested" / "torch.json"
    tested_versions.pytest_sessionfinish(session(), 0)
    monkeypatch.setenv("TRIZOO_TESTED", str(path))
    tested_versions.pytest_sessionfinish(session(), 1)
    tested_versions.pytest_sessionfinish(session("one test"), 0)
    tested_versions.pytest_sessionfinish(session(workerinput={}), 0)
    assert not path.exists()
    tested_versions.pytest_sessionfinish(session(), 0)
    noted = json.loads(path.read_text(encoding="utf-8"))
    assert noted["passed"] == 3
    assert {"numpy", "pillow"} <= noted["packages"].keys()


def test_new_records_replace_kept_ones_of_the_same_environment(tmp_path):
    script = load_script("make_versions")
    new = {"python": "3.12.1", "system": "Linux", "packages": {"keras": "3.15.1", "jax": "0.10.2"}, "passed": 1234}
    for name in ("torch", "keras-jax"):
        (tmp_path / f"{name}.json").write_text(json.dumps(new), encoding="utf-8")
    records = script.merged(KEPT | {"common": KEPT["torch"]}, tmp_path)
    assert records == {"common": KEPT["torch"], "keras-jax": new, "torch": new}
    rows = script.table(records).splitlines()[2:]
    assert rows[1] == "| Keras on JAX | Keras 3.15.1, JAX 0.10.2 | 3.12.1 | 1,234 | `tox -e keras-jax` |"


def test_the_page_has_the_table_of_what_is_kept():
    script = load_script("make_versions")
    page = (DOCS / "start.md").read_text(encoding="utf-8")
    assert script.written(page, json.loads((DOCS / "tested.json").read_text(encoding="utf-8"))) == page
    assert script.written(page, KEPT) != page
