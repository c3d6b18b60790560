"""Tags on this machine: downloaded, converted, found again, removed. All of it lies in <cache>/weights/<tag>."""

import hashlib
import re
import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from trizoo import __version__
from trizoo.download.fetch import fetch, to_stderr
from trizoo.download.first_use import NAME, FirstUse
from trizoo.download.manifest import load_manifest
from trizoo.download.remote import RemoteFile, check
from trizoo.download.storage import home, locked, storing
from trizoo.families import ARCHITECTURES, architecture
from trizoo.ground.errors import UserError
from trizoo.ground.text import suggestion
from trizoo.weights.checkpoint import load_recipe
from trizoo.weights.convert import convert
from trizoo.weights.readers import tensorflow

FILES = (".h5", ".weights", ".pth", ".pt", ".safetensors", ".npz")  # endings of files, never of tags
CLASSIFIES = "classify-"  # begins the name of the classifier on a backbone
ADDRESS = r"(https?|file|hf)://"
HUGGING_FACE = r"hf://(?P<owner>[\w.-]+)/(?P<repository>[\w.-]+?)(@(?P<revision>[\w.-]+))?/(?P<file>[^?#]+)"
TENSORFLOW = "tensorflow-tar.gz"  # the format in the manifest that a framework is needed for


def resolve_weights(text, *, model=None, offline=False, settings=None, report=to_stderr, manifest=None):
    """The checkpoint (.h5) that a command line's --weights means: a Path.

    A path that exists is returned as it is. A tag of the manifest, or an address, is downloaded, verified and
    converted, each of them only where that wasn't done before.

    Args:
        text: a path, a tag, or an address: https://…, or hf://OWNER/REPOSITORY/FILE
        model: which one a backbone of several is for
        offline: never download
        settings: the `trizoo.download.transfer.Settings`, None for the usual ones
        report: gets lines for a person
        manifest: None for the zoo's

    Raises:
        UserError: for what is neither, for a tag of a model that the zoo doesn't have, and as `fetch` and `convert` do
    """
    if not text:
        raise UserError("the name of the weights is empty; a file, or a tag of trizoo weights list, is needed")
    path = Path(text)
    if path.exists():
        return path
    if re.match(ADDRESS, text):
        return _of_address(text, model, offline, settings, report)
    manifest = manifest or load_manifest()
    if text not in manifest.weights:
        if path.suffix in FILES or len(path.parts) > 1:
            raise UserError(f"there is no file {text}; a file, an address, or a tag of trizoo weights list is needed")
        raise UserError(
            f"{text!r} is neither a file nor a tag{suggestion(text, manifest.weights)}; "
            f"trizoo weights list shows all tags"
        )
    entry = manifest.weights[text]
    theirs = models_of(entry)
    if model is not None and model not in theirs and theirs and entry.part == "backbone" and takes_backbones(model):
        model = theirs[0]  # a backbone has the same names under every head
    model = model_for(text, entry, model)
    converted = converted_path(text, manifest.weights[text], model)
    if not converted.exists():
        require_reader(text, manifest.weights[text])
        source = download(text, offline=offline, settings=settings, report=report, manifest=manifest)
        with locked(converted, report):
            if not converted.exists():
                report(f"{text}: converting {source.name}")
                for note in convert_tag(text, source, converted, manifest, model).notes:
                    report(f"{text}: {note}")
    return converted


def _of_address(text, model, offline, settings, report):
    """As `resolve_weights`, of an address: nobody published a checksum, so the first download's is noted."""
    url = text
    if match := re.fullmatch(HUGGING_FACE, text):
        url = "https://huggingface.co/{}/{}/resolve/{}/{}".format(
            match["owner"], match["repository"], match["revision"] or "main", match["file"]
        )
    elif text.startswith("hf://"):
        raise UserError(f"{text} is no file of Hugging Face; hf://OWNER/REPOSITORY/FILE is needed")
    name = re.sub(r"[^\w.-]", "_", PurePosixPath(unquote(urlsplit(url).path)).name)
    if not name.strip("._"):
        raise UserError(f"{text} names no file; an address that ends in one, such as .../model.safetensors, is needed")
    place = folder(f"address-{hashlib.sha256(url.encode()).hexdigest()[:16]}")
    file = RemoteFile(url, name, (url,))
    source = fetch(file, place, FirstUse(home() / NAME), offline=offline, settings=settings, report=report)
    try:
        load_recipe(source)
    except UserError:  # a file of others
        pass
    else:
        return source
    converted = place / f"{source.stem}{f'-{model}' if model else ''}-{__version__}.h5"
    if not converted.exists():
        with locked(converted, report):
            if not converted.exists():
                report(f"{text}: converting {source.name}")
                for note in convert(source, converted, model=model, about={"url": url}).notes:
                    report(f"{text}: {note}")
    return converted


