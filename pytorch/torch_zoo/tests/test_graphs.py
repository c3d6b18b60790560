"""What docs/make_graphs.py finds out about a network, and the pictures that it drew."""

import pytest

from trizoo.families import FAMILIES
from trizoo.tests.scripts import DOCS, load_script

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="needs the repository")


@pytest.fixture(scope="module")
def graphs():
    return load_script("make_graphs")


def test_a_graph_says_who_reads_whom_and_what_each_part_gives(graphs):
    parts = graphs.used(graphs.graph_of("yolov3-tiny"))
    assert {key: tuple(part.reads) for key, part in parts.items()} == {
        "image": (),
        "backbone 26": ("image",),
        "backbone 13": ("image",),
        "neck_p5": ("backbone 13",),
        "lateral_p4": ("neck_p5",),
        "head_p5": ("neck_p5",),
        "head_p4": ("lateral_p4", "backbone 26"),
    }
    assert parts["head_p4"].reads["lateral_p4"] == ("up", "concat")
    assert parts["backbone 13"].shape == (13, 13, 1024)
    assert parts["head_p4"].shape == (26, 26, 3, 85)


def test_coarser_parts_stand_lower_and_readers_to_the_right(graphs):
    places = graphs.places(graphs.used(graphs.graph_of("yolov3-tiny")))
    assert places["backbone 26"] == (0, 1)
    assert places["backbone 13"] == (0, 2)
    assert places["neck_p5"] == (1, 2)
    assert places["head_p4"] == (3, 1)


def test_a_head_that_levels_share_is_one_part(graphs):
    heads = graphs.graph_of("retinanet-resnet50")["head_box"]
    assert heads.calls == 5
    assert [*heads.reads] == ["fpn.output_p3", "fpn.output_p4", "fpn.output_p5", "fpn.p6", "fpn.p7"]


def test_every_picture_is_there_and_on_the_page_of_its_family(graphs):
    assert {path.stem for path in graphs.GRAPHS.glob("*.svg")} == set(graphs.DRAWN)
    for family, known in FAMILIES.items():
        page = (DOCS / "models" / f"{family}.md").read_text(encoding="utf-8")
        shown = {model for model in graphs.DRAWN if f"(graphs/{model}.svg)" in page}
        assert shown == set(graphs.DRAWN) & set(known.models)
        assert shown


def test_a_picture_is_written(graphs, tmp_path):
    graphs.draw("keypoints-stride32", tmp_path / "graph.svg")
    assert "<svg" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
