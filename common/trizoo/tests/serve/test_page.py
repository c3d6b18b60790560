import base64
import hashlib
import re

from trizoo.serve.page import make_page


def text():
    """The page's HTML."""
    return make_page().body.decode()


def test_nothing_is_loaded_from_elsewhere():
    addresses = {address for address in re.findall(r"(?:https?:)?//[\w.]+\.\w+", text()) if "w3.org" not in address}
    assert addresses == set()  # w3.org names what SVG is, and nobody asks it
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*\ssrc=", text())


def test_the_policy_lets_this_style_and_this_script_run_and_no_other():
    policy = make_page().policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_names_never_become_html():
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\son\w+=", text())


def test_every_part_is_in_its_place():
    assert "/* page." not in text()
    ids = re.findall(r'\sid="([\w-]+)"', text())
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'byId\("([\w-]+)"\)', text())) <= set(ids)
