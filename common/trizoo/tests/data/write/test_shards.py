import json
import pickle
import subprocess
import sys
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from trizoo.data.boxes.find import find_boxes
from trizoo.data.convert import convert
from trizoo.data.masks.find import find_masks
from trizoo.data.write.shards import write_shards
from trizoo.ground.errors import UserError
from trizoo.tests.data.write import contents

READ = """
import io, pickle, sys, numpy, webdataset
from PIL import Image
*patterns, found = sys.argv[1:]
boxes, masks = (webdataset.WebDataset(pattern, shardshuffle=False) for pattern in patterns)
masks = masks.map_dict(**{"mask.png": lambda data: numpy.array(Image.open(io.BytesIO(data)))})
with open(found, "wb") as file:
    pickle.dump(([*boxes.decode("rgb8")], [*masks]), file)
"""


def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def members(path):
    with tarfile.open(path) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}


def test_boxes_are_exact_and_images_are_the_files(tmp_path):
    content, folder = contents.boxes(tmp_path), out(tmp_path)
    assert write_shards(content, folder) == []
    assert sorted(path.name for path in folder.iterdir()) == [
        "labels.txt",
        "splits",
        "train-000000.tar",
        "val-000000.tar",
    ]
    train = members(folder / "train-000000.tar")
    assert [*train] == [f"{name}.{kind}" for name in ("train_照片 1", "empty", "b") for kind in ("png", "json")]
    assert train["b.png"] == (tmp_path / "3.PNG").read_bytes()
    written = json.loads(train["train_照片 1.json"])
    assert written["labels"] == ["a & b", "狗: 'c'"]
    assert written["difficult"] == [False, True]
    assert np.array_equal(np.array(written["boxes"], np.float32), content.records[0].boxes)
    listing = find_boxes(folder)
    assert {name: len(ids) for name, ids in listing.splits.items()} == {"train": 3, "trainval": 4, "val": 1}
    data = listing.open("trainval")
    assert data.classes == content.classes
    for record, source in zip(data.records, content.records, strict=True):
        for name in ("boxes", "labels", "difficult", "crowd"):
            assert np.array_equal(getattr(record, name), getattr(source, name)), name


def test_a_shard_has_so_many_bytes_and_one_sample_at_least(tmp_path):
    content, folder = contents.boxes(tmp_path), out(tmp_path)
    write_shards(replace(content, shard_size=1), folder)
    assert sorted(path.name for path in folder.glob("*.tar")) == [
        *(f"train-00000{number}.tar" for number in range(3)),
        "val-000000.tar",
    ]
    assert len(find_boxes(folder).open("trainval")) == 4


def test_images_in_no_split_come_back_in_none(tmp_path):
    content, folder = replace(contents.boxes(tmp_path), splits={"train": [3, 0]}), out(tmp_path)
    write_shards(content, folder)
    assert sorted(path.name for path in folder.glob("*.tar")) == ["other-000000.tar", "train-000000.tar"]
    listing = find_boxes(folder)
    assert {name: [*ids] for name, ids in listing.splits.items()} == {"train": ["b", "train_照片 1"]}
    assert len(listing.open()) == 4


def test_dots_in_names_are_told_since_a_key_ends_there(tmp_path):
    content, folder = contents.boxes(tmp_path), out(tmp_path)
    names = ["a.b", "a_b", "c", "d"]
    assert write_shards(replace(content, names=names), folder) == ["a key holds no dots, so dots in names are _: 2"]
    assert sorted(find_boxes(folder).images) == ["a_b", "a_b_2", "c", "d"]


def test_masks_come_back_to_the_pixel(tmp_path):
    drawn, folder = contents.ragged(), out(tmp_path)
    write_shards(contents.masks(tmp_path, drawn), folder)
    assert [*members(folder / "train-000000.tar")] == ["m0.png", "m0.mask.png"]
    listing = find_masks(folder)
    for split, mask in zip(("train", "val"), drawn, strict=True):
        data = listing.open(split)
        assert data.classes == ("background", "cell", "图")
        assert np.array_equal(data.sample(0).mask, mask)


def test_links_and_sizes_of_other_layouts_are_refused(tmp_path):
    with pytest.raises(UserError, match="leave --link out"):
        write_shards(contents.boxes(tmp_path, link=True), out(tmp_path))
    with pytest.raises(UserError, match="the size of shards is given, and coco has none"):
        convert(tmp_path, tmp_path / "new", "coco", shard_size=1)


def test_shards_become_other_layouts_and_shards_again(tmp_path):
    content, folder = contents.boxes(tmp_path), out(tmp_path)
    write_shards(content, folder)
    convert(folder, tmp_path / "coco", "coco")
    convert(f"{folder}/{{train,val}}-000000.tar", tmp_path / "again", "shards")
    for root in (tmp_path / "coco", tmp_path / "again"):
        records = find_boxes(root).open("train").records
        assert [record.boxes.tolist() for record in records] == [content.records[n].boxes.tolist() for n in (0, 2, 3)]
    assert (tmp_path / "coco" / "images" / "b.png").read_bytes() == (tmp_path / "3.PNG").read_bytes()
    with pytest.raises(UserError, match="lies within a tar, so it can't be linked"):
        convert(folder, tmp_path / "links", "coco", link=True)


def test_webdataset_reads_what_is_written(tmp_path):
    pytest.importorskip("webdataset", reason="webdataset isn't installed")
    drawn, folder = contents.ragged(), out(tmp_path)
    write_shards(contents.boxes(tmp_path, shard_size=1), folder)
    write_shards(contents.masks(tmp_path, drawn), out(folder))
    patterns = str(folder / "train-{000000..000002}.tar"), str(folder / "out" / "train-000000.tar")
    # in a process of its own, since the library leaves files open
    done = subprocess.run(
        [sys.executable, "-c", READ, *patterns, str(folder / "found")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    boxes, masks = pickle.loads((folder / "found").read_bytes())
    assert [sample["__key__"] for sample in boxes] == ["train_照片 1", "empty", "b"]
    data = find_boxes(patterns[0]).open("train")
    for sample, record, index in zip(boxes, data.records, range(3), strict=True):
        assert np.array_equal(sample["png"], data.sample(index).image)
        assert np.array_equal(np.array(sample["json"]["boxes"], np.float32).reshape(-1, 4), record.boxes)
        assert sample["json"]["labels"] == [data.classes[label] for label in record.labels]
    assert [sample["__key__"] for sample in masks] == ["m0"]
    assert np.array_equal(masks[0]["mask.png"], drawn[0])
