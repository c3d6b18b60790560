"""The site of docs/: `sphinx-build -W --keep-going -c docs/site docs build/site`, which is what `tox -e site` does."""

import posixpath
import re

from docutils import nodes

from trizoo import __version__

project, author, version, release = "TriZoo", "the TriZoo authors", __version__, __version__
project_copyright = "the TriZoo authors, MIT licence"
extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["site"]
html_theme = "furo"
html_title = f"TriZoo {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["../recipe.schema.json"]
html_show_sphinx = html_copy_source = False
myst_heading_anchors = 4  # headings are linked to as GitHub names them
nitpicky = True
pygments_style, pygments_dark_style = "tango", "github-dark"
highlight_language = "none"

LANGUAGES = {  # how a block begins, or has a line that begins -> its language
    "python": r"(import|from|def|class|for|with) .*|[a-z_]+ = .*\(.*",
    "yaml": r"_base_: .*|augment:",
    "bash": r"(trizoo|python|pip|curl|docker|git|find|ffmpeg|(train|evaluate|predict|export)\.py) .*",
}


def name_languages(app, tree):
    """Gives the indented blocks of a page, which say no language, the one that they are in, for their colours."""
    for block in tree.findall(nodes.literal_block):
        lines = block.astext().splitlines()
        found = (name for name, begins in LANGUAGES.items() if any(re.fullmatch(begins, line) for line in lines))
        if block.get("language", "none") in ("none", "default"):
            block["language"] = next(found, "none")


def name_pages(app, tree, page):
    """Links whose text is a file's name, such as commands.md, are called by the title of that page."""
    for link in tree.findall(nodes.reference):
        if re.fullmatch(r"[\w./-]+\.md", link.astext()) and "refuri" in link:
            to = posixpath.normpath(posixpath.join(posixpath.dirname(page), link["refuri"].partition("#")[0]))
            link.children = [nodes.Text(app.env.titles[to.removesuffix(".html")].astext())]


def setup(app):
    """Sphinx's door."""
    app.connect("doctree-read", name_languages)
    app.connect("doctree-resolved", name_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
