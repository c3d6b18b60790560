"""The addresses, asked in process."""

import asyncio
import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.photo import Photo
from trizoo.ground.sample import Detections
from trizoo.pictures.palette import voc_palette
from trizoo.serve.app import check_installed, make_app
from trizoo.tests.serve.fake_model import (
    CLASSES,
    fake_classifier,
    fake_detector,
    fake_keypoint_detector,
    fake_labeller,
    fake_recognizer,
    fake_segmenter,
)

pytest.importorskip("fastapi", reason="needs FastAPI: pip install 'trizoo[serve]'")
httpx = pytest.importorskip("httpx", reason="needs httpx")


class Client:
    """Asks an application as a client at an address would."""

    def __init__(self, app):
        self.app = app

    def ask(self, method, address, **options):
        async def run():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, address, **options)

        return asyncio.run(run())

    def post(self, data, wish="", name="photo.png"):
        return self.ask("POST", f"/predict{wish}", files={"image": (name, data)})


@pytest.fixture
def client(service):
    """Makes a Client of a Served."""
    return lambda served, hosts=None, **limits: Client(make_app(service(served, **limits), hosts))


def error(response, status):
    """The sentence of an error that has this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    assert "Traceback" not in response.text
    return response.json()["error"]


def test_an_answer_is_an_entry_of_predicts_json(client, png):
    served = fake_detector()
    photo = Photo("photo.png", None, lambda: np.zeros((30, 40, 3), np.uint8))
    found = Detections(
        np.array([[8, 3, 20, 18], [8, 9, 28, 27]], np.float32), np.array([0.9, 0.6], np.float32), np.array([0, 1])
    )
    response = client(served).post(png(200))
    assert response.status_code == 200
    assert response.json() == served.task.result(photo, found, served.recipe, served.args)
    assert set(response.json()) == {"image", "width", "height", "detections", "counts"}
    assert response.headers["server-timing"].startswith("decode;dur=")


def test_a_raw_body_and_a_form_have_one_answer(client, png):
    asked = client(fake_detector())
    raw = asked.ask("POST", "/predict", content=png()).json()
    assert raw == asked.post(png()).json() | {"image": "image"}


def test_a_name_stays_text(client, png):
    name = "../<img src=x onerror=alert(1)>.png"
    response = client(fake_detector()).post(png(), name=name)
    assert response.json()["image"] == "<img src=x onerror=alert(1)>.png"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_confidence_and_classes_choose_what_is_listed(client, png):
    asked = client(fake_detector())
    classes = [[one["class"] for one in asked.post(png(), wish).json()["detections"]] for wish in (
        "", "?confidence=0", "?confidence=0.8", "?confidence=0.2&classes=dog&classes=%3Cb%3Ebird%3C/b%3E"
    )]  # fmt: skip
    assert classes == [["cat", "dog"], ["cat", "dog", "<b>bird</b>"], ["cat"], ["dog", "<b>bird</b>"]]


def test_the_commands_own_confidence_counts_without_another(client, png):
    asked = client(fake_detector(lambda images: [], "--confidence", "0.7"))
    assert asked.post(png()).json()["counts"] == {"cat": 1}
    assert asked.post(png(), "?confidence=0.5").json()["counts"] == {"cat": 1, "dog": 1}
    assert asked.ask("GET", "/model").json()["thresholds"]["confidence"] == 0.7


def test_a_segmenter_tells_areas_and_gives_the_mask(client):
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, :12] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    asked = client(fake_segmenter())
    plain = asked.post(file.getvalue()).json()
    assert plain == {"image": "photo.png", "width": 48, "height": 32, "areas": {"cat": 0.75, "dog": 0.25}}
    with_mask = asked.post(file.getvalue(), "?mask=png").json()
    mask = Image.open(io.BytesIO(base64.b64decode(with_mask.pop("mask"))))
    assert with_mask == plain
    assert mask.mode == "P"
    assert (np.asarray(mask) == (pixels[..., 0] > 0)).all()
    assert mask.convert("RGB").getpixel((0, 0)) == tuple(voc_palette()[1])
    assert "there is no parameter 'nms'" in error(asked.post(file.getvalue(), "?nms=0.5"), 422)


def test_a_classifier_tells_the_likeliest_classes(client, png):
    asked = client(fake_classifier())
    told = asked.post(png(255)).json()
    assert (told["image"], told["width"], told["height"]) == ("photo.png", 40, 30)
    # logits are log 1.01, log 0.01 and log 0.01, so the shares 1.01 / 1.03 and 0.01 / 1.03 twice
    assert told["classes"] == [
        {"class": "cat", "label": 0, "probability": 0.9806},
        {"class": "dog", "label": 1, "probability": 0.0097},
        {"class": "<b>bird</b>", "label": 2, "probability": 0.0097},
    ]
    assert [one["class"] for one in asked.post(png(0), "?top=1").json()["classes"]] == ["dog"]
    assert "top is '-1'; a whole number of at least 1" in error(asked.post(png(), "?top=-1"), 422)
    assert "there is no parameter 'mask'; there is top" in error(asked.post(png(), "?mask=png"), 422)
    model = asked.ask("GET", "/model").json()
    assert (model["task"], model["thresholds"], len(model["colours"])) == ("classification", {}, 3)
    assert [
        one["name"] for one in asked.ask("GET", "/openapi.json").json()["paths"]["/predict"]["post"]["parameters"]
    ] == ["top"]


def test_a_multi_label_classifier_tells_the_labels_above_the_confidence(client, png):
    asked = client(fake_labeller())
    # sigmoids of 2, 0 and -2
    cat, bird, dog = 0.8808, 0.5, 0.1192
    told = asked.post(png(255)).json()
    assert [(one["class"], one["probability"]) for one in told["classes"]] == [("cat", cat), ("<b>bird</b>", bird)]
    told = asked.post(png(255), "?confidence=0").json()["classes"]
    assert [one["probability"] for one in told] == [cat, bird, dog]
    assert asked.post(png(255), "?confidence=0.9").json()["classes"] == []
    assert "there is no parameter 'top'; there is confidence" in error(asked.post(png(), "?top=1"), 422)
    model = asked.ask("GET", "/model").json()
    assert (model["task"], len(model["colours"])) == ("multilabel", 3)
    assert model["thresholds"] == {"confidence": 0.5, "lowest_confidence": 0.0}
    assert client(fake_labeller("--confidence", "0.9")).post(png(255)).json()["classes"] == []


def test_things_are_named_after_a_gallery(client, png):
    asked = client(fake_recognizer())
    told = asked.post(png(200)).json()
    assert (told["image"], told["width"], told["height"]) == ("photo.png", 40, 30)
    assert told["counts"] == {"<b>red</b>": 1}
    assert told["things"] == [
        {
            "name": "<b>red</b>",
            "similarity": 1.0,
            "nearest": [{"name": "<b>red</b>", "similarity": 1.0}],
            "score": 0.8,
            "box": [0.0, 0.0, 20.0, 30.0],
        }
    ]
    assert asked.post(png(0)).json()["counts"] == {"unknown": 1}
    model = asked.ask("GET", "/model").json()
    assert (model["task"], model["classes"]) == ("recognition", ["<b>red</b>", "unknown"])
    assert (model["thresholds"], model["input_size"]) == ({"similarity": 0.9}, [64, 64])
    assert "there is no parameter 'confidence'; none is taken here" in error(asked.post(png(), "?confidence=0.3"), 422)


def test_a_picture_that_cant_be_decoded_costs_no_other_its_names(client, png):
    asked = client(fake_recognizer())
    whole = png(200, (400, 300))
    assert "that was sent" in error(asked.post(whole[: len(whole) // 2]), 415)
    assert asked.post(whole).json()["counts"] == {"<b>red</b>": 1}


def test_the_commands_own_number_of_classes_counts_without_another(client, png):
    asked = client(fake_classifier("--top", "2"))
    assert len(asked.post(png()).json()["classes"]) == 2
    assert len(asked.post(png(), "?top=3").json()["classes"]) == 3


def test_key_points_have_no_nms_to_tell_of(client):
    asked = client(fake_keypoint_detector())
    told = asked.ask("GET", "/model").json()["thresholds"]
    assert told == {"confidence": 0.5, "lowest_confidence": 0.01, "max_detections": 1000}


def test_the_model_tells_what_it_is(client):
    told = client(fake_detector(), megapixels=7).ask("GET", "/model").json()
    assert told["classes"] == list(CLASSES)
    assert len(told["colours"]) == 3
    assert {name: told[name] for name in ("model", "task", "input_size", "runtime")} == {
        "model": "yolov3-tiny", "task": "detection", "input_size": [64, 64], "runtime": "Fake 1.0"
    }  # fmt: skip
    assert told["thresholds"] == {
        "confidence": 0.35, "lowest_confidence": 0.01, "nms": 0.5, "nms_method": "hard", "max_detections": 100
    }  # fmt: skip
    assert told["limits"]["megapixels"] == 7


def test_health_is_told(client):
    response = client(fake_detector()).ask("GET", "/health")
    assert (response.status_code, response.json()["status"], response.json()["requests"]) == (200, "ok", 0)


def test_the_page_comes_with_its_policy(client):
    response = client(fake_detector()).ask("GET", "/")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_what_openapi_says_of_predict_is_what_there_is(client):
    asked = client(fake_detector())
    described = asked.ask("GET", "/openapi.json").json()["paths"]
    assert set(described) == {"/health", "/model", "/predict"}
    post = described["/predict"]["post"]
    assert [parameter["name"] for parameter in post["parameters"]] == ["confidence", "nms", "classes"]
    assert "multipart/form-data" in post["requestBody"]["content"]


@pytest.mark.parametrize("address", ["/docs", "/redoc", "/nowhere", "/..%2f..%2fetc/passwd", "/web/page.html"])
def test_there_is_nothing_else(client, address):
    assert "there is nothing at" in error(client(fake_detector()).ask("GET", address), 404)


@pytest.mark.parametrize(
    ("method", "address"), [("GET", "/predict"), ("PUT", "/predict"), ("POST", "/health"), ("DELETE", "/")]
)
def test_another_method_is_refused(client, method, address):
    assert "isn't done at" in error(client(fake_detector()).ask(method, address), 405)


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        ({"content": b""}, 400, "has no image"),
        ({"content": b"hello"}, 415, "isn't an image"),
        ({"json": {"url": "file:///etc/passwd"}}, 415, "Content-Type is 'application/json'"),
        ({"content": bytes(2**20 + 1)}, 413, "longer than 1 MiB"),
        ({"content": b"x", "headers": {"content-length": "1e9"}}, 400, "Content-Length is no number"),
        ({"files": {"image": ("a.png", b"")}}, 400, "has no image"),
        ({"data": {"image": "http://localhost/a.png"}, "files": {}}, 415, "isn't an image"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "multipart"),
    ],
)
def test_what_holds_no_image_is_refused_in_a_sentence(client, options, status, sentence):
    response = client(fake_detector(), megabytes=1).ask("POST", "/predict", **options)
    assert sentence in error(response, status)
    assert response.headers["connection"] == "close"


def test_a_host_of_elsewhere_is_refused_everywhere(client, png):
    asked = client(fake_detector(), hosts=("localhost",))
    assert asked.post(png()).status_code == 200
    for method, address in (("GET", "/"), ("POST", "/predict"), ("GET", "/model")):
        error(asked.ask(method, address, headers={"host": "evil.example"}), 421)


def test_no_other_sites_page_may_read_an_answer(client, png):
    response = client(fake_detector()).ask("POST", "/predict", content=png(), headers={"origin": "http://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_model_that_breaks_is_an_error_without_its_traceback(client, png):
    def predict(images):
        raise RuntimeError("secret of the model")

    sentence = error(client(fake_detector(predict)).post(png()), 500)
    assert "secret" not in sentence


def test_every_answer_is_json_that_any_program_reads(client, png):
    for wish in ("", "?confidence=0"):
        json.loads(client(fake_detector()).post(png(), wish).content)


def test_missing_libraries_are_named_with_what_installs_them():
    from trizoo.ground.errors import UserError

    check_installed(lambda name: True)
    with pytest.raises(UserError, match=r"needs fastapi and python-multipart; pip install 'trizoo\[serve\]' would do"):
        check_installed(lambda name: name == "uvicorn")
