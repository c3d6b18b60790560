"""The HTML page: whole, and nothing from a data set is markup in it."""

from html.parser import HTMLParser

from trizoo.show.page import Figure, Section, Table, html, mark

EMPTY = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Reads a page; every element that is opened must be closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page():
    evil = '<script>alert("x")</script> & "\'><img src=x onerror=y>'
    sections = [
        Section(evil, (evil,), (evil,), links=(("images.jpg", evil),)),
        Section("Pictures", figures=[Figure("image-1.jpg", (evil, "two"), (640, 480))]),
        Section("Table", tables=[Table((evil, "n"), [(evil, 12345), ("b", 1)], ((1, 2, 255), "stripes"))]),
    ]
    return evil, html(evil, sections, "trizoo data show")


def test_names_are_shown_as_they_are_and_never_as_markup():
    evil, text = page()
    read = Reader(text)
    assert read.all("script") == []
    assert [attributes["src"] for attributes in read.all("img")] == ["image-1.jpg"]
    assert read.all("img")[0]["alt"] == evil
    assert read.texts.count(evil) == 9  # title, two headings, two lines, link, caption, two cells
    assert not any("onerror" in attributes for _, attributes in read.elements)


def test_pictures_are_links_with_their_size_and_are_loaded_when_seen():
    read = Reader(page()[1])
    picture = read.all("img")[0]
    assert (picture["width"], picture["height"], picture["loading"]) == ("640", "480", "lazy")
    assert {"href": "image-1.jpg"} in read.all("a")


def test_numbers_stand_right_with_separators_and_rows_have_their_colours():
    read = Reader(page()[1])
    assert "12,345" in read.texts
    assert [cell.get("class") for cell in read.all("td")] == [None, "number"] * 2
    assert [swatch["style"].split()[1] for swatch in read.all("span")] == [
        "#0102ff",
        "repeating-linear-gradient(135deg,",
    ]


def test_a_page_names_the_command_that_made_it_near_its_beginning():
    assert mark("trizoo data show") in page()[1][:1000]


def test_a_picture_in_the_page_itself_is_no_link():
    figure = Figure("data:image/png;base64,AAAA", ("one",), (4, 3))
    read = Reader(html("title", [Section("", figures=[figure])], "trizoo evaluate"))
    assert read.all("img")[0]["src"] == figure.file
    assert read.all("a") == []


def test_shares_have_three_digits_and_what_is_not_defined_a_dash():
    rows = [("a", 0.5, None), ("b", 1.0, 3)]
    read = Reader(html("title", [Section("", tables=[Table(("x", "y", "z"), rows)])], "trizoo evaluate"))
    assert read.texts[-8:-2] == ["a", "0.500", "\N{EN DASH}", "b", "1.000", "3"]


def test_a_phone_shows_it_in_its_width_and_nothing_is_fetched_from_elsewhere():
    _, text = page()
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in Reader(text).all("meta")
    assert "http" not in text


def test_a_page_is_utf8_whatever_names_hold():
    text = html("新 \udce9 \x1b[31m\n", [Section("a\x00b", tables=[Table(("x",), [])])], "trizoo data show")
    assert text.encode("utf-8")
    read = Reader(text)
    assert "新 \\udce9 \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}" in read.texts
    assert "\x00" not in text
