from trizoo.ground.text import counted


def test_one_thing_is_no_plural():
    assert [counted(count, "line") for count in (0, 1, 2, 1200)] == ["0 lines", "1 line", "2 lines", "1,200 lines"]
    assert [counted(count, "class", "classes") for count in (1, 2)] == ["1 class", "2 classes"]
