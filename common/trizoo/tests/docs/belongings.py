"""What a page's commands take for granted: the reader's photographs, labels, runs and files, made when asked for."""

import shutil
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from trizoo.commands.main import main
from trizoo.data.masks.encoding import PALETTES
from trizoo.data.synthetic import SHAPES_TO_TRAIN_ON, synthesize
from trizoo.download.manifest import PLACES
from trizoo.families import model_spec
from trizoo.ground.conventions import IGNORE
from trizoo.tests.video_files import write_video
from trizoo.weights.importers import darknet
from trizoo.weights.importers.amdegroot import RULES as SSD_RULES
from trizoo.weights.importers.bubbliiiing import RETINANET_RULES, YOLOV4_TINY_RULES
from trizoo.weights.importers.renaming import rename
from trizoo.weights.initial import initial_arrays
from trizoo.weights.names import NUM_CLASSES, load_names
from trizoo.weights.readers.darknet import write

TAGS = ("yolov3-tiny.coco", "yolov3.coco", "darknet53.imagenet")  # those that commands load
MADE = ("--out", "--write", "--json", "--plots", "--report", "--coco")  # what a command makes stands behind these
CLASSES = ("person", "car", "sofa", "tvmonitor")  # those that pages name
OLDER = {  # models of repositories for PyTorch, and what they call our names
    "yolov4-tiny": YOLOV4_TINY_RULES,
    "retinanet-resnet18": RETINANET_RULES,
    "ssd300-vgg16": SSD_RULES,
}
OLDER_CLASSES = (*CLASSES, "dog")
DARKNET53 = 40_620_640  # floats of darknet53.conv.74
SMALL = ("--input-size", "96", "--batch-size", "4", "--workers", "0", "--quiet")


