"""Reading a data set with boxes: the first time, again, and in full, against what there is without the zoo.

A tree in VOC layout of as many images as VOC 2007 and 2012 have together is drawn once, into --folder. Measured, as
seconds and as ratios to a peer in the same run:

- first: lists, annotations, headers of images, boxes on their images (peer: ElementTree alone on the XML files)
- again: nothing has changed, so the kept index is mapped
- check: every picture decoded (peer: Pillow alone, by as many threads)
- shards: the same images from tar shards: opened the first time, and samples/s beside those from files
- memory: bytes that an image with 13 boxes takes in the arrays, and two million of them
"""

import argparse
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from trizoo.data.check import check
from trizoo.ground.cores import available_cores
from trizoo.ground.memory import keep_freed_memory

VOC_IMAGES = 16_551  # trainval of 2007 and 2012, Everingham et al. 2015
SIZE = (500, 375)  # VOC's most common one
DIFFERENT = 300  # pictures that are drawn; the rest are copies
CLASSES = 20
SAMPLES = 1000  # that are decoded from files and from shards
XML = """<annotation>
	<folder>VOC2007</folder>
	<filename>{id}.jpg</filename>
	<source>
		<database>The VOC2007 Database</database>
		<annotation>PASCAL VOC2007</annotation>
		<image>flickr</image>
	</source>
	<size>
		<width>{width}</width>
		<height>{height}</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>
{objects}</annotation>
"""
OBJECT = """	<object>
		<name>class {label}</name>
		<pose>Unspecified</pose>
		<truncated>0</truncated>
		<difficult>{difficult}</difficult>
		<bndbox>
			<xmin>{xmin}</xmin>
			<ymin>{ymin}</ymin>
			<xmax>{xmax}</xmax>
			<ymax>{ymax}</ymax>
		</bndbox>
	</object>
"""


def draw(root, images):
    """A tree in VOC layout of smooth noise, which is as large in bytes as photographs are."""
    rng = np.random.default_rng(0)
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for number in range(images):
        path = root / "JPEGImages" / f"{number:06d}.jpg"
        if number < DIFFERENT:
            small = rng.integers(0, 256, (SIZE[1] // 3, SIZE[0] // 3, 3), np.uint8)
            Image.fromarray(small).resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=90)
        else:
            shutil.copyfile(root / "JPEGImages" / f"{number % DIFFERENT:06d}.jpg", path)
        objects = ""
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4, 6])):  # 2.5 on average, as VOC has
            corner = rng.integers(1, (SIZE[0] - 50, SIZE[1] - 50))
            other = corner + rng.integers(10, 49, 2)
            places = dict(zip(("xmin", "ymin", "xmax", "ymax"), (*corner, *other), strict=True))
            objects += OBJECT.format(label=rng.integers(CLASSES), difficult=int(rng.random() < 0.1), **places)
        text = XML.format(id=f"{number:06d}", width=SIZE[0], height=SIZE[1], objects=objects)
        (root / "Annotations" / f"{number:06d}.xml").write_text(text, encoding="utf-8")
    ids = [f"{number:06d}" for number in range(images)]
    for split, part in (("train", ids[: -images // 5]), ("val", ids[-images // 5 :])):
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(part), encoding="utf-8")


def timed(function):
    """Seconds that a call takes, and what it gives."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def opened(root):
    """The training and the validation set, as a run opens them."""
    from trizoo.data.boxes.kept import open_boxes

    index = open_boxes(root)
    train = index.open("train")
    return train, index.open("val", train.classes)


def bare_xml(root):
    """What parsing alone takes: ElementTree, no checks, no line numbers."""
    for path in sorted((root / "Annotations").iterdir()):
        ElementTree.fromstring(path.read_bytes())


def bare_pillow(root):
    """What decoding alone takes, by as many threads as the check uses."""

    def decode(path):
        with Image.open(path) as image:
            image.load()

    with ThreadPoolExecutor(min(8, available_cores())) as pool:
        list(pool.map(decode, sorted((root / "JPEGImages").iterdir())))


def from_shards(root):
    """Seconds to open a data set's shards, and samples/s of processor time from files and from shards, in turn.

    A sample is decoded as for an input of 416x416. The best of five turns counts.
    """
    from trizoo.data.convert import convert

    shards = root.with_name(f"{root.name}-shards")
    if not shards.exists():
        convert(root, shards, "shards", shard_size=10**8)
    first, (train, _) = timed(lambda: opened(shards))
    sources = opened(root)[0], train
    numbers = range(0, len(train), max(1, len(train) // SAMPLES))
    best = [float("inf")] * 2
    for _ in range(5):
        for side, source in enumerate(sources):
            started = time.process_time()
            for number in numbers:
                source.sample(number, (416, 416))
            best[side] = min(best[side], time.process_time() - started)
    return first, *(len(numbers) / seconds for seconds in best)


def bytes_of_an_image(boxes):
    """What an image with so many boxes takes, by the arrays of 20,000 of them."""
    from trizoo.data.boxes.index import build_index
    from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
    from trizoo.data.splits import Lists

    number = 20_000
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "000000123456.jpg"
        Image.new("RGB", (640, 480)).save(image)
        things = tuple(AnnotatedObject("cat", (i, i, i + 20, i + 30)) for i in range(boxes))
        annotation = Annotation(image, things)
        paths = {f"train2017/{i:012d}": Path(folder) / "train2017" / f"{i:012d}.jpg" for i in range(number)}
        for path in paths.values():
            path.parent.mkdir(exist_ok=True)
            path.hardlink_to(image)
        lists = Lists({"train": list(paths)})
        index = build_index(Listing(Path(folder), "voc", paths, paths, lambda id: annotation, lists))
    arrays = [getattr(index, name) for name in ("sizes", "ends", "boxes", "names", "difficult", "crowd", "same_as")]
    arrays += [index.annotated, *index.rows_of.values()]
    arrays += [part for text in (index.ids, index.images) for part in (text.letters, text.ends)]
    return sum(array.nbytes for array in arrays) / number


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "trizoo-voc", help="where to draw")
    parser.add_argument("--images", type=int, default=VOC_IMAGES, help="how many (%(default)s)")
    arguments = parser.parse_args()
    if not arguments.folder.exists():
        print(f"drawing {arguments.images} images into {arguments.folder}")
        draw(arguments.folder, arguments.images)
    root = arguments.folder
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TRIZOO_HOME"] = cache
        parse, _ = timed(lambda: bare_xml(root))
        first, (train, _) = timed(lambda: opened(root))
        again, _ = timed(lambda: opened(root))
    print(f"{len(train)} images to train on, {available_cores()} cores")
    print(f"first  {first:6.2f} s   {first / parse:5.2f} times ElementTree alone ({parse:.2f} s)")
    print(f"again  {again:6.2f} s")
    pillow, _ = timed(lambda: bare_pillow(root))
    keep_freed_memory()
    full, _ = timed(lambda: check(root))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TRIZOO_HOME"] = cache
        shards, files_rate, shards_rate = from_shards(root)
    print(f"check  {full:6.2f} s   {full / pillow:5.2f} times Pillow alone ({pillow:.2f} s)")
    print(f"shards {shards:6.2f} s   {shards / first:5.2f} times the files (first)")
    print(f"       {shards_rate:6.0f} samples/s, {shards_rate / files_rate:5.2f} times the files' {files_rate:.0f}")
    share = bytes_of_an_image(13)
    print(f"memory {share:6.0f} bytes an image of 13 boxes, {2e6 * share / 2**30:.2f} GiB for two million")


if __name__ == "__main__":
    main()
