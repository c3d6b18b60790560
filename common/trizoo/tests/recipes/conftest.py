"""A small schema with one of everything that a recipe may hold, and a folder to write recipes in."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from trizoo.recipes.load import load


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Flip(Section):
    op: Literal["flip"] = "flip"
    probability: float = Field(0.5, ge=0, le=1)


class Jitter(Section):
    op: Literal["jitter"] = "jitter"
    jitter: float = 0.3
    scale: tuple[float, float] = (0.25, 2.0)


class Focal(Section):
    kind: Literal["focal"] = "focal"
    gamma: float = 2.0


class CrossEntropy(Section):
    kind: Literal["cross_entropy"] = "cross_entropy"
    smoothing: float = 0.0


class Schedule(Section):
    epochs: int | None = Field(100, ge=1)
    iterations: int | None = None
    lr: float = Field(0.01, gt=0)
    kind: Literal["cosine", "step"] = "cosine"

    @model_validator(mode="after")
    def _one_length(self):
        if self.epochs is not None and self.iterations is not None:
            raise ValueError(f"epochs ({self.epochs}) and iterations ({self.iterations}) are both given")
        return self


class Tiny(Section):
    name: str
    classes: tuple[str, ...] = ()
    input_size: tuple[int, int] = (416, 416)
    anchors: tuple[tuple[float, float], ...] | None = None
    workers: int | Literal["auto"] = "auto"
    amp: bool = True
    augment: tuple[Annotated[Jitter | Flip, Field(discriminator="op")], ...] = (Jitter(), Flip())
    loss: Focal | CrossEntropy = Field(Focal(gamma=1.5), discriminator="kind")
    schedule: Schedule = Schedule(lr=0.02)
    weights: dict[str, float] = {}


@pytest.fixture
def schema():
    return Tiny


@pytest.fixture
def write(tmp_path):
    """Writes a file of the temporary folder: write(name, text) -> its path."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def load_text(write):
    """Loads YAML text as my.yaml, with overrides: load_text(text, *overrides) -> Loaded."""

    def load_text(text, *overrides):
        return load(Tiny, file=write("my.yaml", text), overrides=overrides)

    return load_text
