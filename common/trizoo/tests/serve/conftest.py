"""Services of models whose answers are known."""

import io

import pytest
from PIL import Image

from trizoo.serve.limits import Limits
from trizoo.serve.service import Service


@pytest.fixture
def service():
    """Makes a Service of a Served and limits, which is closed in the end."""
    made = []

    def make(served, **limits):
        made.append(Service(served, Limits(**{"gather": 0.0, **limits})))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def png():
    """Makes the bytes of an image of one colour: redness in [0, 255], (width, height) -> bytes."""

    def make(redness=200, size=(40, 30)):
        file = io.BytesIO()
        Image.new("RGB", size, (redness, 0, 0)).save(file, format="PNG")
        return file.getvalue()

    return make
