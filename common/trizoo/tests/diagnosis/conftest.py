"""What data sets and recipes have wrong, by the function that looks for it."""

import pytest

from trizoo.diagnosis.history import read_history
from trizoo.diagnosis.images import open_images
from trizoo.tests.diagnosis.runs import HEALTHY, by_kind, make_run


@pytest.fixture
def look(tmp_path):
    """{kind: cause} that a function of a history and its images finds in a run on a data set."""

    def run(causes, root, *changes, **options):
        path = make_run(tmp_path / "run", HEALTHY, f"data.root={root}", *changes, **options)
        history = read_history(path)
        return by_kind(causes(history, open_images(history)))

    return run
