import codecs
import math
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trizoo.data.boxes.listing import Annotation
from trizoo.data.boxes.voc_xml import read_annotation
from trizoo.ground.errors import UserError


def box(xmin, ymin, xmax, ymax):
    return f"<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>"


def thing(name="cat", corners=(1, 2, 3, 4), more=""):
    return f"<object>\n<name>{name}</name>{more}{box(*corners)}</object>\n"


def write(folder, body, name="a.xml"):
    path = folder / name
    text = f"<annotation>\n{body}</annotation>"
    path.write_bytes(body if isinstance(body, bytes) else text.encode())
    return path


def test_xmin_and_ymin_lose_one_and_nothing_else_changes(tmp_path):
    read = read_annotation(write(tmp_path, thing(corners=(1, 1, 10, 20)) + thing(corners=(48, 240.5, 195, 371.25))))
    assert [named.box for named in read.objects] == [(0, 0, 10, 20), (47, 239.5, 195, 371.25)]
    assert read.problems == ()


def test_everything_beside_the_boxes(tmp_path):
    body = (
        "<folder>x</folder><filename> C:\\data\\猫 1.JPG </filename><path>/wrong.jpg</path>"
        "<size><width>640</width><height>480</height><depth>3</depth></size>"
        + thing(" 猫 \n", more="<difficult>1</difficult><truncated> 0 </truncated><occluded>1</occluded>")
        + thing("dog", more="<difficult/><truncated>1</truncated>")
    )
    read = read_annotation(str(write(tmp_path, body)))
    assert read.image_name == "猫 1.JPG"
    assert read.size == (640, 480)
    assert [(o.name, o.difficult, o.crowd) for o in read.objects] == [("猫", True, False), ("dog", False, False)]
    assert not read.relative


def test_lines_are_those_of_the_names(tmp_path):
    read = read_annotation(write(tmp_path, thing() + "\n\n" + thing()))
    # <annotation> is line 1, the first object 2 with its name on 3 and its end, two blank lines 4 and 5, then 6 and 7
    assert [str(named.where) for named in read.objects] == ["line 3", "line 7"]


@pytest.mark.parametrize("size", ["", "<size/>", "<size><width>0</width><height>0</height></size>",
                                  "<size><width>a</width><height>5</height></size>"])  # fmt: skip
def test_size_that_makes_no_sense_is_none(tmp_path, size):
    assert read_annotation(write(tmp_path, size)).size is None


def test_annotation_without_objects(tmp_path):
    read = read_annotation(write(tmp_path, ""))
    assert (read.objects, read.problems, read.remarks, read.image_name) == ((), (), (), "")


def test_swapped_corners_are_put_right(tmp_path):
    read = read_annotation(write(tmp_path, thing(corners=(10, 2, 3, 40))))
    assert read.objects[0].box == (2, 1, 10, 40)
    assert [(p.kind, p.text) for p in read.problems] == [
        ("swapped corners", "line 3: cat (10, 2, 3, 40) has its corners swapped")
    ]


@pytest.mark.parametrize("corners", [(5, 5, 5, 5), (5, 5, 5, 9), (5, 9, 8, 9)])
def test_box_whose_corners_coincide_is_left_out(tmp_path, corners):
    read = read_annotation(write(tmp_path, thing(corners=corners)))
    assert read.objects == ()
    assert [p.kind for p in read.problems] == ["box without area"]


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        (f"<object>{box(1, 2, 3, 4)}</object>", "object without name"),
        (f"<object><name> </name>{box(1, 2, 3, 4)}</object>", "object without name"),
        ("<object><name>a</name></object>", "object without box"),
        ("<object><name>a</name><bndbox/></object>", "object without box"),
        ("<object><name>a</name><polygon><x1>1</x1></polygon></object>", "object without box"),
        (f"<object><name>a</name>{box('', 2, 3, 4)}</object>", "object without box"),
        (f"<object><name>a</name>{box('one', 2, 3, 4)}</object>", "object without box"),
        (f"<object><name>a</name>{box('nan', 2, 'inf', 4)}</object>", "object without box"),
        ("<object/>", "object without name"),
    ],
)
def test_incomplete_objects_are_left_out(tmp_path, element, kind):
    read = read_annotation(write(tmp_path, element + thing()))
    assert [p.kind for p in read.problems] == [kind]
    assert len(read.objects) == 1


