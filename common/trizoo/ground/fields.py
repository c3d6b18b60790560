"""What the sections of a recipe are made of."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Inside = Annotated[float, Field(gt=0, lt=1)]
Triple = tuple[float, float, float]
Momentum = Annotated[float, Field(ge=0, lt=1)]


def some_class_counts(weights):
    """The weights of classes, or None. Raises ValueError where all are 0."""
    if weights is not None and not any(weights):
        raise ValueError(f"class_weights is {list(weights)}; at least one above 0 is needed")
    return weights


ClassWeights = Annotated[tuple[NotNegative, ...] | None, AfterValidator(some_class_counts)]


class Section(BaseModel):
    """A part of a recipe: can't be changed, and a key it doesn't know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def least_first(section, *names):
    """The section. Raises ValueError where one of these pairs isn't in order."""
    for name in names:
        pair = getattr(section, name)
        if pair[0] > pair[1]:
            raise ValueError(f"{name} is {list(pair)}; the least must come first")
    return section
