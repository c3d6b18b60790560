import os
import struct
import tarfile
import time

import pytest

from trizoo.data.members import byte_size, open_file
from trizoo.data.shard_files import MOST_MEMBERS, read_shards, shard_files
from trizoo.ground.errors import UserError
from trizoo.tests.shard_files import picture, write


def names(paths):
    return [path.name for path in paths]


def test_a_folder_a_file_and_a_pattern_mean_shards(tmp_path):
    for name in ("train-09.tar", "train-10.tar", "train-11.tar", "val-0.tar", "deep/test-0.tar", "a.tar.gz"):
        write(tmp_path / name)
    assert len(shard_files(tmp_path)) == 5
    assert names(shard_files(tmp_path / "val-0.tar")) == ["val-0.tar"]
    assert names(shard_files(tmp_path / "train-{09..11}.tar")) == ["train-09.tar", "train-10.tar", "train-11.tar"]
    assert names(shard_files(tmp_path / "{val-0,train-{10..11}}.tar")) == ["val-0.tar", "train-10.tar", "train-11.tar"]
    (tmp_path / "x{1..2}.tar").touch()
    assert names(shard_files(tmp_path / "x{1..2}.tar")) == ["x{1..2}.tar"]


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("train-{0..3}.tar", "of 4 shards 4 aren't there: .*train-0.tar"),
        ("train-{0.3}.tar", "have {0.3}; a range such as"),
        ("{0..9}{0..99999}.tar", "would be more than 100,000"),
        ("{0..999999999999}.tar", "would be more than 100,000"),
        ("https://host/a-{0..1}.tar", "are at an address"),
        ("s3://host/a.tar", "are at an address"),
        ("/folder/s3:/host/a.tar", "the shards s3:/host/a.tar are at an address"),
    ],
)
def test_a_pattern_that_means_no_shards_is_one_sentence(pattern, told):
    with pytest.raises(UserError, match=told):
        shard_files(pattern)


def test_files_of_one_key_are_a_sample(tmp_path):
    write(
        tmp_path / "a.tar",
        *(("./in/1.jpg", b"image"), ("in/1.json", b"{}"), ("in/1.seg.png", b"mask"), ("2.JPG", b"other")),
        *(("2.png", b"its mask"), ("3.png", b"picture"), ("3.mask.png", b"mask"), ("4.cls", b"7"), ("no suffix", b"")),
        *((".hidden.jpg", b""), ("__MACOSX/5.jpg", b""), ("图.jpg", b"long" * 999)),
    )
    shards = read_shards(tmp_path)
    assert [*shards.samples] == ["in/1", "2", "3", "4", "图"]
    found = {
        id: tuple(part and part.name for part in (sample.image, sample.mask, sample.json))
        for id, sample in shards.samples.items()
    }
    assert found == {
        "in/1": ("1.jpg", "1.seg.png", "1.json"),
        "2": ("2.JPG", "2.png", None),
        "3": ("3.png", "3.mask.png", None),
        "4": (None, None, None),
        "图": ("图.jpg", None, None),
    }
    with open_file(shards.samples["图"].image) as file:
        assert file.read() == b"long" * 999
    assert byte_size(shards.samples["2"].mask) == 8
    assert (shards.root, shards.problems) == (tmp_path, ())


def test_keys_that_shards_share_are_told_apart_by_the_shards(tmp_path):
    for name in ("train/0.tar", "train/1.tar", "val/0.tar"):
        write(tmp_path / name, ("0000.jpg", b"image"))
    shards = read_shards(tmp_path)
    assert shards.split_of == {"train/0/0000": "train", "train/1/0000": "train", "val/0/0000": "val"}
    assert shards.lists(shards.samples).ids == {"train": ["train/0/0000", "train/1/0000"], "val": ["val/0/0000"]}


def test_shards_names_tell_splits_and_lists_count_before_them(tmp_path):
    for number, name in enumerate(("imagenet_Train-0.tar", "valid-0.tar", "other.tar")):
        write(tmp_path / name, *((f"{number}{key}.jpg", b"") for key in "ba"))
    shards = read_shards(tmp_path)
    assert shards.lists(shards.samples).ids == {"train": ["0b", "0a"], "val": ["1b", "1a"]}
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "fold1.txt").write_text("1a\n", encoding="utf-8")
    (tmp_path / "splits" / "train.txt").write_text("2b\n0a\n", encoding="utf-8")
    assert shards.lists(shards.samples).ids == {"train": ["2b", "0a"]}
    part = read_shards(tmp_path / "{imagenet_Train,valid}-0.tar")
    assert part.lists(part.samples).ids == {"train": ["0b", "0a"], "val": ["1b", "1a"]}
    assert part.root == tmp_path
    (tmp_path / "splits" / "train.txt").write_text("2b\n0a\n2a\n", encoding="utf-8")
    rest = read_shards(tmp_path / "other.tar")
    assert rest.lists(rest.samples).ids == {"train": ["2b", "2a"]}


