"""Tags on this machine: downloaded, converted, found again, removed. All of it lies in <cache>/weights/<tag>."""

import shutil
from pathlib import Path

from common import __version__
from common.architectures import ARCHITECTURES
from common.download.fetch import fetch, to_stderr
from common.download.first_use import NAME, FirstUse
from common.download.remote import check
from common.download.storage import home, locked, storing
from common.errors import UserError
from common.weights.convert import convert
from common.weights.manifest import load_manifest, suggestion

FILES = (".h5", ".weights", ".pth", ".pt", ".safetensors", ".npz")  # endings of files, never of tags


def resolve_weights(text, *, offline=False, settings=None, report=to_stderr, manifest=None):
    """The checkpoint (.h5) that a command line's --weights means: a Path.

    A path that exists is returned as it is. A tag of the manifest is downloaded, verified and converted, each of them
    only where that wasn't done before. Raises UserError for what is neither, for a tag of a model that the zoo doesn't
    have, and as `fetch` and `convert` do. `report` gets lines for a person.
    """
    path = Path(text)
    if path.exists():
        return path
    manifest = manifest or load_manifest()
    if text not in manifest.weights:
        if path.suffix in FILES or len(path.parts) > 1:
            raise UserError(f"there is no file {text}; a file, or a tag of python -m common.weights list, is needed")
        raise UserError(
            f"{text!r} is neither a file nor a tag{suggestion(text, manifest.weights)}; "
            f"python -m common.weights list shows all tags"
        )
    require_model(text, manifest.weights[text])
    converted = converted_path(text)
    if not converted.exists():
        source = download(text, offline=offline, settings=settings, report=report, manifest=manifest)
        with locked(converted, report):
            if not converted.exists():
                report(f"{text}: converting {source.name}")
                convert_tag(text, source, converted, manifest)
    return converted


def folder(tag):
    """Where a tag's files lie."""
    return home() / "weights" / tag


def converted_path(tag):
    """Where a tag's checkpoint lies, or will. Another version of the zoo may convert in another way."""
    return folder(tag) / f"{tag}-{__version__}.h5"


def downloaded_path(tag, entry):
    """Where a tag's file lies, or will."""
    return folder(tag) / entry.file_name


def download(tag, *, urls=(), offline=False, settings=None, report=to_stderr, manifest=None):
    """The verified file of a tag, from the cache or from the network; `urls` are asked first."""
    entry = (manifest or load_manifest()).entry(tag)
    first_use = FirstUse(home() / NAME)
    return fetch(entry.remote(tag, urls), folder(tag), first_use, offline=offline, settings=settings, report=report)


def verify(tag, entry):
    """What is wrong with the downloaded file of a tag, in words, or None."""
    return check(downloaded_path(tag, entry), entry.remote(tag), recorded(tag, entry)).problem


def recorded(tag, entry):
    """The sha256 that the first download of a tag had, where nobody published one; else None."""
    return None if "sha256" in entry.checksums else FirstUse(home() / NAME).recorded(tag)


def require_model(tag, entry):
    """UserError unless the zoo has the model of a manifest entry."""
    if entry.model not in ARCHITECTURES:
        raise UserError(
            f"{tag} is for {entry.model}, which the zoo doesn't have yet, so it can be downloaded but not converted; "
            f"the models it has: {', '.join(ARCHITECTURES)}"
        )


def convert_tag(tag, source, out, manifest):
    """Convert the file of a tag, with the classes, input size and normalisation that the manifest says."""
    entry = manifest.entry(tag)
    require_model(tag, entry)
    overrides = []
    if entry.input_size:
        overrides.append(("input_size", list(entry.input_size), f"tag {tag}"))
    if entry.normalisation:
        known = manifest.normalisations[entry.normalisation]
        # a recipe's values are for R, G, B; turning the first kernel round as well is for the importer
        step = 1 if known.channels == "RGB" else -1
        for key, values in (("mean", known.mean), ("std", known.std)):
            values = [value * known.divisor for value in values[::step]]
            overrides.append((f"model.{key}", values, f"tag {tag}"))
    return convert(
        source,
        out,
        model=entry.model,
        classes=manifest.class_lists[entry.classes] if entry.classes else None,
        overrides=overrides,
        about={"tag": tag, "licence": manifest.licences[entry.licence]},
    )


def state(tag, entry):
    """How far a tag has come on this machine: "converted", "downloaded" or ""."""
    if converted_path(tag).exists():
        return "converted"
    return "downloaded" if downloaded_path(tag, entry).exists() else ""


def kept(manifest):
    """{tag: bytes} of what the cache holds of the manifest's tags."""
    sizes = {}
    for tag in manifest.weights:
        files = [path for path in folder(tag).glob("*") if path.is_file()]
        if files:
            sizes[tag] = sum(path.stat().st_size for path in files)
    return sizes


def remove(tag):
    """Remove all that the cache holds of a tag."""
    with storing(folder(tag)):
        shutil.rmtree(folder(tag))
