import re
from pathlib import Path

import pytest
import yaml

from trizoo.download.manifest import NAME, PLACES, load_manifest, read_manifest
from trizoo.ground.errors import UserError
from trizoo.ground.yaml_tree import Location, parse, unwrap

TEXT = next(path for path in PLACES if path.exists()).read_text(encoding="utf-8")
SOURCES = Path(__file__).parents[5] / "shared" / "weights_sources.yaml"
SMALL = """\
class_lists: {two: [cat, dog]}
normalisations: {unit: {channels: RGB, divisor: 255, mean: [0, 0, 0], std: [1, 1, 1]}}
licences: {free: do as you like}
weights:
  yolov3-tiny.pets:
    model: yolov3-tiny
    dataset: pets
    source: nobody
    format: darknet
    urls: [https://localhost/pets.weights]
    bytes: 1000
    checksums: {md5: "0123456789abcdef0123456789abcdef"}
    trust: good
    licence: free
    classes: two
    num_classes: 2
    normalisation: unit
datasets:
  pets:
    title: Pets
    licence: free
    root: pets
    parts:
      train: {format: tar, urls: [https://localhost/pets.tar], trust: none}
"""


@pytest.fixture
def small(tmp_path):
    """Reads the small manifest with a piece of its text replaced."""

    def read(old="", new=""):
        assert old in SMALL
        path = tmp_path / NAME
        path.write_text(SMALL.replace(old, new, 1), encoding="utf-8")
        return read_manifest(path)

    return read


def files(manifest):
    """(key, entry) of all weights and all parts of data sets."""
    yield from manifest.weights.items()
    for name, dataset in manifest.datasets.items():
        yield from ((f"{name}/{part}", entry) for part, entry in dataset.parts.items())


def test_the_manifest_fits_its_schema_and_has_what_was_promised():
    manifest = load_manifest()
    wanted = {"yolov3.coco", "yolov3-tiny.coco", "darknet53.imagenet", "ssd300-vgg16.coco", "retinanet-resnet50.coco"}
    assert wanted < manifest.weights.keys()
    assert manifest.datasets.keys() == {"voc2007", "voc2012", "sbd", "coco2017"}
    assert manifest.weights["yolov3-tiny.coco"].bytes == 20 + 4 * 8_858_734  # header and floats of yolov3-tiny.cfg
    assert manifest.weights["yolov3.coco"].bytes == 20 + 4 * 62_001_757


def test_class_lists_are_whole():
    lists = load_manifest().class_lists
    sizes = {"coco80": 80, "coco91": 91, "voc20": 20, "voc21": 21, "imagenet1000": 1000, "imagenet1000-darknet": 1000}
    assert {name: len(names) for name, names in lists.items()} == sizes
    assert set(lists["imagenet1000"]) == set(lists["imagenet1000-darknet"])
    # COCO's annotations number their 80 classes up to 90, and leave these out
    gaps = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83]
    assert [number for number, name in enumerate(lists["coco91"]) if name == "N/A"] == gaps
    assert [name for name in lists["coco91"] if name not in ("N/A", "__background__")] == list(lists["coco80"])
    assert lists["voc21"] == ("__background__", *lists["voc20"])
    assert list(lists["voc20"]) == sorted(lists["voc20"])
    assert all(len(set(names)) == len(names) for name, names in lists.items() if name != "coco91")


def test_every_value_stands_in_the_list_of_sources():
    if not SOURCES.exists():
        pytest.skip("the list that the manifest was made from is not here")
    sources = yaml.safe_load(SOURCES.read_text(encoding="utf-8"))
    manifest = load_manifest()
    by_url = {entry["url"]: entry for entry in sources if "url" in entry}
    for key, entry in files(manifest):
        if key == "sbd/train-noval":  # in the notes of another file
            notes = by_url[manifest.datasets["sbd"].parts["benchmark"].urls[0]]["notes"]
            assert entry.urls[0] in notes
            assert entry.checksums["md5"] in notes
            continue
        source = by_url[entry.urls[0]]
        assert set(entry.urls[1:]) <= set(source.get("mirrors", [])), key
        assert entry.bytes == source.get("bytes"), key
        assert entry.trust == source["trust"], key
        full = {kind: source[kind] for kind in ("sha256", "sha1", "md5") if kind in source}
        prefix = {"sha256_prefix": source["sha256_prefix"]} if "sha256_prefix" in source else {}
        assert entry.checksums == (full or prefix), key
        if key in manifest.weights:
            assert manifest.licences[entry.licence] == source["licence"], key
            given = {str(value) for value in source.get("published_metric", {}).values()}
            assert {str(value).removesuffix(".0") for value in entry.published.values()} <= {
                value.removesuffix(".0") for value in given
            }, key
            if entry.num_classes and "num_classes" in source:
                assert str(source["num_classes"]).startswith(str(entry.num_classes)), key


def test_other_readers_of_yaml_find_the_same_in_it():
    assert yaml.safe_load(TEXT) == unwrap(parse(TEXT, lambda line: Location("", "")))


