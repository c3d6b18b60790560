"""The labels of things in a picture, boxes or points: their names and scores, placed so that none covers another."""

from dataclasses import dataclass
from typing import Any

from trizoo.pictures.fonts import label_faces, load_font
from trizoo.pictures.labels import leader, make_label, place_labels
from trizoo.pictures.palette import class_colours, text_colours


@dataclass(frozen=True)
class Tags:
    """Labels of things, placed, and the colours of all classes.

    Args:
        corners: [first and last pixel in x and y] of each thing, which its label stands beside
        labels: class ids
        placed: [(number of the thing, Label, (left, top))], of those that have room
        colours, inks: of each class, as Pillow has them: of what is drawn, and of letters on it
    """

    corners: Any
    labels: Any
    placed: list
    colours: list
    inks: list

    def draw(self, pen, thickness):
        """Draws them with a Pillow pen, and a line to each that stands apart.

        Args:
            thickness: pixels of the things' lines
        """
        for number, label, place in self.placed:
            line = leader(place, label.size, self.corners[number])
            if line is not None:
                pen.line(line, fill=self.colours[self.labels[number]], width=max(1, thickness // 2))
        for number, label, place in self.placed:  # after all lines, so that none crosses a label
            label.draw(pen, place, self.colours[self.labels[number]], self.inks[self.labels[number]])


def place_tags(order, corners, labels, scores, class_names, font_size, picture, labelled):
    """The Tags of things in a picture.

    Args:
        order: numbers of the things as they are drawn; the last one's label chooses its place first
        corners, labels: see `Tags`
        scores: (N,), or None
        font_size: in pixels
        picture: (width, height)
        labelled: whether there are labels at all
    """
    colours = class_colours(len(class_names))
    inks = [tuple(colour) for colour in text_colours(colours).tolist()]
    colours = [tuple(colour) for colour in colours.tolist()]
    shown, made = list(reversed(order)) if labelled else [], {}
    faces = label_faces(tuple(class_names)) if shown else ()
    for number in shown:
        text, file = faces[labels[number]]
        ending = "" if scores is None else f" {scores[number]:.2f}"
        label = make_label(text, load_font(file, font_size), picture, ending)
        if label is not None:
            made[number] = label
    places = place_labels([label.size for label in made.values()], [corners[number] for number in made], picture)
    placed = [(number, label, at) for (number, label), at in zip(made.items(), places, strict=True) if at is not None]
    return Tags(corners, labels, placed, colours, inks)
