"""GFLOPs and parameters of docs/models.md against PyTorch's networks, for the models that are quick to make."""

import pytest

from torch_zoo.families import make_network
from trizoo.families import model_spec
from trizoo.tests.scripts import DOCS, load_script

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="needs the repository")


@pytest.fixture(scope="module")
def tables():
    return load_script("make_tables")


@pytest.mark.parametrize("model", ["yolov3-tiny", "yolov4-tiny", "ssd300-vgg16", "retinanet-resnet18"])
def test_the_tables_gflops_are_counted_again(tables, model):
    assert tables.committed()[model] == tables.as_text(tables.gflops(model))


def test_yolov3_tiny_has_the_gflops_that_its_authors_list(tables):
    assert tables.gflops("yolov3-tiny") == pytest.approx(5.56, abs=0.01)  # 5.56 Bn, pjreddie.com/darknet/yolo


@pytest.mark.parametrize("model", ["yolov3-tiny", "deeplabv3-mobilenetv2"])
def test_the_tables_parameters_are_the_networks(tables, model):
    network = make_network(model_spec(model, tables.num_classes(model)))
    assert tables.parameters(model) == sum(parameter.numel() for parameter in network.parameters())
