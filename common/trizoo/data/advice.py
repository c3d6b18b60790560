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


def none_to_train_on(root, splits):
    """The sentence about a data set whose splits hold none to train on, None where one does, or where there are none.

    Args:
        splits: name -> ids
    """
    if not splits or splits.get("train") or splits.get("trainval"):
        return None
    empty = next((name for name in ("train", "trainval") if name in splits), None)
    if empty:
        others = sorted(name for name, ids in splits.items() if len(ids))
        would_do = f"--set data.train=SPLIT chooses another ({', '.join(others)})"
        if not others:
            would_do = "a model for the labels that it has, or lists of images with labels of this kind, would do"
        return f"the split {empty} of {root} holds no image with labels of this kind; {would_do}"
    return (
        f"{root} has the splits {', '.join(sorted(splits))} and none called train or trainval; "
        f"--set data.train=SPLIT chooses one"
    )


def advice_on(splits):
    """Sentences for a person who is about to train on a data set; none where nothing has to be said.

    Args:
        splits: name -> ids
    """
    name = next((name for name in ("train", "trainval") if splits.get(name)), None)
    if name is None:
        return ()
    few = on_few_images(len(splits[name]))
    notes = [few] if few else []
    if not splits.get("val") and len(splits[name]) > 1:
        notes.append(f"no split is for validation, so training holds back a fifth of {name} to choose the best epoch")
    return tuple(notes)