class Belongings:
    """The reader's things, each made once in `shelf` and copied to where a command looks for it.

    Args:
        shelf: an empty folder
    """

    def __init__(self, shelf):
        self.shelf, self.brought = shelf, {}

    def bring(self, folder, line, also=()):
        """Puts what a line's words name, and the page didn't make itself, into its folder.

        Args:
            folder: where the command will run
            line: a `trizoo.tests.docs.typed.Line`
            also: more words
        """
        makers, kind = self.makers(line), (line.kind, "--palette" in line.words)
        pairs = [*zip(["", *line.words], line.words, strict=False), *(("", word) for word in also)]
        for before, word in pairs:
            name = word.removeprefix("image=").lstrip("@").rstrip("/")
            for within in ("/best.h5", "/JPEGImages", "/*.jpg"):
                name = name.removesuffix(within)
            place = folder / name
            if before in MADE or "synth" in line.words or name not in makers:
                continue
            if place.exists() and self.brought.get(place, kind) == kind:
                continue
            self.brought[place] = kind
            place.parent.mkdir(parents=True, exist_ok=True)
            source = makers[name]()
            if source.is_dir():
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(source, place)
            else:
                shutil.copy(source, place)

    def makers(self, line):
        """{a name in a command: a function that gives the file or folder to copy}, for a Line."""
        data = self.boxes if line.kind == "boxes" else self.coloured if "--palette" in line.words else self.masks
        run = self.box_run if line.kind == "boxes" else self.mask_run
        names = ("RUN", "runs/yolov3-tiny-001", "runs/deeplabv3plus-mobilenetv2-001", "runs/mine")
        runs = dict.fromkeys(names, run)
        files = {"best.h5": lambda: run() / "best.h5", "best.onnx": self.exported, "any.onnx": self.exported}
        files |= {
            "ROOT": data,
            "OTHER": data,
            "membrane": self.masks,
            "BCCD": self.cells,
            "BCCD_Dataset/BCCD": self.cells,
            "coco2017": self.boxes,
            "data/synthetic-256x256": lambda: synthesize(self.shelf / "embedded", **SHAPES_TO_TRAIN_ON),
            "photos": self.photos,
            "pictures": self.named_pictures,
            "embedding.h5": self.embedding,
            "photo.jpg": self.photo,
            "film.mp4": lambda: write_video(self.shelf / "film.mp4", count=6),
            "my.weights": lambda: self.darknet_file("yolov3-tiny", 2),
            "yolov3-tiny_best.weights": lambda: self.darknet_file("yolov3-tiny", 2),
            "obj.names": self.names,
            "mine.yaml": self.recipe,
            "best_epoch_weights.pth": lambda: self.older_file(line),
            "voc_classes.txt": self.older_names,
            "yolo_anchors.txt": self.older_anchors,
        }
        if "--data" in line.words:  # of benchmarks/cells.py; pages with others of this name make them before
            files["cells"] = self.boxes
        files |= {f"logs/{name}": files[name] for name in ("best_epoch_weights.pth",)}
        files |= {f"model_data/{name}": files[name] for name in ("voc_classes.txt", "yolo_anchors.txt")}
        return runs | files

    def boxes(self):
        """A data set of boxes, whose images nobody has shared out among splits."""
        folder = self.shelf / "boxes"
        if not folder.exists():
            shutil.copytree(self.drawn(), folder)
            shutil.rmtree(folder / "ImageSets")
            shutil.rmtree(folder / "SegmentationClass")
        return folder

    def drawn(self):
        """Sixteen pictures with boxes and masks, in VOC's layout."""
        return synthesize(self.shelf / "drawn", images=16, size=(96, 96), classes=CLASSES)

    def cells(self):
        """The same with the names of BCCD's classes."""
        return synthesize(self.shelf / "cells", images=16, size=(96, 96), classes=("RBC", "WBC", "Platelets"))

    def masks(self):
        """Images, and masks of 0 and 255."""
        return self._masks("masks", lambda mask: np.where((mask > 0) & (mask < IGNORE), 255, 0))

    def coloured(self):
        """Images, and masks in VOC's colours without its palette."""
        colours = np.array(PALETTES["voc"][0], np.uint8)
        return self._masks("coloured", lambda mask: colours[np.where(mask == IGNORE, 0, mask)])

    def _masks(self, name, pixels):
        folder = self.shelf / name
        if not folder.exists():
            for part in ("images", "masks"):
                (folder / part).mkdir(parents=True)
            for path in sorted((self.drawn() / "SegmentationClass").iterdir()):
                shutil.copy(self.drawn() / "JPEGImages" / f"{path.stem}.jpg", folder / "images")
                mask = np.asarray(Image.open(path))
                Image.fromarray(pixels(mask).astype(np.uint8)).save(folder / "masks" / path.name)
        return folder

    def photos(self):
        """Four photographs."""
        folder = self.shelf / "photos"
        if not folder.exists():
            folder.mkdir()
            for path in sorted((self.boxes() / "JPEGImages").iterdir())[:4]:
                shutil.copy(path, folder)
        return folder

    def photo(self):
        """One of them."""
        return min(self.photos().iterdir())

    def named_pictures(self):
        """The same, of two names."""
        folder = self.shelf / "pictures"
        for index, path in enumerate(sorted(self.photos().iterdir())):
            place = folder / ("dog", "cat")[index % 2]
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        return folder

    def embedding(self):
        """An embedding model's checkpoint."""
        data = self.shelf / "identities"
        if not data.exists():
            main(["synth", str(data), "--task", "embedding", "--images", "120", "--size", "64"])
        return self._run("embedding-run", "--model", "embed-mobilenetv2", "--data", str(data)) / "best.h5"

    def box_run(self):
        """A finished run of YOLOv3-tiny, which finds nothing."""
        return self._run("box-run", "--model", "yolov3-tiny", "--data", str(self.boxes()))

    def mask_run(self):
        """A finished run of DeepLabv3+."""
        data = ("--data", str(self.masks()), "--mask-map", "255=1")
        return self._run("mask-run", "--model", "deeplabv3plus-mobilenetv2", *data)

    def _run(self, name, *arguments):
        folder = self.shelf / name
        if not folder.exists():
            main(["train", *arguments, "--epochs", "1", "--out", str(folder), *SMALL])
        return folder

    def exported(self):
        """The detector's ONNX file."""
        path = self.shelf / "best.onnx"
        if not path.exists():
            main(["export", str(self.box_run() / "best.h5"), "--to", "onnx", "--out", str(path)])
        return path

    def names(self):
        """A file with two names."""
        path = self.shelf / "names.txt"
        path.write_text("cat\ndog\n")
        return path

    def recipe(self):
        """A recipe of the reader's."""
        path = self.shelf / "mine.yaml"
        path.write_text("_base_: yolov3-tiny\naugment:\n  - {op: random_placement}\n  - {op: flip}\n")
        return path

    def darknet_file(self, model, num_classes, part="model"):
        """A .weights file of an untrained model, or of its backbone, which is what the whole file begins with."""
        path = self.shelf / f"{model}-{num_classes}-{part}.weights"
        if not path.exists():
            shapes = dict(pair for convolution in darknet.layout(model, num_classes) for pair in convolution)
            arrays = initial_arrays(shapes, 0, model_spec(model, num_classes))
            floats = np.concatenate([array.ravel() for array in arrays.values()])
            write(path, [floats[: DARKNET53 if part == "backbone" else None]])
        return path

    def older_file(self, line):
        """What a repository for PyTorch saves of the model that a line names, else of YOLOv4-tiny, untrained."""
        import torch

        model = next((name for name in OLDER if f"--model {name} " in line.text), "yolov4-tiny")
        path = self.shelf / f"{model}.pth"
        if not path.exists():
            spec = model_spec(model, len(OLDER_CLASSES))
            shapes = load_names(model)
            for name, (rows, *rest) in shapes.items():
                if ".predict." in name or ".predict_class." in name:
                    anchors = rows // (NUM_CLASSES + spec.besides)
                    shapes[name] = (anchors * (len(OLDER_CLASSES) + spec.besides), *rest)
            if model.startswith("retinanet"):  # whose P6 is made of C5
                shapes["fpn.p6.conv.weight"] = (256, 512, 3, 3)
            theirs = rename(model, OLDER[model]) | {"l2_norm.scale": "L2Norm.weight"}  # SSD's, which stands last there
            arrays = {theirs[name]: np.array(array) for name, array in initial_arrays(shapes, 0, spec).items()}
            ordered = sorted(arrays, key=lambda name: name == "L2Norm.weight")
            torch.save({name: torch.from_numpy(arrays[name]) for name in ordered}, path)
        return path

    def older_names(self):
        """Its list of classes: a name a line."""
        path = self.shelf / "voc_classes.txt"
        path.write_text("\n".join(OLDER_CLASSES) + "\n")
        return path

    def older_anchors(self):
        """Its anchors, all in a line."""
        path = self.shelf / "yolo_anchors.txt"
        path.write_text("10,14, 23,27, 37,58, 81,82, 135,169, 344,319")
        return path

    def manifest(self):
        """The zoo's manifest, in which TAGS are files of this folder instead of ones of the network."""
        tree = yaml.safe_load(next(place for place in PLACES if place.exists()).read_text(encoding="utf-8"))
        for tag in TAGS:
            entry = tree["weights"][tag]
            part = entry.get("part", "model")
            file = self.darknet_file(entry["model"], 80, part)
            for known in ("bytes", "checksums"):
                entry.pop(known, None)
            entry |= {"urls": [file.as_uri()], "trust": "none"}
        path = Path(self.shelf / "weights_manifest.yaml")
        path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
        return path
