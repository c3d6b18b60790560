import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.yolo.grid import cells_per_head, flatten_outputs, yolo_grid


def test_the_number_of_predictions_of_yolov3_is_that_of_its_paper():
    grid = yolo_grid(model_spec("yolov3", 80), (416, 416))
    assert len(grid.strides) == 10647  # (13 * 13 + 26 * 26 + 52 * 52) * 3
    assert grid.cells.shape == grid.anchors.shape == (10647, 2)


def test_the_flat_order_is_head_row_column_anchor():
    spec = model_spec("yolov3-tiny", 2)
    size = (96, 64)  # outputs of 3 x 2 and 6 x 4 cells
    outputs = []
    for head, (columns, rows) in enumerate(cells_per_head(spec, size)):
        values = np.zeros((1, rows, columns, 3, 7))
        for row, column, anchor in np.ndindex(rows, columns, 3):
            values[0, row, column, anchor] = [head, row, column, *spec.anchors[head][anchor], spec.strides[head], 0]
        outputs.append(values)
    (flat,) = flatten_outputs(outputs)
    grid = yolo_grid(spec, size)
    np.testing.assert_array_equal(flat[:, 0], grid.heads)
    np.testing.assert_array_equal(flat[:, [2, 1]], grid.cells)
    np.testing.assert_array_equal(flat[:, 3:5], grid.anchors)
    np.testing.assert_array_equal(flat[:, 5], grid.strides)


def test_the_grid_is_made_once_and_cannot_be_written_to():
    spec = model_spec("yolov3-tiny", 2)
    grid = yolo_grid(spec, (64, 64))
    assert yolo_grid(model_spec("yolov3-tiny", 2), (64, 64)) is grid
    with pytest.raises(ValueError, match="read-only"):
        grid.cells[0] = 1


@pytest.mark.parametrize("size", [(416, 400), (0, 32)])
def test_a_size_that_the_strides_do_not_divide_is_refused(size):
    with pytest.raises(ValueError, match="both sides must be multiples of the strides"):
        yolo_grid(model_spec("yolov3", 1), size)
