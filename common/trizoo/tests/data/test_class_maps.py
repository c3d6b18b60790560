import pytest

from trizoo.data.class_maps import (
    SYNONYMS,
    class_map,
    mapped,
    offer,
    parse_class_map,
    renamed,
    with_synonyms,
    without_use,
)
from trizoo.data.masks.class_files import VOC_NAMES
from trizoo.download.manifest import load_manifest
from trizoo.ground.errors import UserError


def test_old_and_new_names_stand_around_an_equals_sign():
    assert parse_class_map(["tvmonitor=tv", "dining  table=table", "person="]) == {
        "tvmonitor": "tv",
        "dining table": "table",
        "person": "",
    }
    assert parse_class_map(["a=b=c"]) == {"a": "b=c"}
    assert parse_class_map([]) == {}


@pytest.mark.parametrize("text", ["tv", "=tv", " =tv"])
def test_what_maps_nothing_is_refused(text):
    with pytest.raises(UserError, match=r"maps no class; OLD=NEW is needed"):
        parse_class_map([text])


def test_two_new_names_are_refused_and_one_twice_is_not():
    with pytest.raises(UserError, match=r"the class 'a' is mapped to 'b' and to 'c'"):
        class_map([("a", "b"), ("a", "c")])
    assert class_map([("a", "b"), ("a", "b")]) == {"a": "b"}


def test_names_are_renamed_once_merged_and_left_out():
    assert mapped(["a", "b", "c", "d"], {"a": "b", "b": "a", "c": "a", "d": ""}) == ("b", "a")


def test_values_by_names_are_those_of_the_first_of_the_names_that_become_one():
    assert renamed({"a": 1, "b": 2, "c": 3, "d": 4}, {"b": "x", "c": "x", "d": ""}) == {"a": 1, "x": 2}


def test_a_name_that_no_object_has_is_told():
    assert without_use({"tvmonitr": "tv", "cat": "c"}, ["tvmonitor", "cat"]) == [
        "the class map names 'tvmonitr', which no object is, did you mean 'tvmonitor'?"
    ]


def test_a_star_is_every_class_without_a_pair_of_its_own():
    mapping = parse_class_map(["*=object", "dog=", "cat=cat"])
    assert mapped(["ring", "dog", "cat", "star"], mapping) == ("object", "cat")
    assert renamed({"ring": 1, "dog": 2, "cat": 3}, mapping) == {"object": 1, "cat": 3}
    assert with_synonyms(["tvmonitor"], ["tv", "object"], mapping) == mapping
    assert without_use(mapping, ["dog", "cat"]) == []


def test_synonyms_are_voc_s_and_coco_s_names():
    assert {name for name in SYNONYMS if name in VOC_NAMES} == {
        *("aeroplane", "diningtable", "motorbike", "pottedplant", "sofa", "tvmonitor")
    }
    coco = load_manifest().class_lists["coco80"]
    assert all(SYNONYMS[name] in coco for name in VOC_NAMES if name in SYNONYMS)
    assert all(name in coco for name in VOC_NAMES if name not in SYNONYMS)


def test_synonyms_are_mapped_where_the_other_name_alone_is_a_class():
    names, classes = ["tvmonitor", "sofa", "cat", "aeroplane"], ["tv", "couch", "sofa", "cat"]
    assert with_synonyms(names, classes) == {"tvmonitor": "tv"}
    assert with_synonyms(names, classes, {"tvmonitor": "", "cat": "tv"}) == {"tvmonitor": "", "cat": "tv"}


def test_what_would_do_is_offered_for_all_names_at_once_with_the_map_that_is_there():
    names = ["tvmonitor", "sofa", "widget"]
    assert offer(names, ["tv", "couch", "cat"]) == '--classes-map "sofa=couch" "tvmonitor=tv"'
    assert offer(["couch"], ["sofa"], {"a": "b"}) == '--classes-map "a=b" "couch=sofa"'
    assert offer(names, ["cat"]) == ""
