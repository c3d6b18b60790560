"""The page at /: one HTML text with its style and script inside, and the policy that lets nothing else run."""

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files

_SCRIPTS = ("draw.js", "results.js", "camera.js", "page.js")


@dataclass(frozen=True)
class Page:
    """A page, ready to be sent.

    Args:
        body: its HTML
        policy: of its Content-Security-Policy header
    """

    body: bytes
    policy: str


def make_page():
    """The Page, from the files in `web`."""
    web = files("trizoo.serve") / "web"
    text = {name: (web / name).read_text(encoding="utf-8") for name in ("page.html", "page.css", *_SCRIPTS)}
    style, script = text["page.css"], "\n".join(text[name] for name in _SCRIPTS)
    html = text["page.html"].replace("/* page.css */", style, 1).replace("/* page.js */", script, 1)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src 'self' blob: data:; "
        f"media-src blob:; connect-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(html.encode(), policy)


def _hash(text):
    """As the policy has it. Browsers hash the text between the tags."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
