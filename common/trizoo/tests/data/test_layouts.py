from trizoo.data.boxes import find as boxes
from trizoo.data.classes import find as classes
from trizoo.data.layouts import LAYOUTS
from trizoo.data.masks import find as masks


def test_layouts_are_those_of_all_tables_each_once():
    assert {*LAYOUTS} == {*boxes.FINDERS, *masks.FINDERS, *classes.FINDERS, *classes.OF_LABELS}
    assert len({*LAYOUTS}) == len(LAYOUTS)
