"""A file somewhere else, and whether what came is that file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DIGITS = {"sha256": 64, "sha1": 40, "md5": 32}  # of each hash in hexadecimal
PREFIX = "sha256_prefix"  # the first digits of a sha256, where no more is known
BLOCK = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """Where a file lies and what is known of it.

    Args:
        key: how messages and records call it
        name: its file name here
        urls: the preferred one first
        size: bytes, None where unknown
        checksums: kind (sha256, sha1, md5, sha256_prefix) -> lower-case hexadecimal digits
    """

    key: str
    name: str
    urls: tuple[str, ...]
    size: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_pinned(self):
        """Whether a full sha256 is known; without one the first download is recorded."""
        return "sha256" in self.checksums


@dataclass(frozen=True)
class Checked:
    """What `check` found: the file's sha256, and what is wrong with it, in words, or None."""

    sha256: str
    problem: str | None


def digests(path, kinds):
    """Hashes of a file in one pass: {kind: hexadecimal digits} for kinds out of sha256, sha1 and md5."""
    hashes = {kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds}
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            for value in hashes.values():
                value.update(block)
    return {kind: value.hexdigest() for kind, value in hashes.items()}


def check(path, file, recorded=None):
    """Whether the file at `path` is the RemoteFile `file`, as `Checked`.

    Args:
        recorded: the sha256 that the first download had, where nobody published one

    Raises:
        OSError: where it can't be read
    """
    size = Path(path).stat().st_size
    if file.size is not None and size != file.size:
        return Checked("", f"{size:,} bytes instead of {file.size:,}")
    found = digests(path, {"sha256"} | (file.checksums.keys() - {PREFIX}))
    for kind, wanted in file.checksums.items():
        value = found["sha256" if kind == PREFIX else kind]
        if not value.startswith(wanted):
            return Checked(found["sha256"], f"{kind} {value[: len(wanted)]} instead of {wanted}")
    if recorded is not None and recorded != found["sha256"]:
        return Checked(found["sha256"], f"sha256 {found['sha256']} instead of {recorded}, which the first download had")
    return Checked(found["sha256"], None)
