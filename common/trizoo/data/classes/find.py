"""Which format of classes a user's folder holds."""

from trizoo.data.classes.folders import find_class_folders
from trizoo.data.classes.lists import find_class_lists, find_label_lists, find_spaced_lists
from trizoo.data.finding import contents, listings
from trizoo.ground.errors import UserError

# layout -> function of a folder, and of the folder of images and the list where a person named them:
# its `trizoo.data.classes.index.ClassIndex`, or None where nothing is of this layout
FINDERS = {"class-lists": find_class_lists, "class-folders": find_class_folders}


# the same of images with any number of labels
OF_LABELS = {"label-lists": find_label_lists}


class NoClassesError(UserError):
    """Nothing in a folder looks like a data set of classes."""


def find_classes(root, layout=None, images=None, annotations=None):
    """The `ClassIndex` of a data set of classes.

    Args:
        layout: one of FINDERS, None for the first of them that is there
        images, annotations: where they lie; see `trizoo.data.finding.listings`

    Raises:
        NoClassesError: a UserError, where nothing is found
        UserError: where it can't be used
    """
    found = next(listings(root, FINDERS, layout, images, annotations), None)
    if found is None:
        next(listings(root, {"class-lists": find_spaced_lists}, None, images, annotations), None)
        raise NoClassesError(
            f"no data set of classes in {root}: two folders of classes with images, train/CLASS/…, or lists with an "
            f"image, a tab and its class a line (train.txt, labels.csv) were looked for; {contents(root)}"
        )
    return found


def find_label_sets(root, layout=None, images=None, annotations=None):
    """As `find_classes`, of a data set whose images have any number of labels; its layout is one of OF_LABELS."""
    found = next(listings(root, OF_LABELS, layout, images, annotations), None)
    if found is None:
        next(listings(root, {"label-lists": find_spaced_lists}, None, images, annotations), None)
        folders = next(listings(root, {"class-folders": find_class_folders}, None, images), None)
        there = "it holds folders of classes, which models for classification take" if folders else contents(root)
        raise NoClassesError(
            f"no data set of labels in {root}: lists with an image and its labels a line, tabs or in .csv commas "
            f"between them, were looked for (train.txt, labels.csv); {there}"
        )
    return found
