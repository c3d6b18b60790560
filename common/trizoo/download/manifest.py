"""weights_manifest.yaml: its schema, and looking things up in it."""

import functools
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trizoo.download.remote import DIGITS, PREFIX, RemoteFile
from trizoo.ground.conventions import POLICIES
from trizoo.ground.errors import UserError
from trizoo.ground.text import suggestion
from trizoo.ground.yaml_tree import Location, find, parse, unwrap

NAME = "weights_manifest.yaml"
# In a wheel it lies beside this module, in a checkout at the top.
PLACES = (Path(__file__).with_name(NAME), Path(__file__).parents[3] / NAME)
TAG = r"[a-z0-9-]+\.[a-z0-9-]+(\.[a-z0-9-]+)?"  # model.dataset[.source]
DATA_NAME = r"[a-z0-9-]+"

Text = Annotated[str, Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^(https?|file)://[^\s]+$")]
Count = Annotated[int, Field(ge=1, strict=True)]
Triple = tuple[float, float, float]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A part of the manifest: can't be changed, and a key it doesn't know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Normalisation(Section):
    """What a network does to pixels of 0..255 first: (pixel / divisor - mean) / std, its channels in this order."""

    channels: Literal["RGB", "BGR"]
    divisor: Annotated[float, Field(gt=0)]
    mean: Triple
    std: Triple


class Published(Section):
    """A file on the network. Its urls are in order of preference; what isn't known is left out.

    Args:
        trust: where the checksums come from; see the head of the manifest
    """

    urls: tuple[Url, ...] = Field(min_length=1)
    bytes: Count | None = None
    checksums: dict[str, str] = {}
    trust: Literal["strong", "good", "single source", "prefix", "none"]
    notes: Text | None = None

    @field_validator("checksums")
    @classmethod
    def _are_hashes(cls, checksums):
        for kind, digits in checksums.items():
            if kind not in DIGITS and kind != PREFIX:
                raise ValueError(f"{kind!r} is no kind of checksum; {', '.join(DIGITS)} or {PREFIX} is needed")
            length = f"{{{DIGITS[kind]}}}" if kind in DIGITS else "{8,63}"
            if not re.fullmatch(f"[0-9a-f]{length}", digits):
                raise ValueError(f"{digits!r} is no {kind}; {length[1:-1]} lower-case hexadecimal digits are needed")
        return checksums

    @model_validator(mode="after")
    def _trust_fits(self):
        kinds = set(self.checksums)
        fits = {"none": not kinds, "prefix": kinds == {PREFIX}}.get(self.trust, bool(kinds & set(DIGITS)))
        if not fits:
            raise ValueError(f"trust is {self.trust!r}, which doesn't fit the checksums {sorted(kinds)}")
        return self

    @property
    def file_name(self):
        """The file's name: the last part of the preferred URL."""
        return PurePosixPath(unquote(urlsplit(self.urls[0]).path)).name

    def remote(self, key, urls=()):
        """The RemoteFile, called `key`; `urls` are asked first."""
        return RemoteFile(key, self.file_name, (*urls, *self.urls), self.bytes, dict(self.checksums))


class Conditions(Section):
    """How a published figure was measured: what an evaluation can do the same. What isn't said is as the tag's own.

    Args:
        figure: which of the tag's `published`
        data: a name in the manifest's datasets
        split: of it
        annotated: whether the split's annotations are public
        input_size, resize, output_stride: see `Weights`
        score, nms, max_detections: of a recipe's evaluate section
        notes: what an evaluation can't do the same
    """

    figure: Text
    data: Text
    split: Text
    annotated: bool = True
    input_size: tuple[Count, Count] | None = None
    resize: Literal[POLICIES] | None = None
    output_stride: Literal[8, 16] | None = None
    score: Share | None = None
    nms: Share | None = None
    max_detections: Count | None = None
    notes: Text | None = None


class Weights(Published):
    """Trained weights.

    Args:
        model: the zoo's model they are for
        part: all of it, or only its backbone
        classes, normalisation, licence: names in the manifest's own sections
        num_classes: outputs per box or pixel, with the background where there is one
        input_size: (width, height) that the network was made for
        resize: how images get there, a policy of `trizoo.augment.letterbox`; None: as the model's recipe says
        output_stride: of segmentation models that were published for another than their own
        published: metric -> value
        as_published: how one of these was measured
        measured: what was measured here -> on what
    """

    model: Text
    part: Literal["model", "backbone"] = "model"
    dataset: Text
    source: Text
    format: Literal["darknet", "pytorch", "keras-h5", "tensorflow-tar.gz"]
    licence: Text
    classes: Text | None = None
    num_classes: Count | None = None
    input_size: tuple[Count, Count] | None = None
    resize: Literal[POLICIES] | None = None
    output_stride: Literal[8, 16] | None = None
    normalisation: Text | None = None
    published: dict[Text, float | Text] = {}
    published_source: Text | None = None
    as_published: Conditions | None = None
    measured: dict[Text, Text] = {}

    @property
    def conditions(self):
        """`as_published` with the tag's own where it says nothing; None without it."""
        known, keys = self.as_published, ("input_size", "resize", "output_stride")
        return known and known.model_copy(update={key: getattr(known, key) or getattr(self, key) for key in keys})


class DatasetPart(Published):
    """One file of a data set.

    Args:
        target: where a single file goes below the root
        optional: only when asked for
    """

    format: Literal["tar", "tar.gz", "zip", "file"]
    target: Text | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _target_fits(self):
        if (self.format == "file") != (self.target is not None):
            raise ValueError(f"target is {self.target!r} and format {self.format!r}; a single file needs a target")
        return self


class Dataset(Section):
    """A data set of several files.

    Args:
        root: what --data takes, below the folder it is unpacked into
    """

    title: Text
    licence: Text | None = None
    classes: Text | None = None
    root: Text
    parts: dict[Annotated[str, Field(pattern=f"^{DATA_NAME}$")], DatasetPart]


class Manifest(Section):
    """All of weights_manifest.yaml."""

    class_lists: dict[Text, tuple[Text, ...]]
    normalisations: dict[Text, Normalisation]
    licences: dict[Text, Text]
    weights: dict[Annotated[str, Field(pattern=f"^{TAG}$")], Weights]
    datasets: dict[Annotated[str, Field(pattern=f"^{DATA_NAME}$")], Dataset]

    @model_validator(mode="after")
    def _references_lead_somewhere(self):
        for name, entry in {**self.weights, **self.datasets}.items():
            sections = {"classes": self.class_lists, "licence": self.licences, "normalisation": self.normalisations}
            for key, section in sections.items():
                value = getattr(entry, key, None)
                if value is not None and value not in section:
                    raise ValueError(f"{name} has {key} {value!r}; one of {', '.join(section)} is needed")
        for tag, entry in self.weights.items():
            conditions = entry.as_published
            for key, value, section in (
                ("figure", conditions and conditions.figure, entry.published),
                ("data", conditions and conditions.data, self.datasets),
            ):
                if value is not None and value not in section:
                    raise ValueError(f"{tag} has as_published.{key} {value!r}; one of {', '.join(section)} is needed")
            if entry.classes and entry.num_classes != len(self.class_lists[entry.classes]):
                count = len(self.class_lists[entry.classes])
                raise ValueError(f"{tag} has num_classes {entry.num_classes}, its list {entry.classes} has {count}")
        return self

    def entry(self, tag):
        """The Weights of a tag; UserError with the nearest tags for an unknown one."""
        if tag in self.weights:
            return self.weights[tag]
        raise UserError(
            f"{tag!r} is no tag of {NAME}{suggestion(tag, self.weights)}; trizoo weights list shows them all"
        )

    def dataset(self, name):
        """The Dataset of a name; UserError with the names there are for an unknown one."""
        if name in self.datasets:
            return self.datasets[name]
        raise UserError(
            f"{name!r} is no data set of {NAME}{suggestion(name, self.datasets)}; one of {', '.join(self.datasets)} is "
            f"needed"
        )


def load_manifest():
    """The zoo's own Manifest."""
    return read_manifest(next((path for path in PLACES if path.exists()), PLACES[-1]))


@functools.cache
def read_manifest(path):
    """The Manifest in a file. UserError with the line for a file that isn't as it should be."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {error}; install trizoo again, or put the file back") from error
    tree = parse(text, lambda line: Location(f"file {path}", f"{path} line {line}"))
    if tree is None:
        raise UserError(f"{path} is empty; install trizoo again, or put the file back")
    try:
        return Manifest.model_validate(unwrap(tree))
    except ValidationError as error:
        first = error.errors()[0]
        keys = [str(key) for key in first["loc"]]
        message = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{find(tree, keys).location.where}: {'.'.join(keys) or 'manifest'}: {message}") from error