def test_doubles_are_told_and_the_first_counts(tmp_path):
    write(tmp_path / "a.tar", ("a.jpg", b"1"), ("b.jpg", b""), ("a.jpg", b"22"), ("b.left.jpg", b""))
    shards = read_shards(tmp_path)
    assert byte_size(shards.samples["a"].image) == 1
    assert [problem.text for problem in shards.problems] == [
        "1 name stands in it twice, of which the first counts: a.jpg",
        "b has 2 images, of which the first counts: b.left.jpg is left out",
    ]


def test_a_folder_without_tars_is_none(tmp_path):
    assert read_shards(tmp_path) is None


def special(name, kind, size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, "/etc/passwd", size
    return info


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (special("a.jpg", tarfile.SYMTYPE), "holds 'a.jpg', which is a link; shards hold plain files alone"),
        (special("a.jpg", tarfile.LNKTYPE), "which is a link"),
        (special("a.jpg", tarfile.CHRTYPE), "which is no plain file"),
        (special("a.jpg", tarfile.FIFOTYPE), "which is no plain file"),
        ((f"{'n' * 2000}.jpg", b""), "holds a name of 2,004 characters; 1,024 may be"),
    ],
)
def test_what_no_shard_holds_is_one_sentence(tmp_path, member, told):
    write(tmp_path / "a.tar", ("b.jpg", b""), member)
    with pytest.raises(UserError, match=told):
        read_shards(tmp_path)


def test_a_shard_that_is_cut_off_names_the_file(tmp_path):
    path = write(tmp_path / "a.tar", ("a.jpg", bytes(700)), ("b.jpg", bytes(700)))
    whole = path.read_bytes()
    path.write_bytes(whole[: 512 + 1024 + 512 + 100])
    with pytest.raises(UserError, match=r"is cut off within 'b.jpg': it has 2,148 bytes and would need 2,748"):
        read_shards(tmp_path)
    for rest in (b"", whole[1536:1600], b"x" * 1024):
        path.write_bytes(whole[: 512 + 1024] + rest)
        with pytest.raises(UserError, match=r"a\.tar is cut off or damaged: .* missing at byte 1,536; fetch"):
            read_shards(tmp_path)


@pytest.mark.parametrize("data", [b"", b"x" * 2000, picture()])
def test_what_is_no_tar_is_one_sentence(tmp_path, data):
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(UserError, match=r"a\.tar is damaged or no tar"):
        read_shards(tmp_path)


def test_a_compressed_shard_and_a_pointer_are_one_sentence(tmp_path):
    write(tmp_path / "a.tar", ("a.jpg", b""), kind="w:gz")
    with pytest.raises(UserError, match=r"damaged or no tar"):
        read_shards(tmp_path)
    (tmp_path / "a.tar").write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    with pytest.raises(UserError, match="Git LFS pointer"):
        read_shards(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.tar")
    assert read_shards(tmp_path) is None


def header(name, size, kind=tarfile.REGTYPE):
    """A header that says any size, below 0 too."""
    info = tarfile.TarInfo(name)
    info.type = kind
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = b"\xff" * 4 + struct.pack(">q", size) if size < 0 else b"%011o\0" % size
    block[148:156] = b"%06o\0 " % (256 + sum(block[:148]) + sum(block[156:]))
    return bytes(block)


@pytest.mark.parametrize(
    "data",
    [
        header("a.jpg", 0) + header("b.jpg", -512) + bytes(2048),
        header("a.jpg", 0) + header("b.jpg", -1024) + bytes(2048),
        header("a.jpg", 2**33 - 1) + bytes(2048),
        header("a", 2**33 - 1, tarfile.XHDTYPE) + bytes(2048),
        header("a", 1 << 20, tarfile.GNUTYPE_LONGNAME) + bytes(2 << 20),
        header("a", 512, tarfile.XHDTYPE) * 3000,
        (header("a", 512, tarfile.XGLTYPE) + b"30 a=%025d\n" % 1 + bytes(482)) * 3000,
        header("a", 0, tarfile.GNUTYPE_SPARSE) + bytes(2048),
    ],
    ids=["size -512", "size -1024", "size 8 GiB", "pax 8 GiB", "long name", "pax in pax", "global pax", "sparse"],
)
def test_hostile_headers_end_at_once(tmp_path, data):
    (tmp_path / "a.tar").write_bytes(data)
    started = time.process_time()
    with pytest.raises(UserError, match=r"a\.tar (is|holds|can't)"):
        read_shards(tmp_path)
    assert time.process_time() - started < 5


def test_the_number_of_files_is_limited(tmp_path, monkeypatch):
    assert MOST_MEMBERS == 100_000
    monkeypatch.setattr("trizoo.data.shard_files.MOST_MEMBERS", 3)
    write(tmp_path / "a.tar", *((f"{number}.jpg", b"") for number in range(4)))
    with pytest.raises(UserError, match="holds more than 3 files; split it into several"):
        read_shards(tmp_path)
