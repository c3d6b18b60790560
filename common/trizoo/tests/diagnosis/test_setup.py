"""What recipes say: no weights, frozen epochs, batches of one."""

import pytest

from trizoo.diagnosis.history import read_history
from trizoo.diagnosis.setup import causes, tags_for
from trizoo.tests.diagnosis.runs import HEALTHY, by_kind, make_run, recipe_of


@pytest.fixture
def found(tmp_path):
    """{kind: cause} of a run that `make_run` makes."""

    def look(*changes, **options):
        return by_kind(causes(read_history(make_run(tmp_path / "run", HEALTHY, *changes, **options))))

    return look


def test_few_images_from_scratch_are_told_the_weights_that_fit_the_model(found):
    cause = found(images=205)["from_scratch"]
    assert "205 images are trained on, fewer than 500" in cause.evidence[0]
    assert "--weights yolov3-tiny.coco --model yolov3-tiny " in cause.remedies[0].command


@pytest.mark.parametrize(
    ("changes", "options"),
    [((), {"images": 205, "pretrained": True}), ((), {"images": 500}), (("data.overfit=8",), {"images": 8})],
)
def test_no_weights_are_missed_where_there_are_some_or_many_images_or_few_on_purpose(found, changes, options):
    assert found(*changes, **options) == {}


def test_tags_are_of_the_model_or_else_of_its_backbone():
    assert [tag for tag, _ in tags_for(dict(recipe_of(model="ssd300-vgg16").model))][:1] == ["ssd300-vgg16.coco"]
    tags = [tag for tag, _ in tags_for(dict(recipe_of(model="retinanet-resnet18").model))]
    assert tags
    assert all("resnet18" in tag for tag in tags)
    changed = recipe_of("model.backbone=mobilenetv2", model="retinanet-resnet18")
    assert all("mobilenetv2" in tag for tag, _ in tags_for(dict(changed.model)))


@pytest.mark.parametrize(("epochs", "certainty"), [(25, "possible"), (60, "likely")])
def test_a_backbone_held_still_for_most_of_the_run(found, epochs, certainty):
    cause = found(f"freeze.epochs={epochs}", pretrained=True)["frozen"]
    assert cause.certainty == certainty
    assert cause.numbers == {"frozen": min(epochs, 40), "epochs": 40}
    assert "freeze.epochs=8" in cause.remedies[0].command


@pytest.mark.parametrize("model", ["retinanet-resnet50", "deeplabv3plus-mobilenetv2", "yolov3"])
def test_the_zoos_own_recipes_freeze_for_no_longer_than_they_should(tmp_path, model):
    epochs = recipe_of(model=model, epochs=None).schedule.epochs
    path = make_run(tmp_path / "run", [3.0] * epochs, model=model, pretrained=True)
    assert recipe_of(model=model).freeze.epochs
    assert by_kind(causes(read_history(path))) == {}


@pytest.mark.parametrize("options", [{"pretrained": False}, {"pretrained": True}])
def test_a_backbone_that_is_trained_for_most_of_the_run(found, options):
    assert found(f"freeze.epochs={60 if not options['pretrained'] else 10}", **options) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["schedule.batch_size=1"], True),
        (["schedule.batch_size=4", "schedule.accumulate=4"], True),
        (["schedule.batch_size=2"], False),
        (["schedule.batch_size=1", "model.norm=group"], False),
        (["schedule.batch_size=1", "freeze.batch_norm=true"], False),
    ],
)
def test_batch_norms_of_one_image(found, changes, expected):
    assert ("batch_norm" in found(*changes)) == expected


def test_networks_without_batch_norms_may_have_batches_of_one(found):
    assert found("schedule.batch_size=1", model="ssd300-vgg16") == {}
