"""The sections of a page that show images: as they are in the data set, and as training gets them."""

from collections import Counter

import numpy as np

from trizoo.augment.pipeline import OF_SEVERAL
from trizoo.data.statistics import evenly
from trizoo.ground.conventions import IGNORE
from trizoo.show.page import Figure, Section
from trizoo.show.pictures import SIDE, annotated, by_share, large_side, sheet
from trizoo.tasks.writers import save_picture

MOST_ON_A_SHEET = 48


class Sheets:
    """Draws samples into files and gives the sections that hold them.

    Args:
        source: the split, opened
        folder: `trizoo.show.folder.PageFolder`
        legend: whether its pictures need one
    """

    def __init__(self, source, folder, legend):
        self.source, self.folder, self.legend = source, folder, legend

    def some(self, count):
        """At most so many of the images, evenly chosen -> Section."""
        chosen = evenly(len(self.source), count)
        shown = ((f"image-{index}.jpg", self._sample(index), (self._name(index),)) for index in chosen)
        figures, links = self._draw("images.jpg", shown)
        more = (f"{len(chosen)} of {len(self.source)}, evenly chosen; --index N shows image N large",)
        return Section("Images", more=more, figures=figures, links=links)

    def large(self, index):
        """One image, large, with its file -> Section."""
        record, sample = self.source.records[index], self.source.sample(index)
        picture = annotated(sample, self.source.classes, large_side(sample.size))
        caption = (str(record.image), "{}x{} pixels".format(*record.size), self._held(sample))
        figures = [self._figure(f"image-{index}.jpg", picture, caption)]
        return Section(f"Image {self._name(index)}", figures=figures, layout="wide")

    def batches(self, preview, count, recipe):
        """The first batches of a run, of so many images in all -> list of Sections.

        Args:
            preview: `trizoo.training.preview.Preview`
        """
        sections = []
        for plan, samples in preview.batches(count):
            captions = [(self._name(index),) for index in plan.indices[: len(samples)]]
            title = f"Augmented: step {plan.step + 1}, {_size(samples[0])}"
            if plan.epoch:
                title += f", epoch {plan.epoch + 1}"
            sections.append(self._augmented(title, f"batch-{plan.step + 1}", samples, captions, recipe))
        return sections

    def epochs(self, preview, index, count, recipe):
        """One image as a run gets it, at most so many times -> Section."""
        found = list(preview.epochs(index, count))
        captions = [(f"epoch {plan.epoch + 1}, step {plan.step + 1}, {_size(sample)}",) for plan, sample in found]
        samples = [sample for _, sample in found]
        title = f"Augmented: {self._name(index)}, the first times that it is trained on"
        return self._augmented(title, f"epochs-{index}", samples, captions, recipe)

    def _augmented(self, title, stem, samples, captions, recipe):
        shown = zip(samples, captions, strict=True)
        named = ((f"{stem}-{number}.jpg", *pair) for number, pair in enumerate(shown, 1))
        figures, links = self._draw(f"{stem}.jpg", named)
        steps = [operation.op for operation in recipe.augment]
        more = [f"recipe of {recipe.model.name}, seed {recipe.seed}: {', '.join(steps) or 'no augmentation'}"]
        if {*OF_SEVERAL} & {*steps}:
            more.append(f"what {' and '.join(s for s in steps if s in OF_SEVERAL)} made holds other images too")
        return Section(title, more=tuple(more), figures=figures, links=links)

    def _draw(self, together, shown):
        """Writes a picture of each sample, and the first in one: -> list of Figures, links to what they are all in.

        Args:
            together: the name of the file of several
            shown: (file name, Sample, lines of its caption) each
        """
        figures, pictures = [], []
        for name, sample, caption in shown:
            picture = annotated(sample, self.source.classes)
            figures.append(self._figure(name, picture, (*caption, self._held(sample))))
            if len(pictures) < MOST_ON_A_SHEET:
                pictures.append(picture)
        if not pictures:
            return [], ()
        save_picture(self.folder.file(together), sheet(pictures, self.source.classes if self.legend else None))
        text = "all" if len(pictures) == len(figures) else f"the first {len(pictures)}"
        return figures, ((together, f"{text} in one picture"),)

    def _sample(self, index):
        """An image of the data set, decoded no larger than it is shown if possible."""
        size = self.source.records[index].size
        ratio = min(1, SIDE / max(size))
        return self.source.sample(index, at_least=tuple(max(1, round(side * ratio)) for side in size))

    def _name(self, index):
        return f"{index}: {self.source.records[index].id}"

    def _held(self, sample):
        """What a sample holds, as text."""
        names = self.source.classes
        if sample.mask is not None:
            shares = np.bincount(sample.mask.ravel(), minlength=256) / sample.mask.size
            held = [f"{names[label]} {shares[label]:.0%}" for label in np.flatnonzero(shares[: len(names)])]
            return ", ".join([*held, *([f"ignored {shares[IGNORE]:.0%}"] if shares[IGNORE] else [])])
        if sample.shares is not None:
            return shared_names(sample.shares, names)
        counts = sorted(Counter(sample.labels.tolist()).items())
        return ", ".join(f"{count} {names[label]}" for label, count in counts) or "no box"

    def _figure(self, name, picture, caption):
        save_picture(self.folder.file(name), picture)
        return Figure(name, caption, picture.shape[1::-1])


def shared_names(shares, names):
    """The classes of a whole image as text, the greatest share first; of those that aren't whole with the share."""
    told = (f"{names[label]}{f' {share:.0%}' if share < 1 else ''}" for label, share in by_share(shares).items())
    return ", ".join(told) or "no label"


def _size(sample):
    return "{}x{}".format(*sample.size)
