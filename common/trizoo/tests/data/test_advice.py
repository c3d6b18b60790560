from trizoo.data.advice import FEW_IMAGES, advice_on, on_few_images


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
