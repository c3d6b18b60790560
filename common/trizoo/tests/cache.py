"""A cache folder of the tests' own, so that none is left behind on the machine; each conftest imports it."""

import os

import pytest

from trizoo.download.storage import HOME_VARIABLE


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """The cache folder, of the programs that tests start too."""
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ[HOME_VARIABLE]
    else:
        os.environ[HOME_VARIABLE] = before