def folder(tag):
    """Where a tag's files lie."""
    return home() / "weights" / tag


def converted_path(tag, entry, model):
    """Where a tag's checkpoint for a model lies, or will. Another version of the zoo may convert in another way."""
    own = tag if model == entry.model else f"{tag}-{model}"
    return folder(tag) / f"{own}-{__version__}.h5"


def converted_paths(tag, entry):
    """Those that are there."""
    return [path for model in models_of(entry) if (path := converted_path(tag, entry, model)).exists()]


def downloaded_path(tag, entry):
    """Where a tag's file lies, or will."""
    return folder(tag) / entry.file_name


def download(tag, *, urls=(), offline=False, settings=None, report=to_stderr, manifest=None):
    """The verified file of a tag, from the cache or from the network.

    Args:
        urls: asked before the manifest's
        offline, settings, report, manifest: see `resolve_weights`
    """
    entry = (manifest or load_manifest()).entry(tag)
    first_use = FirstUse(home() / NAME)
    return fetch(entry.remote(tag, urls), folder(tag), first_use, offline=offline, settings=settings, report=report)


def verify(tag, entry):
    """What is wrong with the downloaded file of a tag, in words, or None."""
    return check(downloaded_path(tag, entry), entry.remote(tag), recorded(tag, entry)).problem


def recorded(tag, entry):
    """The sha256 that the first download of a tag had, where nobody published one; else None."""
    return None if "sha256" in entry.checksums else FirstUse(home() / NAME).recorded(tag)


def models_of(entry):
    """The zoo's models that a manifest entry is for: its own, or all with its backbone, whose names hold that."""
    if entry.model in ARCHITECTURES:
        return [entry.model]
    return [name for name in ARCHITECTURES if entry.part == "backbone" and entry.model in name.split("-")]


def takes_backbones(model):
    """Whether a model can stand on another backbone than its name says."""
    return "backbone" in architecture(model).options.model_fields


def model_for(tag, entry, wanted=None):
    """The model to convert a tag for; of a backbone with the classes that its file predicts the classifier.

    Raises UserError where the zoo has none, or none that is wanted, or several.
    """
    models = models_of(entry)
    if not models:
        raise UserError(
            f"{tag} is for {entry.model}, which the zoo doesn't have yet, so it can be downloaded but not converted; "
            f"the models it has: {', '.join(ARCHITECTURES)}"
        )
    if entry.model in ARCHITECTURES:
        return entry.model
    if wanted is None and entry.classes:
        return f"{CLASSIFIES}{entry.model}"
    if wanted is None and len(models) > 1:
        raise UserError(f"{tag} is the backbone of {', '.join(models)}; --model says for which")
    if wanted is not None and wanted not in models:
        raise UserError(f"{tag} is no backbone of {wanted}; {', '.join(models)} would do")
    return wanted or models[0]


def require_reader(tag, entry):
    """UserError where the file of a tag can't be read on this machine, to be called before it is downloaded."""
    if entry.format == TENSORFLOW and not tensorflow.is_installed():
        raise UserError(f"{tag} is a checkpoint of TensorFlow's, which only TensorFlow can read; {tensorflow.NEEDED}")


def convert_tag(tag, source, out, manifest, model=None):
    """Convert the file of a tag, with classes, input size, resizing, stride and normalisation as the manifest says.

    A backbone keeps its model's own input size.

    Args:
        source: the file
        out: the checkpoint to write
        model: see `model_for`
    """
    entry = manifest.entry(tag)
    model = model_for(tag, entry, model)
    predicts = entry.part == "model" or model.startswith(CLASSIFIES)
    overrides = []
    if entry.input_size and entry.part == "model":
        overrides.append(("input_size", list(entry.input_size), f"tag {tag}"))
    for key, value in (("resize", entry.resize), ("model.output_stride", entry.output_stride)):
        if value is not None:
            overrides.append((key, value, f"tag {tag}"))
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
        model=model,
        classes=manifest.class_lists[entry.classes] if entry.classes and predicts else None,
        overrides=overrides,
        about={"tag": tag, "licence": manifest.licences[entry.licence]},
    )


def state(tag, entry):
    """How far a tag has come on this machine: "converted", "downloaded" or ""."""
    if converted_paths(tag, entry):
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