def test_every_hash_is_quoted():
    lines = re.findall(r"^ +(?:sha256|sha1|md5|sha256_prefix): (.*)$", TEXT, re.MULTILINE)
    assert len(lines) > 40
    assert all(re.fullmatch('"[0-9a-f]+"', line) for line in lines)


def test_no_two_tags_have_the_same_file():
    urls = [url for _, entry in files(load_manifest()) for url in entry.urls]
    assert len(urls) == len(set(urls))


def test_nothing_comes_from_pages_that_share_files():
    urls = [url for _, entry in files(load_manifest()) for url in entry.urls]
    assert not [url for url in urls if re.search(r"drive\.google|dropbox|huggingface", url)]


def test_a_small_manifest_is_understood(small):
    entry = small().entry("yolov3-tiny.pets")
    remote = entry.remote("yolov3-tiny.pets", ["file:///mnt/pets.weights"])
    assert remote.name == "pets.weights"
    assert remote.urls == ("file:///mnt/pets.weights", "https://localhost/pets.weights")
    assert (remote.size, remote.checksums) == (1000, {"md5": "0123456789abcdef0123456789abcdef"})
    assert not remote.is_pinned


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("    bytes: 1000", "    byte: 1000", r"line 11.*byte: Extra inputs"),
        ("    bytes: 1000", "    bytes: a lot", r"line 11.*bytes"),
        ("    bytes: 1000", "    bytes: -1", r"line 11.*bytes"),
        ("    bytes: 1000", "    bytes: 1000.0", r"line 11.*bytes"),
        ("format: darknet", "format: caffe", r"line 9.*format"),
        ('{md5: "0123456789abcdef0123456789abcdef"}', "{md5: 1234567890123456789012345678e012}", r"line 12.*string"),
        ('{md5: "0123456789abcdef0123456789abcdef"}', "{md5: 12345678901234567890123456789012}", r"line 12.*string"),
        ('{md5: "0123456789abcdef0123456789abcdef"}', '{md5: "0123456789abcdef"}', r"line 12.*no md5; 32"),
        ('{md5: "0123456789abcdef0123456789abcdef"}', '{crc: "0123"}', r"line 12.*'crc' is no kind of checksum"),
        ('{md5: "0123456789abcdef0123456789abcdef"}', '{md5: "0123456789ABCDEF0123456789ABCDEF"}', r"lower-case"),
        ("trust: good", "trust: none", r"trust is 'none', which doesn't fit the checksums"),
        ("trust: good", "trust: prefix", r"trust is 'prefix', which doesn't fit"),
        ("    trust: good\n", "", r"trust: Field required"),
        ("classes: two", "classes: three", r"classes 'three'; one of two is needed"),
        ("num_classes: 2", "num_classes: 3", r"num_classes 3, its list two has 2"),
        ("    licence: free\n    classes", "    licence: mine\n    classes", r"licence 'mine'; one of free"),
        ("normalisation: unit", "normalisation: none", r"normalisation 'none'; one of unit"),
        ("  yolov3-tiny.pets:", "  yolov3-tiny:", r"line 5.*pattern"),
        ("  yolov3-tiny.pets:", "  YOLO.pets:", r"line 5.*pattern"),
        ("[https://localhost/pets.weights]", "[]", r"line 10.*urls"),
        ("[https://localhost/pets.weights]", "[ftp://localhost/pets.weights]", r"line 10.*urls"),
        ("    bytes: 1000", "    bytes: 1000\n    bytes: 1000", r"line 12.*there already"),
        ("{format: tar,", "{format: file,", r"a single file needs a target"),
        ("class_lists", "class_list", r"class_list"),
        ("trust: none}", "trust: none}\n  - x", r"no YAML"),
    ],
)
def test_slips_in_a_manifest_are_told_with_their_line(small, old, new, problem):
    with pytest.raises(UserError, match=problem) as caught:
        small(old, new)
    assert "\n" not in str(caught.value)


def test_an_empty_and_a_missing_manifest_are_sentences(tmp_path):
    (tmp_path / "empty.yaml").write_text("")
    for name in ("empty.yaml", "missing.yaml"):
        with pytest.raises(UserError, match=name):
            read_manifest(tmp_path / name)


@pytest.mark.parametrize(("tag", "meant"), [("yolo3.coco", "yolov3.coco"), ("YOLOV3.COCO", "yolov3.coco")])
def test_a_tag_with_a_slip_gets_a_suggestion(tag, meant):
    with pytest.raises(UserError, match=rf"did you mean {re.escape(meant)}\b"):
        load_manifest().entry(tag)


def test_a_tag_like_no_other_gets_none():
    with pytest.raises(UserError, match=r"is no tag of weights_manifest\.yaml; trizoo weights list"):
        load_manifest().entry("ßßßßßß")
    with pytest.raises(UserError, match="did you mean voc2012"):
        load_manifest().dataset("voc_2012")