def test_parts_and_polygons_are_no_objects(tmp_path):
    part = f"<part><name>head</name>{box(5, 5, 6, 6)}</part><polygon><x1>1</x1></polygon>"
    read = read_annotation(write(tmp_path, f"<object>{part}<name>person</name>{box(1, 2, 3, 4)}</object>"))
    assert [(o.name, o.box) for o in read.objects] == [("person", (0, 1, 3, 4))]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gbk", "big5", "utf-16", "utf-16-le", "utf-16-be", "euc-jp", "shift_jis"]
)
def test_declared_encodings_and_byte_order_marks(tmp_path, encoding):
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><annotation>{thing("犬")}</annotation>'
    read = read_annotation(write(tmp_path, text.encode(encoding)))
    assert [named.name for named in read.objects] == ["犬"]
    said = [] if encoding.startswith("utf-8") else [f"is written in {codecs.lookup(encoding).name}, which other tools"]
    assert [remark.text.removesuffix(" may not read") for remark in read.remarks] == said
    assert read.problems == ()


def test_utf_8_that_calls_itself_utf_16_is_read(tmp_path):
    text = f'<?xml version="1.0" encoding="utf-16"?><annotation>{thing("犬")}</annotation>'
    assert read_annotation(write(tmp_path, text.encode())).objects[0].name == "犬"


