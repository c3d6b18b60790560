"""The page as a person uses it, in Chromium by Playwright; both come with `tox -e serve` or not at all."""

import io
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from trizoo.tests.serve.fake_model import (
    fake_classifier,
    fake_detector,
    fake_labeller,
    fake_recognizer,
    fake_segmenter,
)
from trizoo.tests.serve.running import running

for library in ("fastapi", "uvicorn", "python_multipart"):
    pytest.importorskip(library, reason="needs the server's libraries: pip install 'trizoo[serve]'")
playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
CHROMIUM = os.environ.get("TRIZOO_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("needs Chromium; TRIZOO_CHROMIUM may say where it is", allow_module_level=True)

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream"),
    "--use-fake-ui-for-media-stream",
)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Makes a page of a server: a Served, width, colour scheme -> the page, whose every mishap is an error."""
    servers, mishaps = [], []

    def make(served, width=1280, scheme="light", **limits):
        servers.append(running(served, **limits))
        address = servers[-1].__enter__()
        page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
        page.on("pageerror", lambda error: mishaps.append(str(error)))
        page.on("console", lambda message: mishaps.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: mishaps.append(request.url) if outside(request.url, address) else None)
        page.goto(address)
        page.wait_for_selector("h1:not(:text-is('TriZoo'))")
        return page

    yield make
    for context in browser.contexts:
        context.close()
    for server in servers:
        server.__exit__(None, None, None)
    assert [mishap for mishap in mishaps if "the server responded with a status of 4" not in mishap] == []


def outside(url, address):
    """Whether a request goes anywhere else than to the server."""
    return not url.startswith((f"{address}/", "data:", "blob:"))


def picture(size=(200, 120), colour=(100, 0, 0), kind="PNG"):
    """An image file's bytes."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, format=kind)
    return file.getvalue()


def choose(page, data, name="photo.png"):
    """Has the page look at a file."""
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})
    page.wait_for_selector("#save-json:enabled, #error:visible")


def rows(page):
    """Class and score of the table's rows."""
    return [tuple(row.split("\t")[:2]) for row in page.locator("tbody tr").all_inner_texts()]


def saved(page, button):
    """Name and bytes of what a button saves."""
    with page.expect_download() as waiting:
        page.click(button)
    download = waiting.value
    with open(download.path(), "rb") as file:  # noqa: PTH123 (Playwright's own file)
        return download.suggested_filename, file.read()


def test_what_is_found_is_listed_and_filtered_without_asking_again(opened):
    page = opened(fake_detector())
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "predict" in request.url else None)
    choose(page, picture())
    assert rows(page) == [("cat", "0.90"), ("dog", "0.60")]
    page.fill("#confidence", "0.2")
    assert rows(page) == [("cat", "0.90"), ("dog", "0.60"), ("<b>bird</b>", "0.30")]
    page.uncheck("li[data-name=dog] input")
    assert rows(page) == [("cat", "0.90"), ("<b>bird</b>", "0.30")]
    page.click("#none")
    assert rows(page) == []
    assert page.inner_text("#nothing") == "Nothing above this confidence."
    page.click("#all")
    assert len(rows(page)) == 3
    assert len(asked) == 1
    assert page.locator("b").count() == 0


def test_boxes_are_drawn_in_predicts_colours(opened):
    served = fake_detector()
    page = opened(served)
    choose(page, picture((400, 300)))
    name, data = saved(page, "#save-picture")
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    colours = [tuple(bytes.fromhex(colour[1:])) for colour in served.about()["colours"]]
    assert (name, pixels.shape) == ("photo-found.png", (300, 400, 3))
    assert tuple(pixels[179, 120]) == colours[0]  # the cat's lower edge lies at 0.6 of the height
    assert tuple(pixels[200, 80]) == colours[1]  # the dog's left one at 0.2 of the width
    assert tuple(pixels[290, 390]) == (100, 0, 0)


def test_the_saved_json_is_what_is_shown(opened):
    page = opened(fake_detector())
    choose(page, picture(), "a b.photo.png")
    page.uncheck("li[data-name=cat] input")
    name, data = saved(page, "#save-json")
    told = json.loads(data)
    assert (name, told["image"], told["width"], told["counts"]) == ("a b.photo.json", "a b.photo.png", 200, {"dog": 1})
    assert [one["class"] for one in told["detections"]] == ["dog"]


def test_a_name_is_text_on_the_page(opened):
    page = opened(fake_detector())
    name = "<img src=x onerror=alert(1)>.png"
    choose(page, picture(), name)
    assert page.inner_text("#status").startswith(name)
    assert page.locator("img").count() == 0


def test_an_error_is_shown_and_the_next_picture_is_looked_at(opened):
    page = opened(fake_detector())
    choose(page, b"no picture")
    assert page.inner_text("#error").startswith("The image that was sent isn't an image")
    assert page.is_disabled("#save-json")
    choose(page, picture())
    page.wait_for_selector("#save-json:enabled")
    assert page.is_hidden("#error")


def test_a_file_that_is_too_long_isnt_sent(opened):
    page = opened(fake_detector(), megabytes=1)
    choose(page, bytes(2**20 + 1))
    assert page.inner_text("#error") == "The file has 1.0 MiB; the server takes 1."


def test_what_the_browser_cant_show_has_its_answer_on_grey(opened):
    page = opened(fake_detector())
    choose(page, picture(kind="TIFF"), "scan.tif")
    assert rows(page) == [("cat", "0.90"), ("dog", "0.60")]
    assert "can't show this kind of picture" in page.inner_text("#status")
    assert page.is_visible("#view")


