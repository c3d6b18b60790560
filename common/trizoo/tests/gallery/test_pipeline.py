from dataclasses import replace

import numpy as np
import pytest

from trizoo.gallery import index
from trizoo.gallery.gallery import Entry, Gallery
from trizoo.gallery.pipeline import RecognitionPipeline, crop
from trizoo.gallery.turned import Turned
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.tests.galleries import EMBEDDING, entries, gallery, mean_colours

RED, GREEN, BLUE = (220, 60, 60), (60, 220, 60), (60, 60, 220)


def of_colours(**colours):
    """A gallery with one picture a name."""
    pixels = [np.full((4, 4, 3), colour, np.uint8) for colour in colours.values()]
    pictures = zip(colours, mean_colours(pixels), strict=True)
    return Gallery(EMBEDDING).joined(
        [Entry(name, f"{name}.jpg", name.encode().ljust(32), vector) for name, vector in pictures]
    )


def scene():
    """Grey with a red thing at the left and a blue one at the right."""
    pixels = np.full((40, 80, 3), 128, np.uint8)
    pixels[10:30, 10:30] = RED
    pixels[10:30, 50:70] = BLUE
    return pixels


def detector(*boxes, labels=None):
    """A pipeline that finds the same boxes in every image, each a little less sure."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    scores = np.linspace(0.9, 0.6, len(boxes)).astype(np.float32)
    found = Detections(boxes, scores, np.arange(len(boxes)) if labels is None else np.array(labels))
    return lambda images, batch_size, *, skip=False: (found for _ in images)


LEFT, RIGHT = (10, 10, 30, 30), (50, 10, 70, 30)


def test_things_are_named_after_the_nearest_picture():
    pipeline = RecognitionPipeline(mean_colours, of_colours(red=RED, blue=BLUE), detector(RIGHT, LEFT), margin=0.0)
    (found,) = pipeline([scene()])
    assert found.names == ("blue", "red")
    assert found.similarities == pytest.approx([1, 1], abs=1e-5)
    assert found.boxes.tolist() == [[50, 10, 70, 30], [10, 10, 30, 30]]
    assert found.size == (80, 40)
    assert found.nearest[0][0] == ("blue", pytest.approx(1, abs=1e-5))
    assert [name for name, _ in found.nearest[0]] == ["blue", "red"]


def test_what_is_like_nothing_in_the_gallery_is_unknown_until_it_is_added():
    small = of_colours(red=RED)
    pipeline = RecognitionPipeline(mean_colours, small, detector(LEFT, RIGHT), threshold=0.9, margin=0.0)
    assert next(pipeline([scene()])).names == ("red", None)
    pipeline.change(small.joined([_entry("blue", BLUE)]))
    assert next(pipeline([scene()])).names == ("red", "blue")
    pipeline.change(small)
    assert next(pipeline([scene()])).names == ("red", None)


def _entry(name, colour):
    (vector,) = mean_colours([np.full((4, 4, 3), colour, np.uint8)])
    return Entry(name, f"{name}.jpg", name.encode().ljust(32), vector)


def test_a_gallery_of_turned_pictures_is_searched_with_turned_ones():
    def left(images, batch_size=8, *, skip=False):
        return mean_colours([image[:, : image.shape[1] // 2] for image in images])

    half = np.full((8, 8, 3), RED, np.uint8)
    half[:, 4:] = BLUE
    (vector,) = Turned(left)([half])
    known = Gallery(EMBEDDING, turned=True).joined([Entry("half", "half.jpg", bytes(32), vector)])
    found = list(RecognitionPipeline(left, known)([np.rot90(half, turn) for turn in range(4)]))
    assert [one.similarities[0] for one in found] == pytest.approx([1] * 4, abs=1e-5)
    with pytest.raises(UserError, match="one of the galleries is of turned pictures"):
        RecognitionPipeline(left, known).change(replace(known, turned=False))


def test_without_a_detector_the_whole_picture_is_one_thing():
    (found,) = RecognitionPipeline(mean_colours, of_colours(red=RED, blue=BLUE))([np.full((6, 8, 3), RED, np.uint8)])
    assert (found.names, found.boxes.tolist(), found.scores.tolist()) == (("red",), [[0, 0, 8, 6]], [1])


def test_the_whole_picture_is_one_more_thing_where_that_is_wanted():
    pipeline = RecognitionPipeline(mean_colours, of_colours(red=RED), detector(LEFT), whole=True)
    (found,) = pipeline([scene()])
    assert found.boxes.tolist() == [[10, 10, 30, 30], [0, 0, 80, 40]]
    assert len(found) == 2


def test_two_classes_of_one_thing_are_one_box_where_classes_do_not_count():
    twice = detector(LEFT, (10, 10, 30, 31), RIGHT)
    pictures = of_colours(red=RED, blue=BLUE)
    assert len(next(RecognitionPipeline(mean_colours, pictures, twice)([scene()]))) == 3
    assert len(next(RecognitionPipeline(mean_colours, pictures, twice, agnostic=0.5)([scene()]))) == 2


def test_the_threshold_is_what_is_said_else_the_gallerys_else_a_half():
    pictures = of_colours(red=RED)
    assert RecognitionPipeline(mean_colours, pictures).least == 0.5
    assert RecognitionPipeline(mean_colours, replace(pictures, threshold=0.7)).least == 0.7
    assert RecognitionPipeline(mean_colours, replace(pictures, threshold=0.7), threshold=0.2).least == 0.2


def test_several_neighbours_vote_and_of_equally_many_the_nearest_wins():
    def at(name, degrees, number):
        vector = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)
        return Entry(name, f"{number}.jpg", bytes([number]) * 32, vector)

    pictures = Gallery(EMBEDDING).joined([at("a", 5, 0), at("b", 10, 1), at("b", 12, 2), at("a", 80, 3)])
    query = np.array([[1, 0]], np.float32)
    for neighbours, expected in ((1, "a"), (2, "a"), (3, "b"), (4, "b")):  # at 80 degrees it is below the threshold
        found = RecognitionPipeline(None, pictures, neighbours=neighbours).name(query)
        assert found[0][0] == expected, neighbours
    assert found[0][1] == pytest.approx(np.cos(np.radians(10)), abs=1e-5)


def test_a_batch_holds_images_with_and_without_things_and_broken_ones(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    pictures = of_colours(red=RED, blue=BLUE)

    def sometimes(images, batch_size, *, skip=False):
        for number, _ in enumerate(images):
            yield Detections.empty() if number == 1 else next(detector(LEFT)([0], 1))

    images = [scene(), scene(), tmp_path / "broken.jpg", scene()]
    found = list(RecognitionPipeline(mean_colours, pictures, sometimes, margin=0.0)(images, 3, skip=True))
    assert [None if isinstance(one, UserError) else one.names for one in found] == [("red",), (), None, ("red",)]
    with pytest.raises(UserError):
        list(RecognitionPipeline(mean_colours, pictures, sometimes)(images))


def test_an_empty_gallery_names_nothing():
    with pytest.raises(UserError, match="holds no picture"):
        RecognitionPipeline(mean_colours, Gallery(EMBEDDING))
    with pytest.raises(UserError, match="would hold no picture"):
        RecognitionPipeline(mean_colours, of_colours(red=RED)).change(Gallery(EMBEDDING))


def test_a_gallery_of_another_model_is_refused():
    with pytest.raises(UserError, match="of other weights"):
        RecognitionPipeline(mean_colours, of_colours(red=RED)).change(
            replace(gallery(), embedding={**EMBEDDING, "sha256": "0"})
        )


def test_a_graph_is_changed_without_a_rebuild(monkeypatch):
    pytest.importorskip("usearch.index")
    monkeypatch.setattr(index, "MOST_EXACT", 10)
    before = gallery(200, dimensions=8)
    after = before.without(["cat"]).joined(entries(20, ("new",), start=200))
    pipeline = RecognitionPipeline(None, before, threshold=-1.0)
    kept = pipeline.index
    pipeline.change(after)
    assert pipeline.index is kept
    assert not kept.exact
    assert [name for name, _, _ in pipeline.name(after.vectors)] == list(after.names)


def test_pictures_and_json_have_names_and_unknown():
    pipeline = RecognitionPipeline(mean_colours, of_colours(red=RED), detector(LEFT, RIGHT), threshold=0.9, margin=0.0)
    (found,) = pipeline([scene()])
    value = found.to_dict("a.jpg")
    assert value["counts"] == {"red": 1, "unknown": 1}
    assert value["things"][0] == {
        **{"name": "red", "similarity": 1.0, "nearest": [{"name": "red", "similarity": 1.0}], "score": 0.9},
        "box": [10, 10, 30, 30],
    }
    assert value["things"][1]["name"] is None
    assert found.draw(scene()).shape == (40, 80, 3)
    assert not np.array_equal(found.draw(scene(), ["green", "red"]), found.draw(scene()))


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ((10, 10, 20, 30), 0.0, (10, 20, 10, 30)),
        ((10, 10, 20, 30), 0.1, (9, 21, 8, 32)),  # 10 % of 10 and of 20 to each side
        ((0, 0, 40, 30), 0.5, (0, 40, 0, 30)),  # cut at the edges
        ((10.4, 10.4, 10.5, 10.5), 0.0, (10, 11, 10, 11)),  # every pixel that it touches
        ((39.9, 29.9, 60, 60), 0.0, (39, 40, 29, 30)),
        ((50, 50, 60, 60), 0.0, (39, 40, 29, 30)),  # outside: one pixel
    ],
)
def test_a_crop_is_what_the_box_touches_with_its_margin(box, margin, expected):
    rows, columns = np.mgrid[:30, :40]
    pixels = np.stack([rows, columns, rows], axis=2).astype(np.uint8)
    found = crop(pixels, np.array(box, np.float32), margin)
    left, right, top, bottom = expected
    assert np.array_equal(found, pixels[top:bottom, left:right])
