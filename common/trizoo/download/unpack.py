"""Archives into a folder: nothing outside it, no links, nothing overwritten, and no more bytes than announced.

Limits: 20 times the archive or 1 MiB unpacked, 1,000,000 files, 64 KiB a header of tar, 32 MiB a zip's directory.
Beside what the files take on the disk, an archive of 200,000 files is read within 400 MiB and 60 seconds.
"""

import contextlib
import gzip
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from trizoo.download.storage import locked, storing
from trizoo.download.transfer import BAR
from trizoo.ground.errors import UserError
from trizoo.ground.files import Sparing, open_ordinary

LARGEST_EXPANSION = 20  # unpacked bytes per packed byte; annotations in JSON reach about 5
LEAST_LIMIT = 1 << 20  # bytes that any archive may unpack to
MOST_MEMBERS = 1_000_000  # COCO's largest archive has 118,288
BLOCK = 1 << 16
TEMPORARY = ".unpacking.tmp"
MOST_OF_DIRECTORY = 32 << 20  # bytes of a zip's; COCO's largest has 9 MB. What it makes takes ten times as much
MOST_OF_HEADER = 1 << 16  # bytes of what a tar says of a member beside its 512, such as a long name
MOST_SAID = 1000  # things that a tar says of all its members
DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, LookupError, ValueError),
)
ZIP, TARS = "zip", {"tar": contextlib.nullcontext, "tar.gz": lambda file: gzip.GzipFile(fileobj=file)}


@dataclass(frozen=True)
class Unpacked:
    """How many files were written and how many were there already; the names of links, which are left out."""

    written: int
    kept: int
    links: tuple[str, ...]


@dataclass(frozen=True)
class _Member:
    """One entry of an archive. kind: file, folder, link, or what else it is; open: gives its bytes."""

    name: str
    size: int
    kind: str
    open: Callable[[], BinaryIO]


def unpack(archive, root, kind, *, report=lambda _: None, bar=BAR, only=lambda name: True):
    """Unpack a zip, tar or tar.gz (`kind`) into the folder `root`: `Unpacked`.

    Files that are there with the same bytes stay, so that an interrupted unpacking is resumed; each file appears whole
    or not at all. Within 300 MiB, whatever the archive says of itself; what it unpacks to is limited, and time by that.

    Args:
        report: gets lines for a person
        bar: makes the progress bar
        only: whether a file of this name is wanted; the others stay packed, and make an archive refused all the same

    Raises:
        UserError: for a damaged archive, a name that leads out of `root`, a device, a file that is there with other
            bytes, and an archive that unpacks to more than LARGEST_EXPANSION times its size
    """
    archive, root = Path(archive), Path(root)
    with storing(root):
        root.mkdir(parents=True, exist_ok=True)
    root = root.resolve()
    limit = max(LEAST_LIMIT, LARGEST_EXPANSION * archive.stat().st_size)
    with locked(root / "unpacking", report), _damage_told(archive), _opened(archive, kind, root) as members:
        written, kept, links, total = 0, 0, [], 0
        with bar(total=None, desc=f"unpacking {archive.name}") as progress:
            for number, member in enumerate(members, 1):
                path = _inside(root, member.name, archive)
                total += member.size
                if total > limit or number > MOST_MEMBERS:
                    raise UserError(
                        f"{archive} unpacks to more than {limit:,} bytes or {MOST_MEMBERS:,} files, which is not to be "
                        f"believed; unpack it by hand if it is what you want"
                    )
                if member.kind == "link":
                    links.append(member.name)
                elif member.kind == "folder":
                    with storing(path):
                        path.mkdir(parents=True, exist_ok=True)
                elif member.kind != "file":
                    raise UserError(f"{archive} holds {member.name!r}, a {member.kind}; no such thing is unpacked")
                elif not only(member.name):
                    pass
                elif _is_there(path, member, archive):
                    kept += 1
                else:
                    _write(path, member, root, archive)
                    written += 1
                progress.update(member.size)
    return Unpacked(written, kept, tuple(links))


