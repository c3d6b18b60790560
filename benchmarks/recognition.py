"""Recognition of drawn scenes end to end: how many known things get their own name, how many others none.

    trizoo synth scenes --task recognition
    python benchmarks/recognition.py scenes --detector detector.h5 --embedding embedding.h5 --gallery things.h5

The scenes' annotations say what is there; what the gallery doesn't name is unknown. Also timed: 1,000 pictures that are
added to a gallery, and the search in galleries of random vectors.
"""

import argparse
import time

import numpy as np

from trizoo import load_recognizer
from trizoo.data.boxes.find import find_boxes
from trizoo.gallery.gallery import Entry, Gallery
from trizoo.gallery.index import make_index, recall
from trizoo.gallery.pipeline import MARGIN
from trizoo.gallery.score import score
from trizoo.gallery.threshold import with_threshold

DIMENSIONS = 256


def scenes(args):
    """Prints the table of the scenes of one split."""
    names = ("gallery", "embedding", "detector", "framework")
    given = {name: getattr(args, name) for name in names}
    recognizer = load_recognizer(**given, threshold=args.threshold, margin=args.margin, agnostic=True)
    data = find_boxes(args.root).open(args.split)
    found = recognizer([record.image for record in data.records])
    truth = [(record.boxes, [data.classes[label] for label in record.labels.tolist()]) for record in data.records]
    print(f"{len(truth)} scenes ({args.split}), margin {args.margin}, threshold {recognizer.threshold:.3f}")
    print(score(found, truth, recognizer.names))


def entries(count, start=0):
    """Entries of a hundred names, whose vectors lie around a random one of each name at a cosine near 0.7."""
    numbers = range(start, start + count)
    centres = np.random.default_rng(0).standard_normal((100, DIMENSIONS)).astype(np.float32)
    vectors = np.random.default_rng([1, start]).standard_normal((count, DIMENSIONS)).astype(np.float32)
    vectors += centres[np.array(numbers) % 100]  # as long as the noise: 1 / sqrt(2)
    return [
        Entry(f"name{number % 100:02d}", f"{number}.jpg", number.to_bytes(32, "big"), vector)
        for number, vector in zip(numbers, vectors, strict=True)
    ]


def galleries(counts):
    """Prints times of galleries of these sizes."""
    print("| pictures | 1,000 more added | search of 100, exact | graph made | search by it | its recall@10 |")
    print("| --- | --- | --- | --- | --- | --- |")
    about = {"model": "none", "sha256": "0", "input_size": [64, 64], "resize": "letterbox"}
    for count in counts:
        gallery = Gallery(about).joined(entries(count))
        new, start = entries(1000, count), time.perf_counter()
        with_threshold(gallery.joined(new))
        added = time.perf_counter() - start
        cells = [f"{added:.1f} s"]
        queries, exact = gallery.vectors[:100], make_index(gallery, exact=True)
        start = time.perf_counter()
        exact.search(queries, 10)
        cells.append(f"{time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        try:
            graph = make_index(gallery, exact=False)
        except Exception as error:  # usearch isn't there
            cells += [str(error), "", ""]
        else:
            cells.append(f"{time.perf_counter() - start:.1f} s")
            start = time.perf_counter()
            graph.search(queries, 10)
            cells += [f"{time.perf_counter() - start:.3f} s", f"{recall(graph, gallery):.3f}"]
        print(f"| {count:,} | {' | '.join(cells)} |")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="How well and how fast things are recognised.")
    parser.add_argument("root", nargs="?", help="scenes with boxes whose classes are the names of things")
    parser.add_argument("--split", default="test", help="of the scenes (test)")
    for name in ("detector", "embedding", "gallery", "framework"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--threshold", type=float, help="least similarity of a known thing (the gallery's)")
    parser.add_argument(
        "--galleries", type=int, nargs="*", default=[], metavar="N", help="time galleries of N pictures"
    )
    parser.add_argument("--margin", type=float, default=MARGIN, help="of crops around boxes (%(default)s)")
    args = parser.parse_args()
    if args.root:
        scenes(args)
    if args.galleries:
        galleries(args.galleries)


if __name__ == "__main__":
    main()
