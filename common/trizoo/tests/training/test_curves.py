"""The picture of a log: size, content, and odd logs."""

import io

import numpy as np
import pytest
from PIL import Image

from trizoo.training.curves import draw_curves, smooth


def picture(records):
    return np.asarray(Image.open(io.BytesIO(draw_curves(records))).convert("RGB"))


def step(number, **terms):
    return {"kind": "step", "step": number, "epoch": 1, "lr": 0.01, **terms}


def epoch(number, **values):
    return {"kind": "epoch", "step": number, "epoch": number, "seconds": 1.0, **values}


def test_smoothing_is_the_mean_of_the_finite_neighbours():
    values = np.array([1.0, 3.0, np.nan, 8.0, np.inf])
    # windows of three: (1 + 3) / 2, (1 + 3) / 2, (3 + 8) / 2, 8, 8
    assert smooth(values, 3).tolist() == [2.0, 2.0, 5.5, 8.0, 8.0]
    assert smooth(values[:1], 3).tolist() == [1.0]
    assert np.isnan(smooth(np.array([np.nan, np.nan]), 1)).all()


@pytest.mark.parametrize(
    "records",
    [
        [],
        [step(1, loss=3.0)],
        [step(1, loss=None)],
        [step(1, loss=None), step(2, loss=1.0, box=0.0), step(3, loss=1e4), epoch(1, mAP50=None, mAP=None)],
        [epoch(1, loss=1.0, mAP50=0.5, mAP=0.1)],
        [{"kind": "step", "step": 1, "epoch": 1, "lr": None}],
        [step(1, loss=1.0, images=["a", "b"], note="resumed")],
        [step(1, loss="low"), step(2, loss=1.0), step(3, loss=10**400)],
        [step(1, loss=1.0), epoch(1, validation_loss=2.0, loss_gap=1.0), epoch(2, validation_loss=None, loss_gap=None)],
    ],
    ids=["empty", "one point", "nan", "mixed", "only epochs", "no terms", "more keys", "no numbers", "validation loss"],
)
def test_any_log_gives_a_picture_of_1000_by_700(records):
    assert picture(records).shape == (700, 1000, 3)


def test_losses_learning_rate_and_validation_each_change_their_panel():
    panels = {"loss": np.s_[:400, :], "rate": np.s_[430:, :480], "validation": np.s_[430:, 520:]}
    log = [step(i, loss=2.0 - i / 20) for i in range(1, 11)] + [epoch(1, mAP50=0.2), epoch(2, mAP50=0.4)]
    changes = {
        "loss": [{**record, "loss": 1.0} if record["kind"] == "step" else record for record in log],
        "rate": [{**record, "lr": 0.01 / record["step"]} for record in log],
        "validation": [{**record, "mAP50": 0.9} if record["kind"] == "epoch" else record for record in log],
        "loss of validation": [{**record, "validation_loss": 1.7} for record in log],
    }
    before = picture(log)
    for name, changed in changes.items():
        different = picture(changed) != before
        assert {panel for panel, place in panels.items() if different[place].any()} == {name.split()[0]}