BOMB = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"<annotation><object>", "not well-formed"),
        (b"<annotation><name>R&D</name>", "not well-formed"),
        (b"not xml", "not well-formed"),
        (b"\x00\x01\x02", "not well-formed"),
        (b"<annotation>&undefined;</annotation>", "not well-formed"),
        (b"<html/>", "outermost tag is <html>"),
        ("<annotation>\xb0</annotation>".encode("latin-1"), "not utf-8 text"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "'klingon', which is unknown"),
        (b'<?xml version="1.0" encoding="base64"?><annotation/>', "'base64', which is unknown"),
        (b"<!DOCTYPE annotation><annotation/>", "DTD"),
        (f'<!DOCTYPE x [<!ENTITY a0 "ha">{BOMB}]><annotation>&a9;</annotation>'.encode(), "DTD"),
        (b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation>&f;</annotation>', "DTD"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><annotation/>', "DTD"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_sentence(tmp_path, content, reason):
    path = write(tmp_path, content, "注 释.xml")
    with pytest.raises(UserError, match=reason) as caught:
        read_annotation(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "missing.xml"):
        with pytest.raises(UserError, match="can't be read") as caught:
            read_annotation(path)
        assert str(path) in str(caught.value)


def test_deep_nesting_is_survived(tmp_path):
    assert read_annotation(write(tmp_path, "<a>" * 50_000 + "</a>" * 50_000)).objects == ()


@given(st.text(st.characters(exclude_categories=["C"]), max_size=8), st.lists(st.floats(), min_size=4, max_size=4))
def test_objects_always_have_a_name_and_an_area(tmp_path_factory, name, corners):
    folder = tmp_path_factory.getbasetemp()
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    read = read_annotation(write(folder, thing(escaped, corners)))
    assert len(read.objects) + len([p for p in read.problems if p.kind != "swapped corners"]) == 1
    for named in read.objects:
        assert named.name == unicodedata.normalize("NFC", " ".join(name.split()))
        xmin, ymin, xmax, ymax = named.box
        assert all(math.isfinite(side) for side in named.box)
        assert xmin <= xmax
        assert ymin <= ymax


def boxes(read):
    return [(named.name, named.box) for named in read.objects]


def remarks(read):
    return [(remark.kind, remark.text) for remark in read.remarks]


def test_place_of_an_object_is_found_when_it_is_asked_for(tmp_path):
    path = write(tmp_path, thing() + thing())
    first, second = read_annotation(path).objects
    path.write_text(f"<annotation>\n\n\n{thing()}</annotation>")
    # the file has one object less by now, and its name stands on line 5
    assert (str(first.where), str(second.where)) == ("line 5", "object 2")
    assert second.located("is small") == "object 2: is small"
    path.unlink()
    assert str(read_annotation(write(tmp_path, thing())).objects[0].where) == "line 3"


def test_several_bndbox_are_as_many_objects(tmp_path):
    body = f"<object><name>cat</name><difficult>1</difficult>{box(5, 5, 20, 20)}{box(40, 5, 60, 20)}</object>"
    read = read_annotation(write(tmp_path, body + thing()))
    assert boxes(read) == [("cat", (4, 4, 20, 20)), ("cat", (39, 4, 60, 20)), ("cat", (0, 1, 3, 4))]
    assert [named.difficult for named in read.objects] == [True, True, False]
    said = "holds several bndbox in 1 of 2 objects; each is an object of its own"
    assert (remarks(read), read.problems) == ([("several boxes", said)], ())


def test_each_of_several_bndbox_is_judged_by_itself(tmp_path):
    body = f"<object><name>cat</name>{box(5, 5, 5, 20)}<bndbox/>{box(40, 5, 60, 20)}</object>"
    read = read_annotation(write(tmp_path, body))
    assert boxes(read) == [("cat", (39, 4, 60, 20))]
    assert [problem.kind for problem in read.problems] == ["box without area", "object without box"]


@pytest.mark.parametrize(
    ("outline", "expected"),
    [
        # corners count from 0: the box is their bounds, without VOC's 1
        ("<polygon><pt><x>5</x><y>6</y></pt><pt><x>25</x><y>8</y></pt><pt><x>9</x><y>30</y></pt></polygon>",
         (5, 6, 25, 30)),
        ("<polygon><x1>5</x1><y1>6</y1><x2>25.5</x2><y2>8</y2><x3>9</x3><y3>30</y3></polygon>", (5, 6, 25.5, 30)),
        ("<polygon><point0>5,6</point0><point1>25,8</point1><point2>9,30</point2></polygon>", (5, 6, 25, 30)),
        ("<polygon><username>x y</username><points><point><x>5</x><y>6</y></point><point><x>25</x><y>8</y></point>"
         "<point><x>9</x><y>30</y></point></points></polygon>", (5, 6, 25, 30)),
        # a quarter turn: 20 wide and 10 high become 10 wide and 20 high
        ("<robndbox><cx>50</cx><cy>40</cy><w>20</w><h>10</h><angle>1.5707963267948966</angle></robndbox>",
         (45, 30, 55, 50)),
        # 45 degrees: both half sides are (20 + 10) / 2 / sqrt(2) = 10.6066
        ("<robndbox><cx>50</cx><cy>40</cy><w>20</w><h>10</h><angle>0.7853981633974483</angle></robndbox>",
         (39.3934, 29.3934, 60.6066, 50.6066)),
        ("<robndbox><x_left_top>5</x_left_top><y_left_top>6</y_left_top><x_right_top>25</x_right_top>"
         "<y_right_top>8</y_right_top><x_right_bottom>9</x_right_bottom><y_right_bottom>30</y_right_bottom></robndbox>",
         (5, 6, 25, 30)),
        ("<circle><cx>50</cx><cy>40</cy><r>7</r></circle>", (43, 33, 57, 47)),
    ],
)  # fmt: skip
def test_box_around_an_outline_stands_in_for_a_missing_bndbox(tmp_path, outline, expected):
    read = read_annotation(write(tmp_path, f"<object><name>cat</name>{outline}</object>" + thing()))
    assert read.objects[0].box == pytest.approx(expected, abs=1e-4)
    said = "has no bndbox in 1 of 2 objects; the box around the outline stands in"
    assert (remarks(read), read.problems) == ([("box of an outline", said)], ())
    beside = read_annotation(write(tmp_path, f"<object><name>cat</name>{outline}{box(1, 2, 3, 4)}</object>"))
    assert (boxes(beside), beside.remarks) == ([("cat", (0, 1, 3, 4))], ())


@pytest.mark.parametrize(
    "outline",
    [
        "<polygon/>",
        "<polygon><x1>5</x1><y1>6</y1><x2>25</x2><y2>8</y2></polygon>",
        "<polygon><x1>5</x1><y1>6</y1><x2>25</x2><y2>8</y2><x3>9</x3></polygon>",
        "<polygon><x1>5</x1><y1>6</y1><x2>25</x2><y2>8</y2><x3>9</x3><y3>a</y3></polygon>",
        "<polygon><x1>5</x1><y1>6</y1><x2>25</x2><y2>8</y2><x3>inf</x3><y3>7</y3></polygon>",
        "<polygon><x1>5</x1><y1>6</y1><x2>5</x2><y2>8</y2><x3>5</x3><y3>7</y3></polygon>",
        "<robndbox><cx>50</cx><cy>40</cy><w>20</w><h>10</h></robndbox>",
        "<robndbox><cx>50</cx><cy>40</cy><w>20</w><h>10</h><angle>inf</angle></robndbox>",
        "<circle><cx>50</cx><cy>40</cy><r>0</r></circle>",
    ],
)
def test_outline_that_gives_no_box_is_left_out(tmp_path, outline):
    read = read_annotation(write(tmp_path, f"<object><name>cat</name>\n{outline}</object>"))
    tag = outline.strip("</>").partition(">")[0]
    assert (read.objects, read.remarks) == ((), ())
    assert [(problem.kind, problem.text) for problem in read.problems] == [
        ("object without box", f"line 2: cat has no box around its {tag} and is left out")
    ]


def test_objects_below_other_tags_are_found_in_order(tmp_path):
    part = f"<object><name>wheel</name>{box(5, 5, 6, 6)}</object>"
    body = f"{thing('a')}<objects>{thing('b', more=part)}<group>{thing('c')}</group></objects>{thing('d')}"
    read = read_annotation(write(tmp_path, body))
    assert [named.name for named in read.objects] == ["a", "b", "c", "d"]
    assert [str(named.where) for named in read.objects] == ["line 3", "line 5", "line 7", "line 9"]
    said = "has objects below <group>, <objects>, where other tools may not look for them"
    assert (remarks(read), read.problems) == ([("objects below another tag", said)], ())


def test_objects_that_are_marked_as_deleted_are_left_out(tmp_path):
    read = read_annotation(write(tmp_path, thing("a", more="<deleted>1</deleted>") + thing("b", more="<deleted/>")))
    assert [named.name for named in read.objects] == ["b"]
    assert remarks(read) == [("deleted object", "marks 1 of 2 objects as deleted, which are left out")]


def test_tags_may_be_in_any_case_and_namespace(tmp_path):
    text = (
        '<v:Annotation xmlns:v="urn:voc"><v:Filename>b.jpg</v:Filename><v:Size><v:Width>640</v:Width><v:HEIGHT>480'
        f"</v:HEIGHT></v:Size>{thing().replace('<', '<v:').replace('<v:/', '</v:')}</v:Annotation>"
    )
    read = read_annotation(write(tmp_path, text.encode()))
    assert (boxes(read), read.image_name, read.size) == ([("cat", (0, 1, 3, 4))], "b.jpg", (640, 480))
    text = thing(more="<Difficult>1</Difficult>").replace("name>", "Name>").replace("xmin>", "XMin>")
    read = read_annotation(write(tmp_path, text.replace("object>", "OBJECT>").replace("bndbox", "BndBox")))
    assert (boxes(read), read.objects[0].difficult) == ([("cat", (0, 1, 3, 4))], True)
    read = read_annotation(write(tmp_path, f'<annotation xmlns="urn:voc">{thing()}</annotation>'.encode()))
    assert (boxes(read), read.remarks) == ([("cat", (0, 1, 3, 4))], ())


def test_comments_and_instructions_are_passed_over(tmp_path):
    inside = f"<!-- <object/> & -->{thing('c<!-- b -->at')}<?tool <x?>"
    text = f'<?xml version="1.0"?>\n<?tool x?><!-- <!DOCTYPE --><annotation>{inside}</annotation><!-- -->'
    read = read_annotation(write(tmp_path, text.encode()))
    assert (boxes(read), read.problems, read.remarks) == ([("cat", (0, 1, 3, 4))], (), ())


@pytest.mark.parametrize("before", ["\n", " \r\n\t", "\n\ufeff", "\ufeff\n", "\ufeff\ufeff\n"])
def test_blanks_and_marks_before_the_prolog_are_passed_over(tmp_path, before):
    text = f'{before}<?xml version="1.0" encoding="utf-8"?>\n<annotation>\n{thing("犬")}</annotation>'
    read = read_annotation(write(tmp_path, text.encode()))
    assert [named.name for named in read.objects] == ["犬"]
    line = 4 + before.count("\n")
    assert str(read.objects[0].where) == f"line {line}"
    assert remarks(read) == [("mended XML", "doesn't begin with its XML prolog, as XML wants it")]


def test_bare_ampersands_are_text(tmp_path):
    read = read_annotation(write(tmp_path, f"<filename>a&b.jpg</filename>{thing('R&D &amp; &#38; &x')}"))
    assert (boxes(read)[0][0], read.image_name) == ("R&D & & &x", "a&b.jpg")
    assert remarks(read) == [("mended XML", "has a bare & in 3 places, where XML wants &amp;")]


def test_lines_of_mended_files_are_their_own(tmp_path):
    path = write(tmp_path, b"\n\n<?xml version='1.0'?>\n<annotation>\n<object><name>R&D</name></object></annotation>")
    assert read_annotation(path).problems[0].text.startswith("line 5: R&D has no number for xmin")


@pytest.mark.parametrize(
    ("declared", "real", "name"),
    [("gb2312", "gb18030", "喆𠮷"), ("GB2312", "gbk", "镕"), ("gbk", "gb18030", "𠮷"), ("euc-kr", "cp949", "뷁")],
)
def test_text_of_a_wider_encoding_than_declared_is_read(tmp_path, declared, real, name):
    text = f'<?xml version="1.0" encoding="{declared}"?><annotation>{thing(name)}</annotation>'
    assert read_annotation(write(tmp_path, text.encode(real))).objects[0].name == name


def test_names_are_composed_and_their_blanks_joined(tmp_path):
    names = ["cafe\u0301", " traffic \n\t light ", "a\u3000b\xa0c"]
    read = read_annotation(write(tmp_path, "".join(map(thing, names))))
    assert [named.name for named in read.objects] == ["caf\xe9", "traffic light", "a b c"]


def test_endless_name_is_left_out(tmp_path):
    read = read_annotation(write(tmp_path, thing("a\u0301\u0323" * 400)))
    assert read.objects == ()
    assert [problem.kind for problem in read.problems] == ["object without name"]
    assert "has 1,200 characters; 1,000 are the limit" in read.problems[0].text


def test_file_of_nothing_but_faults_is_refused(tmp_path):
    assert len(read_annotation(write(tmp_path, "<object/>" * 20_000)).problems) == 20_000
    with pytest.raises(UserError, match=r"a\.xml has more than 20,000 faulty boxes; write it again"):
        read_annotation(write(tmp_path, "<object/>" * 20_001))


PLAIN = f"<annotation><size><width>9</width><height>8</height></size>{thing('R&amp;D')}{thing()}</annotation>".encode()
STRANGE = (
    '<?xml version="1.0" encoding="gb2312"?>\n<annotation xmlns="u"><!-- a --><size><width>9</width><height>8</height>'
    f"</size>{thing('R&amp;D')}<object><name>b</name><polygon><x1>1</x1><y1>2</y1></polygon></object></annotation>"
).encode()
PIECES = [
    *(
        b"<",
        b">",
        b"&",
        b"<!DOCTYPE a [",
        b"]>",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"<?",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\0",
    ),
    *(b"utf-16", b"idna", b"xmlns:", b"<object>", b"</object>", b"nan", b"\xc3", b"\xed\xa0\x80"),
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([PLAIN, STRANGE]), st.data())
def test_mutated_files_end_in_an_annotation_or_a_sentence(tmp_path_factory, content, data):
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 30)))
        piece = data.draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)))
        content = content[:start] + piece + content[end:]
    path = write(tmp_path_factory.getbasetemp(), content, "mutated.xml")
    try:
        read, sentence = read_annotation(path), ""
    except UserError as error:
        read, sentence = Annotation(path, ()), str(error)
    assert "\n" not in sentence
    for named in read.objects:
        assert named.name
        assert str(named.where).startswith("line ")
        assert all(map(math.isfinite, named.box))
