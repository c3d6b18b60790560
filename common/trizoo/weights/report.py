"""Which arrays of a file fit a model: by name and shape, with a report, to fine-tune; exactly, for everything else."""

from dataclasses import dataclass

from trizoo.ground.errors import UserError

EXAMPLES = 3  # names in an error
LINES = 8  # of one kind in a report
NOT_OURS = "num_batches_tracked"  # PyTorch's batch norms count their batches; nothing here uses it

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LoadReport:
    """What happened to each array, by canonical name. str() gives a summary, one line for each part of the model.

    Args:
        loaded: taken from the file
        reinitialised: in both, (name, shape in the file, shape in the model); the model's is re-initialised
        missing: only in the model, (name, shape); re-initialised, too
        unexpected: only in the file, (name, shape)
    """

    loaded: tuple[str, ...]
    reinitialised: tuple[tuple[str, Shape, Shape], ...] = ()
    missing: tuple[tuple[str, Shape], ...] = ()
    unexpected: tuple[tuple[str, Shape], ...] = ()

    def __str__(self):
        wanted = len(self.loaded) + len(self.reinitialised) + len(self.missing)
        lines = [f"{len(self.loaded)} of the model's {wanted} arrays loaded"]
        lines += _summary("loaded", [(name, "") for name in self.loaded])
        lines += _summary("re-initialised", [(name, _mismatch(*shapes)) for name, *shapes in self.reinitialised])
        lines += _summary("missing", [(name, f" {shape}") for name, shape in self.missing])
        lines += _summary("unexpected", [(name, f" {shape}") for name, shape in self.unexpected])
        return "\n".join(lines)


def match(arrays, wanted, *, allowed_prefixes=("head",), source="the weights"):
    """The arrays that a model can take over from others, for fine-tuning: ({name: array}, LoadReport).

    A name belongs to the head when one of its dotted parts starts with one of `allowed_prefixes`; only there may arrays
    be missing or have another shape.

    Args:
        arrays: name -> array
        wanted: name -> shape, the model's
        allowed_prefixes: how parts of names begin that may differ, such as ("head", "attention")
        source: how errors call the arrays' origin

    Raises:
        UserError: where arrays elsewhere are missing or have another shape, and where nothing fits
    """
    if isinstance(allowed_prefixes, str):
        raise ValueError(f"allowed_prefixes is the text {allowed_prefixes!r}; a tuple of texts is needed")
    arrays = {name: array for name, array in arrays.items() if name.split(".")[-1] != NOT_OURS}
    report = _compare(arrays, wanted)
    if not report.loaded:
        raise UserError(
            f"nothing in {source} fits the model: it holds {_examples(list(arrays))},"
            f" the model wants {_examples(list(wanted))}; weights of this model are needed"
        )
    problems = [problem for problem in _problems(report, extra=False) if not _is_head(problem[0], allowed_prefixes)]
    if problems:
        raise UserError(
            f"{source} does not fit the model outside of its {'/'.join(allowed_prefixes) or 'head'}:"
            f" {_examples([text for _, text in problems])}; weights of this model and backbone are needed"
        )
    return {name: arrays[name] for name in report.loaded}, report


def parts_behind(backbone, wanted):
    """The first parts of the names that don't begin with `backbone`: what a pretrained backbone may lack, for `match`.

    Args:
        backbone: such as "backbone."
        wanted: names of the model's arrays
    """
    return tuple(dict.fromkeys(name.split(".")[0] for name in wanted if not name.startswith(backbone)))


def strict(arrays, wanted, path):
    """Checks that arrays (name -> array) are exactly those wanted (name -> shape).

    Raises UserError with `path` and the first that are missing, unexpected or of another shape.
    """
    problems = [text for _, text in _problems(_compare(arrays, wanted), extra=True)]
    if problems:
        raise UserError(f"{path} does not fit its model: {_examples(problems)}; it needs exactly the model's arrays")


def _compare(arrays, wanted):
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    wanted = {name: tuple(shape) for name, shape in wanted.items()}
    both = [name for name in wanted if name in shapes]
    return LoadReport(
        loaded=tuple(name for name in both if shapes[name] == wanted[name]),
        reinitialised=tuple((name, shapes[name], wanted[name]) for name in both if shapes[name] != wanted[name]),
        missing=tuple((name, shape) for name, shape in wanted.items() if name not in shapes),
        unexpected=tuple((name, shape) for name, shape in shapes.items() if name not in wanted),
    )


def _problems(report, *, extra):
    """(name, sentence part) of everything that does not fit; with the unexpected where `extra`."""
    problems = [(name, f"{name}{_mismatch(*shapes)}") for name, *shapes in report.reinitialised]
    problems += [(name, f"{name} {shape} is missing") for name, shape in report.missing]
    if extra:
        problems += [(name, f"{name} {shape} is unexpected") for name, shape in report.unexpected]
    return problems


def _mismatch(given, wanted):
    return f" has shape {given}, the model's {wanted}"


def _is_head(name, prefixes):
    return any(part.startswith(tuple(prefixes)) for part in name.split("."))


def _examples(texts):
    more = len(texts) - EXAMPLES
    return (", ".join(texts[:EXAMPLES]) or "nothing") + (f" and {more} more" if more > 0 else "")


def _summary(kind, entries):
    """The report's lines for (name, detail) entries: one for each first part of the names, with an example."""
    parts = {}
    for name, detail in entries:
        parts.setdefault(name.split(".")[0], []).append(name + detail)
    lines = []
    for part, texts in list(parts.items())[:LINES]:
        count = f"{len(texts)} array{'s' if len(texts) > 1 else ''}"
        lines.append(f"  {kind:<16}{part}: {count}" + (f", first {texts[0]}" if kind != "loaded" else ""))
    if len(parts) > LINES:
        rest = sum(len(texts) for texts in list(parts.values())[LINES:])
        lines.append(f"  {kind:<16}{len(parts) - LINES} more parts: {rest} arrays")
    return lines