def test_masks_lie_over_the_picture_and_classes_go_with_their_boxes(opened):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :16] = 200
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    page = opened(fake_segmenter())
    choose(page, file.getvalue())
    assert rows(page) == [("cat", "75 %"), ("dog", "25 %")]

    def drawn():
        return np.asarray(Image.open(io.BytesIO(saved(page, "#save-picture")[1])).convert("RGB")).astype(int)

    over = drawn()  # class 1 is (128, 0, 0) of VOC's: 0.4 * 200 + 0.6 * 128 = 156.8, and 0.4 * 200 = 80
    assert np.abs(over[32, 8] - [157, 80, 80]).max() <= 1
    assert tuple(over[32, 40]) == (0, 0, 0)
    page.uncheck("li[data-name=dog] input")
    assert tuple(drawn()[32, 8]) == (200, 200, 200)


def test_a_classifiers_page_lists_probabilities_and_draws_the_likeliest_name(opened):
    page = opened(fake_classifier())
    assert not page.is_visible("#classes-card")
    assert not page.is_visible("#confidence-card")
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (255, 0, 0)).save(file, format="PNG")
    choose(page, file.getvalue())
    assert rows(page) == [("cat", "98 %"), ("dog", "1.0 %"), ("<b>bird</b>", "1.0 %")]
    told = saved(page, "#save-json")[1]
    assert json.loads(told)["classes"][0]["class"] == "cat"
    drawn = np.asarray(Image.open(io.BytesIO(saved(page, "#save-picture")[1])).convert("RGB")).astype(int)
    assert tuple(drawn[50, 70]) == (255, 0, 0)
    assert tuple(drawn[1, 1]) != (255, 0, 0)  # the name's ground


def test_a_multi_label_classifiers_page_lists_labels_above_the_slider(opened):
    page = opened(fake_labeller())
    assert not page.is_visible("#classes-card")
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (255, 0, 0)).save(file, format="PNG")
    choose(page, file.getvalue())
    assert rows(page) == [("cat", "88 %"), ("<b>bird</b>", "50 %")]
    page.fill("#confidence", "0.6")
    assert rows(page) == [("cat", "88 %")]
    assert [one["class"] for one in json.loads(saved(page, "#save-json")[1])["classes"]] == ["cat"]
    page.fill("#confidence", "0.95")
    assert page.text_content("#nothing") == "No label above this confidence."
    drawn = np.asarray(Image.open(io.BytesIO(saved(page, "#save-picture")[1])).convert("RGB")).astype(int)
    assert tuple(drawn[1, 1]) == (255, 0, 0)  # no name


def test_a_recognizers_page_names_things_and_saves_what_is_shown(opened):
    page = opened(fake_recognizer())
    assert not page.is_visible("#confidence-card")
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (200, 0, 0)).save(file, format="PNG")
    choose(page, file.getvalue())
    assert rows(page) == [("<b>red</b>", "1.00")]
    assert page.locator("b").count() == 0
    told = json.loads(saved(page, "#save-json")[1])
    assert (told["counts"], len(told["things"]), "detections" in told) == ({"<b>red</b>": 1}, 1, False)


def test_pasting_and_dropping_a_picture_look_at_it(opened):
    page = opened(fake_detector())
    for event, name in (("paste", "pasted.png"), ("drop", "dropped.png")):
        page.evaluate(
            """async ([kind, name]) => {
                const canvas = new OffscreenCanvas(30, 20);
                canvas.getContext("2d");
                const given = new DataTransfer();
                given.items.add(new File([await canvas.convertToBlob()], name, { type: "image/png" }));
                const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: given })
                    : new DragEvent("drop", { dataTransfer: given, cancelable: true });
                window.dispatchEvent(event);
            }""",
            [event, name],
        )
        page.wait_for_selector(f"#status:has-text('{name}, 30 × 20 pixels')")
        assert len(rows(page)) == 2


def test_the_camera_is_looked_at_until_it_is_stopped(opened):
    page = opened(fake_detector())
    asked, most = set(), []

    def begun(request):
        if "predict" in request.url:
            asked.add(request)
            most.append(len(asked))

    page.on("request", begun)
    page.on("requestfinished", lambda request: asked.discard(request))
    page.click("#camera")
    page.wait_for_selector("#speed:has-text('pictures a second')")
    assert page.get_attribute("#camera", "aria-pressed") == "true"
    while len(most) < 5:
        page.wait_for_event("requestfinished")
    page.click("#camera")
    assert page.inner_text("#status") == "The camera is off."
    assert max(most) == 1  # one picture in flight
    assert len(rows(page)) == 2


def test_a_row_that_the_keyboard_reaches_stands_out(opened):
    page = opened(fake_detector())
    choose(page, picture())
    before = page.locator("#view").screenshot()
    page.locator("tbody tr").nth(1).focus()
    assert page.locator("#view").screenshot() != before


def test_everything_is_reached_by_the_keyboard(opened):
    page = opened(fake_detector())
    choose(page, picture())
    reached = []
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    wanted = {"choose", "camera", "save-json", "save-picture", "confidence", "all", "none", "INPUT", "TR", "A"}
    assert wanted <= set(reached)


@pytest.mark.parametrize("width", [1280, 390, 360])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_lies_beyond_the_edge_and_all_text_is_legible(opened, width, scheme):
    page = opened(fake_detector(), width, scheme)
    choose(page, picture(), f"{'long' * 60}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink, ground = page.evaluate(
        "(({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(document.body))"
    )
    lightness = [sum(map(int, colour[4:-1].split(","))) for colour in (ink, ground)]
    assert (lightness[0] < lightness[1]) == (scheme == "light")
    assert abs(lightness[0] - lightness[1]) > 450
