"""What is worth knowing of a data set before anything is trained on it."""

FEW_IMAGES = 500


def on_few_images(count, pretrained=False):
    """A sentence that says what helps where there are few images to train on, None where there are enough.

    Args:
        pretrained: whether training begins with weights
    """
    if not 0 < count < FEW_IMAGES:
        return None
    weights = "" if pretrained else "pretrained weights (--weights TAG), "
    are = "image to train on is" if count == 1 else "images to train on are"
    return (
        f"{count} {are} few: {weights}freezing (--set freeze.epochs=N), more epochs (--epochs N) and stronger "
        f"augmentation (docs/tricks.md) help"
    )


def advice_on(splits):
    """Sentences for a person who is about to train on a data set; none where nothing has to be said.

    Args:
        splits: name -> ids
    """
    few = on_few_images(len(splits.get("train") or splits.get("trainval") or ()))
    return (few,) if few else ()
