"""`trizoo serve` as people start it: a process with a model of PyTorch's, or an exported one."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.main import main
from trizoo.data.synthetic import synthesize
from trizoo.families import architecture
from trizoo.framework import is_installed
from trizoo.parity.probe import loss_section
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.serve.app import LIBRARIES
from trizoo.training.specs import spec_of
from trizoo.weights.checkpoint import Checkpoint, save

for library in LIBRARIES:
    pytest.importorskip(library, reason="needs the server's libraries: pip install 'trizoo[serve]'")

CLASSES = ("circle", "square", "triangle")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Paths of drawn photos."""
    return sorted(
        (synthesize(tmp_path_factory.mktemp("data") / "set", images=3, size=(96, 64)) / "JPEGImages").iterdir()
    )


@pytest.fixture(scope="module")
def checkpoint(zoo, tmp_path_factory):
    """Makes a checkpoint of a model, with weights made from names: its path."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def make(model):
        recipe = Recipe(
            model={"name": model},
            classes=("background", *CLASSES) if architecture(model).task == "segmentation" else CLASSES,
            input_size=(96, 64),
            loss=loss_section(model),
            data={"root": None},
            predict={"score": 0.3, "nms": 0.4},
        )
        path = folder / f"{model}.h5"
        if not path.exists():
            arrays = pseudo_arrays(zoo.shapes(zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None)))
            save(path, Checkpoint(arrays, to_dict(recipe), "pytorch"))
        return str(path)

    return make


@contextlib.contextmanager
def serving(weights, *flags):
    """`trizoo serve` at a free port -> (process, address, lines that it has said)."""
    command = [sys.executable, "-m", "trizoo", "serve", weights, "--port", "0", "--device", "cpu", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.strip())
            if ready := re.match(r"ready at (\S+)", line):
                yield process, ready[1], lines
                break
        else:
            raise AssertionError(process.stderr.read())
    finally:
        process.kill()
        process.communicate()


def answer(address, path):
    """What the server says to a file."""
    request = urllib.request.Request(
        f"{address}/predict", data=path.read_bytes(), headers={"Content-Type": "image/jpeg"}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def predicted(photos, weights, out, name):
    """The entries of predict's JSON."""
    paths = [str(path) for path in photos]
    assert (
        main(["predict", *paths, "--weights", weights, "--device", "cpu", "--json", "--no-pictures", "--out", str(out)])
        == 0
    )
    return json.loads((out / f"{name}.json").read_text(encoding="utf-8"))


def ended(process, number):
    """The exit code after a signal, and what was said on the way."""
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert err == ""
    return process.returncode, out


@pytest.mark.parametrize("model", ["yolov3-tiny", "deeplabv3plus-mobilenetv2"])
def test_a_server_says_what_predict_writes(checkpoint, photos, tmp_path, model):
    weights, name = checkpoint(model), "areas" if model.startswith("deeplab") else "detections"
    entries = predicted(photos, weights, tmp_path / "out", name)
    with serving(weights) as (process, address, _):
        for path, entry in zip(photos, entries, strict=True):
            assert answer(address, path) == entry | {"image": "image"}
        assert ended(process, signal.SIGTERM) == (0, "the server has ended; every request that it took is answered\n")


def test_an_exported_file_is_served_without_a_framework(checkpoint, photos, tmp_path):
    if not (is_installed("onnx") and is_installed("onnxruntime") and is_installed("onnxscript")):
        pytest.skip("needs ONNX and its runtime: pip install 'trizoo[export]'")
    path = str(tmp_path / "tiny.onnx")
    assert main(["export", checkpoint("yolov3-tiny"), "--out", path]) == 0
    (entry, *_) = predicted(photos[:1], path, tmp_path / "out", "detections")
    with serving(path, "--batch-size", "2") as (_, address, lines):
        assert "ONNX Runtime" in lines[0]
        assert answer(address, photos[0]) == entry | {"image": "image"}


def test_a_request_in_flight_is_answered_before_the_end(checkpoint, photos):
    data = photos[0].read_bytes()
    with serving(checkpoint("yolov3-tiny")) as (process, address, _):
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port), timeout=120) as connection:
            head = f"POST /predict HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            connection.sendall(head + data[:100])
            with urllib.request.urlopen(f"{address}/health", timeout=60) as response:
                assert json.load(response)["requests"] == 1
            process.send_signal(signal.SIGINT)
            while is_listening(place):
                pass
            connection.sendall(data[100:])
            said = b""
            while block := connection.recv(65536):
                said += block
        assert said.startswith(b"HTTP/1.1 200 OK")
        assert json.loads(said.partition(b"\r\n\r\n")[2])["width"] == 96
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        assert out == "the server has ended; every request that it took is answered\n"


def is_listening(place):
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((place.hostname, place.port), timeout=60).close()
    except ConnectionError:
        return False
    return True


def test_a_port_in_use_is_one_sentence(checkpoint):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        command = [
            sys.executable,
            "-m",
            "trizoo",
            "serve",
            checkpoint("yolov3-tiny"),
            "--port",
            str(other.getsockname()[1]),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: --port \d+ of 127\.0\.0\.1 is in use by another program; .*\n", done.stderr)


def test_a_server_for_all_says_so_and_takes_any_name(checkpoint, photos):
    with serving(checkpoint("yolov3-tiny"), "--host", "0.0.0.0") as (_, address, lines):
        assert lines[-2] == "whoever reaches 0.0.0.0 can use this server; --host 127.0.0.1 keeps it to this machine"
        local = address.replace("0.0.0.0", "127.0.0.1")
        request = urllib.request.Request(f"{local}/health", headers={"Host": "any.example"})
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 200


def test_a_model_of_images_as_they_are_answers_one_of_another_size(zoo, tmp_path):
    recipe = Recipe(model={"name": "yolov3-tiny"}, classes=CLASSES, input_size=(96, 64), resize="none")
    arrays = pseudo_arrays(zoo.shapes(zoo.build(spec_of(recipe), zoo.device("cpu"), seed=None)))
    save(tmp_path / "any.h5", Checkpoint(arrays, to_dict(recipe), "pytorch"))
    Image.fromarray(np.zeros((50, 70, 3), np.uint8)).save(tmp_path / "odd.png")
    with serving(str(tmp_path / "any.h5")) as (_, address, _):
        told = answer(address, tmp_path / "odd.png")
    assert (told["width"], told["height"]) == (70, 50)
    assert all(0 <= one["box"][0] < one["box"][2] <= 70 for one in told["detections"])
