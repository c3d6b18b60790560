"""The manifest as text for a terminal of 100 columns."""

import textwrap

from trizoo.families import ARCHITECTURES
from trizoo.weights.store import converted_paths, downloaded_path, models_of, state

WIDTH = 100
HEAD = ("tag", "part", "classes", "MB", "checksum", "here", "in the zoo")
RIGHT = {"classes", "MB"}
MOST_NAMES, FIRST_NAMES = 100, 10  # of classes that are told whole, and of more


def megabytes(size):
    """Bytes as text in MB, "?" for an unknown size."""
    return "?" if size is None else f"{size / 1e6:.1f}"


def table(entries):
    """{tag: Weights} as a table, a line each."""
    rows = [HEAD]
    for tag, entry in entries.items():
        rows.append(
            (
                tag,
                entry.part,
                str(entry.num_classes or "-"),
                megabytes(entry.bytes),
                entry.trust,
                {"converted": "ready", "downloaded": "file"}.get(state(tag, entry), "-"),
                "yes" if models_of(entry) else "not yet",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (
            cell.rjust(width) if name in RIGHT else cell.ljust(width)
            for name, cell, width in zip(HEAD, row, widths, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def datasets(manifest):
    """The data sets and what downloads them, a line each."""
    lines = []
    for name, dataset in manifest.datasets.items():
        parts = [f"{part} ({megabytes(entry.bytes)})" for part, entry in dataset.parts.items()]
        lines.append(f"{name}: {', '.join(parts)}")
    return "\n".join(_wrapped(line, "  ") for line in lines)


def details(tag, entry, manifest):
    """All that is known of a tag, in lines for a person.

    Args:
        entry: the tag's in the manifest
    """
    classes = manifest.class_lists[entry.classes] if entry.classes else ()
    normalisation = manifest.normalisations[entry.normalisation] if entry.normalisation else None
    facts = [
        ("model", _model(entry)),
        ("part", entry.part),
        ("trained on", entry.dataset),
        ("from", entry.source),
        ("licence", manifest.licences[entry.licence]),
        ("format", entry.format),
        ("bytes", f"{entry.bytes:,}" if entry.bytes else "unknown"),
        *((kind, digits) for kind, digits in entry.checksums.items()),
        ("trust", entry.trust),
        *(("url", url) for url in entry.urls),
        ("input", ", ".join(_use(entry)) or None),
        ("normalisation", normalisation and _formula(normalisation)),
        ("outputs", entry.num_classes and f"{entry.num_classes} classes"),
        ("classes", _shown(classes, entry.classes)),
        *(("published", f"{name}: {value}") for name, value in entry.published.items()),
        ("published in", entry.published_source),
        ("conditions", ", ".join(conditions(entry)) or None),
        *(("measured here", f"{what}: {where}") for what, where in entry.measured.items()),
        ("notes", entry.notes),
        ("here", ", ".join(str(path) for path in _present(tag, entry)) or "no"),
    ]
    width = max(len(name) for name, _ in facts) + 2
    lines = [tag]
    lines += [_wrapped(f"{name:{width}}{value}", " " * width) for name, value in facts if value]
    return "\n".join(lines)


def conditions(entry):
    """How the published figure of a manifest entry was measured, in a list of words; empty where that isn't known."""
    known = entry.conditions
    if known is None:
        return []
    thresholds = {"score": known.score, "nms": known.nms, "max_detections": known.max_detections}
    words = [f"{known.figure} on {known.data} {known.split}", *_use(known)]
    words += [f"{key} {value:g}" for key, value in thresholds.items() if value is not None]
    words += [] if known.annotated else ["its annotations aren't public"]
    return words + ([known.notes] if known.notes else [])


def _shown(classes, name):
    """Names of classes in words: of very many the first, and what their list is called."""
    if len(classes) <= MOST_NAMES:
        return ", ".join(classes)
    return f"{', '.join(classes[:FIRST_NAMES])} and {len(classes) - FIRST_NAMES} more, the list {name}"


def _use(known):
    """Input size, resize policy and stride of a tag, or of its conditions, in words."""
    if known.input_size:
        yield "x".join(map(str, known.input_size))
    if known.resize:
        yield f"resize {known.resize}"
    if known.output_stride:
        yield f"output stride {known.output_stride}"


def _formula(normalisation):
    mean, std = (", ".join(f"{value:.6g}" for value in values) for values in (normalisation.mean, normalisation.std))
    divisor = f"{normalisation.divisor:g}"
    return f"{normalisation.channels}, (pixel / {divisor} - mean) / std, mean {mean}, std {std}"


def _present(tag, entry):
    downloaded = downloaded_path(tag, entry)
    return [*([downloaded] if downloaded.exists() else []), *converted_paths(tag, entry)]


def _model(entry):
    """What it is for, in words."""
    models = models_of(entry)
    if entry.model in ARCHITECTURES:
        return entry.model
    return f"{entry.model}, of {', '.join(models)}" if models else f"{entry.model} (not in the zoo yet)"


def _wrapped(line, indent):
    """Lines of at most 100 columns; what can't be broken, such as a URL, stays whole."""
    return textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
