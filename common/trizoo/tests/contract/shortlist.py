"""What the rows that leave the device give is what whole outputs give, whatever stands in them.

Beside `zoo` they need the fixture `take`: a function of a spec, a ranking and outputs as arrays -> what the package's
`take_rows` gives, as arrays.
"""

import numpy as np
import pytest

from trizoo.augment.letterbox import fit
from trizoo.families import model_spec
from trizoo.families.base.shortlist import Shortlist, decode_shortlist
from trizoo.parity.pseudo import pseudo_images

# name, input size, at which there are more rows than are taken, classes
FAMILIES = {
    "yolo": ("yolov3-tiny", (320, 320), 3),
    "retinanet": ("retinanet-resnet18", (160, 128), 3),
    "ssd": ("ssd300-mobilenetv2", (300, 300), 3),
}
OPTIONS = {"threshold": 0.5, "max_detections": 200, "method": "hard"}


def drawn(spec, size, spread, seed=0):
    """Outputs of two images, float32, of normal values: an untrained network's, but with scores of about a half."""
    rng = np.random.default_rng(seed)
    if spec.family == "yolo":
        shapes = [(2, size[1] // stride, size[0] // stride, 3, 5 + spec.num_classes) for stride in spec.strides]
    else:
        shapes = [(2, len(spec.grid(size).boxes), width) for width in (4, spec.besides + spec.num_classes)]
    return [rng.normal(0, spread, shape).astype(np.float32) for shape in shapes]


def lowered(spec, outputs, by):
    """The outputs with objects so much less likely."""
    if spec.family == "yolo":
        for output in outputs:
            output[..., 4] -= by
    elif spec.family == "retinanet":
        outputs[1] -= by
    else:
        outputs[1][..., 0] += by
    return outputs


def coarse(spec, outputs):
    """Rounded to quarters, so that many are equal, and some have the score of the last one taken."""
    return [np.round(output * 4) / 4 for output in outputs]


def broken(spec, outputs):
    """Every eleventh value of one, inf or -inf; one row in twenty of an output has nan."""
    for output in outputs:
        flat, rows = output.reshape(-1), output.reshape(-1, output.shape[-1])
        flat[::11] = np.resize([1, np.inf, -np.inf], len(flat[::11]))
        flat[5::77] = 30
        rows[::20, -1] = np.nan
    return outputs


def constant(spec, outputs):
    """All the same: every row is the last one's equal."""
    return [np.zeros_like(output) for output in outputs]


# what is drawn, score, and for which families the rows taken are enough
CASES = {
    "many above the threshold": (lambda spec, outputs: outputs, 0.01, ("yolo", "retinanet")),
    "few above the threshold": (lambda spec, outputs: lowered(spec, outputs, 7), 0.05, ("yolo", "retinanet", "ssd")),
    "nothing above the threshold": (
        lambda spec, outputs: lowered(spec, outputs, 90),
        0.05,
        ("yolo", "retinanet", "ssd"),
    ),
    "equal ones": (coarse, 0.01, ("retinanet",)),
    "equal and few": (
        lambda spec, outputs: coarse(spec, lowered(spec, outputs, 7)),
        0.05,
        ("yolo", "retinanet", "ssd"),
    ),
    "not finite": (broken, 0.01, ()),
    "all the same": (constant, 0.01, ("retinanet",)),
    "saturated": (lambda spec, outputs: lowered(spec, outputs, -40), 0.01, ()),
    "no threshold": (lambda spec, outputs: outputs, 0.0, ("yolo", "retinanet")),
}


def assert_same(found, wanted):
    """Two lists of Detections are equal to the last bit."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for name, array in vars(other).items():
            np.testing.assert_array_equal(getattr(one, name), array)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", CASES)
def test_the_rows_taken_give_the_detections_of_whole_outputs(take, family, case):
    name, size, num_classes = FAMILIES[family]
    change, score, enough = CASES[case]
    spec = model_spec(name, num_classes)
    outputs = change(spec, drawn(spec, size, 1.5))
    fetched = []

    def whole():
        fetched.append(case)
        return outputs

    ranking, placements = spec.ranking(size), [fit((640, 480), size, "letterbox")] * 2
    rows, promises, below, *values = take(spec, ranking, outputs)
    shortlist = Shortlist(rows, promises, below, values, whole)
    found = decode_shortlist(spec, shortlist, placements, size, score=score, **OPTIONS)
    assert_same(found, spec.decode(outputs, placements, size, score=score, **OPTIONS))
    assert rows.shape == (2, sum(ranking.taken))
    assert sum(ranking.taken) < sum(ranking.groups)
    if family in enough:
        assert fetched == []


def test_a_predictor_gives_rows_of_its_outputs_where_the_family_ranks_them(zoo, monkeypatch):
    name, size, num_classes = FAMILIES["yolo"]
    spec, device = model_spec(name, num_classes), zoo.device("cpu")
    model, images = zoo.build(spec, device), pseudo_images(2, size)
    predict = zoo.predictor(model, "fp32", device, True)
    outputs, shortlist = zoo.predictor(model, "fp32", device)(images), predict(images)
    placements = [fit((640, 480), size, "letterbox")] * 2
    found = decode_shortlist(spec, shortlist, placements, size, score=0.001, **OPTIONS)
    wanted = spec.decode(outputs, placements, size, score=0.001, **OPTIONS)
    assert [len(of_image) for of_image in found] == [len(of_image) for of_image in wanted]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, rtol=1e-5)
    for part, output in zip(shortlist.whole(), outputs, strict=True):
        np.testing.assert_allclose(part, output, rtol=1e-4, atol=1e-5)
    again = predict(images)  # Keras has no rows any more, once whole outputs were fetched
    for part, output in zip(again if isinstance(again, list) else again.whole(), outputs, strict=True):
        np.testing.assert_allclose(part, output, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(type(spec), "ranking", lambda self, size: None)
    for part, output in zip(zoo.predictor(model, "fp32", device, True)(images), outputs, strict=True):
        np.testing.assert_array_equal(part, output)
