"""The detector that evaluation uses, with a framework that is none."""

from trizoo.families import model_spec
from trizoo.recipes.schema import Evaluation, Recipe
from trizoo.tasks import task_of


class Framework:
    """One whose predictor is never asked."""

    def predictor(self, model, precision, device):
        return None


def test_evaluation_detects_as_its_section_of_the_recipe_says():
    spec = model_spec("yolov3-tiny", 2)
    options = Evaluation(score=0.2, nms=0.4, nms_method="diou", max_detections=7)
    recipe = Recipe(input_size=(96, 64), resize="stretch", evaluate=options)
    detector = task_of("yolov3-tiny").evaluator(Framework(), None, spec, recipe, "cpu")
    assert (detector.input_size, detector.resize, detector.spec) == ((96, 64), "stretch", spec)
    assert (detector.score, detector.nms, detector.nms_method, detector.max_detections) == (0.2, 0.4, "diou", 7)
