"""The canonical names and shapes of each model's parameters, as committed in `names/`."""

from importlib import resources

NUM_CLASSES = 80


def models():
    """The models of `trizoo.families.ARCHITECTURES` in alphabetical order, found without loading that."""
    return sorted(path.name.removesuffix(".txt") for path in (resources.files("trizoo.weights") / "names").iterdir())


def names_path(model):
    """The committed names file of a model."""
    return resources.files("trizoo.weights") / "names" / f"{model}.txt"


def load_names(model):
    """The committed canonical names of a model and their shapes, in order: {name: shape}."""
    lines = names_path(model).read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if line)
    return {name: tuple(int(side) for side in shape.split("x")) for name, shape in pairs}


def names_text(shapes):
    """The text of a names file: `name 32x3x3x3`, a line each, in the model's order."""
    return "".join(f"{name} {'x'.join(map(str, shape))}\n" for name, shape in shapes.items())
