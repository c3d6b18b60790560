"""Plots of what a data set holds: what they show, whatever it holds."""

from pathlib import Path

import numpy as np
import pytest

from trizoo.data.statistics import GRID, MaskStatistics, of_boxes
from trizoo.ground.sample import Record
from trizoo.show.plots import MOST_BARS, MOST_MAPS, draw_boxes, draw_masks


def boxes_of(boxes, labels, classes):
    """BoxStatistics of one image of 640x480."""
    record = Record("a", Path("a.jpg"), (640, 480), np.array(boxes, np.float32), np.array(labels, np.int64))
    return of_boxes([record], classes)


def masks_of(pixels):
    coverage = np.linspace(0, 1, len(pixels))[:, None, None] * np.ones((GRID, GRID))
    return MaskStatistics(np.array(pixels), 3, np.ones(len(pixels), int), 0, 0.0, coverage, {(40, 30): 3})


def bars(figure):
    return [patch.get_width() for patch in figure.axes[0].patches]


def test_classes_have_a_bar_each_the_greatest_on_top():
    figure = draw_boxes(boxes_of([[0, 0, 9, 9]] * 4, [1, 1, 1, 0], 3), ("a", "b $x$", "c"))["classes"]
    assert bars(figure) == [0, 1, 3]  # from below: c, a, b
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["c", "a", "b $x$"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "1", "3"]


def test_very_uneven_classes_have_a_logarithmic_axis():
    def scale(*counts):
        statistics = boxes_of([[0, 0, 9, 9]] * sum(counts), np.repeat([0, 1], counts), 2)
        return draw_boxes(statistics, ("a", "b"))["classes"].axes[0].get_xscale()

    assert scale(60, 1) == "log"
    assert scale(40, 1) == "linear"


def test_sizes_and_shapes_are_histograms_of_all_boxes():
    # sides 10, 50, 100; ratios 1, 1, 4
    figures = draw_boxes(boxes_of([[0, 0, 10, 10], [0, 0, 50, 50], [0, 0, 200, 50]], [0, 0, 0], 1), ("a",))
    sizes, shapes = figures["sizes"].axes[0], figures["shapes"].axes[0]
    for axes in (sizes, shapes):
        assert sum(patch.get_height() for patch in axes.patches) == 3
    assert sizes.get_title() == "sizes of boxes: 1 small, 1 medium, 1 large"
    assert sizes.get_xlim() == (3, 7)  # 8 to 128 pixels
    assert [sizes.xaxis.get_major_formatter()(power, None) for power in (3, 7)] == ["8", "128"]
    assert [shapes.xaxis.get_major_formatter()(power, None) for power in (-1, 0, 2)] == ["1:2", "1:1", "4:1"]
    assert "between 1:1 and 2.5:1" in shapes.get_title()  # a quarter below 1, three below (1 + 4) / 2


def test_a_map_of_few_boxes_has_large_cells_and_holds_them_all():
    figure = draw_boxes(boxes_of([[0, 0, 10, 10], [620, 470, 640, 480]], [0, 0], 1), ("a",))["positions"]
    shown = figure.axes[0].images[0].get_array()
    assert shown.shape == (8, 8)
    assert shown[0, 0] == shown[7, 7] == 1
    assert shown.sum() == 2
    many = draw_boxes(boxes_of([[0, 0, 10, 10]] * 8 * GRID * GRID, [0] * 8 * GRID * GRID, 1), ("a",))["positions"]
    assert many.axes[0].images[0].get_array().shape == (GRID, GRID)


def test_masks_have_shares_of_pixels_and_a_map_a_class():
    figures = draw_masks(masks_of([900, 100]), ("ground", "cell"))
    assert bars(figures["classes"]) == [100, 900]
    assert [text.get_text() for text in figures["classes"].axes[0].texts] == ["10.00%", "90.00%"]
    maps = [axes for axes in figures["positions"].axes if axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["ground: 0 to 0%", "cell: 0 to 100%"]
    assert maps[1].images[0].get_array().min() == 1
    assert "of 3 masks" in figures["positions"].get_suptitle()


@pytest.mark.parametrize("count", [1, 2, 13, 255])
def test_any_number_of_classes_is_drawn(tmp_path, count):
    names = tuple(f"class {number}" for number in range(count))
    figures = draw_masks(masks_of(list(range(1, count + 1))), names)
    assert len(figures["classes"].axes[0].patches) == min(count, MOST_BARS)
    assert sum(bool(axes.get_title()) for axes in figures["positions"].axes) == min(count, MOST_MAPS)
    for stem, figure in figures.items():
        figure.savefig(tmp_path / f"{stem}.png")
        assert (tmp_path / f"{stem}.png").stat().st_size < 1 << 20


def test_one_box_alone_is_drawn(tmp_path):
    for figure in draw_boxes(boxes_of([[3, 3, 67, 67]], [0], 1), ("a",)).values():  # a side that is a power of 2
        figure.savefig(tmp_path / "a.png")
