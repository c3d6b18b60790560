"""`trizoo serve`: what is refused before a model is loaded, and what of its flags reaches the server."""

import socket

import pytest

from trizoo.commands import recognize
from trizoo.commands import serve as command
from trizoo.commands.cli import Choice
from trizoo.commands.flags.serve import parser
from trizoo.commands.galleries import Opened
from trizoo.commands.main import main
from trizoo.commands.serve import limits_of, open_served
from trizoo.gallery.file import save
from trizoo.ground.errors import UserError
from trizoo.serve.limits import Limits
from trizoo.tests.galleries import EMBEDDING, gallery, mean_colours
from trizoo.tests.testing import FakeFramework


def served(*arguments):
    """The Served of a command line."""
    return open_served(parser().parse_args(arguments), Choice(FakeFramework))


def test_the_limits_that_help_promises_are_those_of_the_server():
    assert limits_of(parser().parse_args(["best.h5"])) == Limits()
    sizes = ["--max-megabytes", "1", "--max-megapixels", "2", "--batch-size", "4"]
    given = parser().parse_args(["best.h5", *sizes, "--timeout", "0.5", "--queue", "3"])
    assert limits_of(given) == Limits(1, 2, 0.5, 3, 4)


def test_predicts_flags_reach_the_model(weights):
    boxes = ["--confidence", "0.3", "--nms", "0.4", "--nms-method", "diou", "--max-detections", "7"]
    one = served(weights, *boxes, "--tta", "--input-size", "96")
    pipeline = one.pipeline
    assert (pipeline.nms, pipeline.nms_method, pipeline.max_detections, pipeline.flip) == (0.4, "diou", 7, True)
    assert (one.args.confidence, pipeline.input_size, one.runtime) == (0.3, (96, 96), "Fake 1.0")
    assert one.about()["thresholds"]["confidence"] == 0.3


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--port", "70000"], "'70000' is no port"),
        (["--timeout", "0"], "'0' is not a number of seconds"),
        (["--confidence", "2"], "'2' is not a number from 0 to 1"),
        (["--voc"], "unrecognized arguments: --voc"),
    ],
)
def test_a_wrong_flag_is_refused(capsys, flags, sentence):
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["best.h5", *flags])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--embedding", "e.h5"], "--embedding is for names after a gallery; --gallery FILE is needed too"),
        (["--whole"], "--whole is for names after a gallery"),
        (["--gallery", "g.h5", "--whole"], "--whole is of what a detector finds; --embedding is needed too"),
        (["--gallery", "g.h5", "--confidence", "0.2"], "--confidence is of what a detector finds; --embedding"),
        (["--gallery", "g.h5", "--top", "2"], "--top isn't for names after a gallery; leave it out"),
        (["--gallery", "g.h5", "--embedding", "e.h5", "--nms", "0.3"], "--nms isn't for names after a gallery"),
        (["--gallery", "g.h5", "--embedding", "e.h5", "--tta"], "--tta isn't for names after a gallery"),
        (["--gallery", "g.h5", "--embedding", "e.h5", "--input-size", "96"], "--input-size isn't for names"),
    ],
)
def test_flags_of_recognition_without_what_they_need_are_refused(weights, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        served(weights, *flags)


@pytest.mark.parametrize("alone", [True, False])
def test_a_gallery_makes_the_weights_those_of_a_detector_or_of_the_embedding(monkeypatch, tmp_path, alone):
    asked = []

    def opened(args, choice, called):
        asked.append((args.weights, args.detector, called))
        return Opened(mean_colours, EMBEDDING, ()), None

    monkeypatch.setattr(recognize, "open_both", opened)
    save(tmp_path / "g.h5", gallery(4))
    given = ["e.h5"] if alone else ["d.h5", "--embedding", "e.h5"]
    one = served(*given, "--gallery", str(tmp_path / "g.h5"), "--threshold", "0.7", "--device", "cpu")
    of = (None, "without --embedding the model") if alone else ("d.h5", "--embedding")
    assert asked == [("e.h5", *of)]
    assert (one.pipeline.least, one.classes) == (0.7, ("cat", "dog", "unknown"))
    assert one.weights == f"{', '.join([given[0], *given[2:]])}, g.h5"


def test_a_gallery_without_pictures_is_named_before_a_model_is_opened(monkeypatch, tmp_path):
    monkeypatch.setattr(recognize, "open_both", lambda *args: pytest.fail("a model was opened"))
    save(tmp_path / "g.h5", gallery(0))
    with pytest.raises(UserError, match=r"the gallery .*g\.h5 holds no picture; trizoo gallery add"):
        served("e.h5", "--gallery", str(tmp_path / "g.h5"))


def test_an_exported_detector_leaves_the_embedding_its_own_framework(monkeypatch, tmp_path):
    asked = []

    def opened(args, choice, called):
        asked.append(choice.open().versions())
        return Opened(mean_colours, EMBEDDING, ()), None

    monkeypatch.setattr(recognize, "open_both", opened)
    monkeypatch.setattr(command, "choose_for", lambda args: Choice(FakeFramework, args.weights))
    save(tmp_path / "g.h5", gallery(4))
    args = parser().parse_args(["d.onnx", "--embedding", "e.h5", "--gallery", str(tmp_path / "g.h5")])
    of_detector = Choice(lambda: pytest.fail("the detector's runtime was opened for the embedding"))
    assert open_served(args, of_detector).runtime == "Fake 1.0"
    assert asked == ["Fake 1.0"]


def test_a_port_in_use_is_told_before_the_weights_are_looked_at(monkeypatch):
    monkeypatch.setattr("trizoo.commands.serve.is_installed", lambda name: True)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UserError, match="is in use by another program"):
            main(["serve", "nowhere.onnx", "--port", str(other.getsockname()[1])])


def test_a_missing_extra_is_told_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr("trizoo.commands.serve.is_installed", lambda name: False)
    with pytest.raises(UserError, match=r"pip install 'trizoo\[serve\]' would do"):
        main(["serve", "nowhere.onnx"])
