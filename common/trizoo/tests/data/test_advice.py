from trizoo.data.advice import FEW_IMAGES, advice_on, none_to_train_on, on_few_images


def test_few_images_are_told_with_what_helps():
    assert on_few_images(499) == (
        "499 images to train on are few: pretrained weights (--weights TAG), freezing (--set freeze.epochs=N), more "
        "epochs (--epochs N) and stronger augmentation (docs/tricks.md) help"
    )
    assert on_few_images(1, pretrained=True).startswith("1 image to train on is few: freezing (--set")
    assert (on_few_images(FEW_IMAGES), on_few_images(0)) == (None, None)


def test_the_split_to_train_on_counts():
    assert advice_on({"train": ["a"] * FEW_IMAGES, "val": ["b"]}) == ()
    assert advice_on({"trainval": ["a"] * 3, "test": ["b"] * FEW_IMAGES})[0].startswith("3 images")
    assert advice_on({"all": ["a"]}) == ()


def test_a_split_to_train_on_that_holds_nothing_of_the_kind_is_called_empty_and_not_missing():
    assert none_to_train_on("set", {"train": [], "test": [], "val": []}) == (
        "the split train of set holds no image with labels of this kind; a model for the labels that it has, or lists "
        "of images with labels of this kind, would do"
    )
    assert none_to_train_on("set", {"trainval": [], "test": ["a"], "val": []}) == (
        "the split trainval of set holds no image with labels of this kind; "
        "--set data.train=SPLIT chooses another (test)"
    )
    assert none_to_train_on("set", {"test": ["a"]}) == (
        "set has the splits test and none called train or trainval; --set data.train=SPLIT chooses one"
    )
    assert none_to_train_on("set", {"train": [], "trainval": ["a"]}) is None
