"""What is said of int8's price."""

from trizoo.deploy.int8 import worth


def said(after, before=0.5):
    names = ("mAP50", "mAP")
    return worth(dict.fromkeys(names, before), dict.fromkeys(names, after), "9 images of X (val)", "ONNX", "best.h5")


def test_metrics_before_and_after_are_told():
    assert said(0.5) == "int8: mAP50 0.5000 -> 0.5000, mAP 0.5000 -> 0.5000, on 9 images of X (val)"


def test_more_than_a_point_lost_is_a_warning_that_says_what_would_do():
    assert "warning" not in said(0.491)
    assert "warning" not in said(0.6)
    text = said(0.45)
    assert "warning: ONNX in int8 loses 5.0 points of mAP50 of best.h5; " in text
    assert "--half" in text


def test_a_metric_that_there_isnt_loses_nothing():
    assert "warning" not in said(None, None)