@contextlib.contextmanager
def _damage_told(archive):
    """What a broken archive raises, as UserError."""
    try:
        yield
    except DAMAGE as error:
        raise UserError(f"{archive} is damaged or no such archive: {error or type(error).__name__}") from error


@contextlib.contextmanager
def _opened(archive, kind, root):
    """The members of an archive, to be used one after the other."""
    with open_ordinary(archive) as file:
        if kind == ZIP:
            sparing = Sparing(file, MOST_OF_DIRECTORY)
            with zipfile.ZipFile(sparing) as opened:
                yield (_zip_member(opened, info) for info in opened.infolist())
            return
        with TARS[kind](file) as plain, tarfile.open(fileobj=Sparing(plain, MOST_OF_HEADER), mode="r:") as opened:
            yield (_tar_member(opened, info, root) for info in said_little(opened))


def said_little(opened):
    """The members of a tar, which Python keeps what is said of all for; what it keeps of each is dropped."""
    for info in opened:
        if len(opened.pax_headers) > MOST_SAID:
            raise tarfile.HeaderError(f"more than {MOST_SAID:,} things are said of all members")
        yield info
        opened.members.clear()


def _zip_member(opened, info):
    mode = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive comes from Windows
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind = "folder" if info.is_dir() else kinds.get(mode, "device")
    return _Member(info.filename, info.file_size, kind, lambda: opened.open(info))


def _tar_member(opened, info, root):
    if info.issym() or info.islnk():
        kind = "link"
    elif info.isdir():
        kind = "folder"
    else:
        kind = "file" if info.isreg() else "device"
    return _Member(info.name, info.size, kind, lambda: opened.extractfile(_vetted(info, root)))


def _vetted(info, root):
    """Python's own opinion on the name and kind of a tar's member, after ours; there from 3.11.4 on."""
    if hasattr(tarfile, "data_filter"):
        tarfile.data_filter(info, str(root))
    return info


def _inside(root, name, archive):
    """The path of a member below root, without following links out of it."""
    parts = PurePosixPath(name).parts
    if not name:
        raise UserError(f"{archive} holds a file without a name; it isn't unpacked")
    if ".." in parts or re.match(r"/|[A-Za-z]:", name) or "\\" in name or "\0" in name:
        raise UserError(f"{archive} holds the name {name!r}, which leads out of its folder; it isn't unpacked")
    if not parts:
        return root  # "." or "./"
    path = root.joinpath(*parts)
    try:
        safe = path.parent.resolve().is_relative_to(root) and not path.is_symlink()
    except (OSError, RuntimeError):  # a loop of links
        safe = False
    if not safe:
        raise UserError(f"{path} is reached by a link, which {archive.name} isn't unpacked through; replace the link")
    return path


def _is_there(path, member, archive):
    """Whether the file is there already, whole. UserError where something else is."""
    if not path.exists():
        return False
    if path.is_file() and path.stat().st_size == member.size and _same(path, member, archive):
        return True
    raise UserError(
        f"{path} is there with other content than in {archive.name}; move it away, or choose another folder"
    )


def _same(path, member, archive):
    with path.open("rb") as present:
        return all(present.read(len(block)) == block for block in _blocks(member, archive))


def _blocks(member, archive):
    """The bytes of a member."""
    try:
        with member.open() as source:
            while block := source.read(BLOCK):
                yield block
    except OSError as error:  # gzip's own errors are among them
        raise UserError(f"{archive} can't be read: {error.strerror or error}") from error


def _write(path, member, root, archive):
    """A member as a file that has its name only when it is whole."""
    temporary = root / TEMPORARY
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            written = 0
            with temporary.open("wb") as output:
                for block in _blocks(member, archive):
                    written += output.write(block)
            if written != member.size:
                raise UserError(
                    f"{archive} is damaged: {member.name!r} has {written:,} bytes instead of {member.size:,}"
                )
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
