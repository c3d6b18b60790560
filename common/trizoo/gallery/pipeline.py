"""Which things are in an image, by name: found by a detector, told apart by vectors, named after a gallery."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from trizoo.data.images import as_image
from trizoo.data.photo import Photo
from trizoo.gallery.gallery import Gallery, unit
from trizoo.gallery.index import NONE, make_index
from trizoo.gallery.names import UNKNOWN
from trizoo.gallery.threshold import DEFAULT
from trizoo.gallery.turned import Turned
from trizoo.ground.boxes import clip, nms
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.pictures.draw import draw_boxes

MARGIN = 0.1  # of a box's sides, which a crop has more to each side
_NEAREST, _LOOKED_AT = 3, 32  # names that are told of a thing, and the fewest pictures that they are looked for in


@dataclass(frozen=True)
class Recognized:
    """What is known of one image, the surest detection first; a whole picture last.

    Args:
        boxes: float32 (N, 4), pixels of the image
        scores: float32 (N,): how sure the detector was of each; 1 of the whole picture
        names: names of the gallery, None of what is unknown
        similarities: float32 (N,): of the nearest picture of that name, of an unknown thing of the nearest at all
        nearest: of each thing the most similar names, the first of them first: tuples of (name, similarity)
        size: (width, height) of the image
    """

    boxes: np.ndarray
    scores: np.ndarray
    names: tuple[str | None, ...]
    similarities: np.ndarray
    nearest: tuple[tuple[tuple[str, float], ...], ...]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.names)

    def to_dict(self, image: str) -> dict[str, Any]:
        """As plain values: what recognize writes of an image with --json.

        Args:
            image: what it is called
        """
        things = [
            {
                "name": name,
                "similarity": round(float(similarity), 4),
                "nearest": [{"name": other, "similarity": round(value, 4)} for other, value in nearest],
                "score": round(float(score), 4),
                "box": [round(value, 2) for value in box],
            }
            for name, similarity, nearest, score, box in zip(
                self.names, self.similarities, self.nearest, self.scores, self.boxes.tolist(), strict=True
            )
        ]
        counts: dict[str, int] = {}
        for name in self.names:
            counts[name or UNKNOWN] = counts.get(name or UNKNOWN, 0) + 1
        width, height = map(int, self.size)
        return {"image": image, "width": width, "height": height, "things": things, "counts": counts}

    def draw(self, image: Any, names: Sequence[str] | None = None) -> np.ndarray:
        """The image with a named box around each thing, and its similarity: uint8 (H, W, 3).

        Args:
            image: the one that was looked at
            names: those that have a colour each, all that there are; None: those in this image
        """
        classes = [*(sorted({*self.names} - {None}) if names is None else names), UNKNOWN]
        labels = [classes.index(name or UNKNOWN) for name in self.names]
        return draw_boxes(as_image(image), self.boxes, labels, classes, self.similarities)


@dataclass
class RecognitionPipeline:
    """Names what is in images.

    Args:
        embedder: pipeline of images -> vectors float32 (D,), as `trizoo.tasks.pipeline.ImagePipeline` is called; of a
            gallery that is turned it becomes a `trizoo.gallery.turned.Turned`
        gallery: a `trizoo.gallery.gallery.Gallery`
        detector: pipeline of images -> `Detections`; None: each whole picture is one thing
        threshold: the least similarity of a known thing; None: the gallery's, else DEFAULT
        neighbours: how many nearest pictures choose a name
        margin: share of a box's sides that its crop has more to each side
        whole: whether the whole picture is one more thing beside those that are found
        agnostic: IoU above which the weaker of two boxes goes whatever their classes; None: NMS is the detector's alone
        exact: whether every vector of the gallery is looked at; None: where these are few enough
    """

    embedder: Any
    gallery: Gallery
    detector: Any = None
    threshold: float | None = None
    neighbours: int = 1
    margin: float = MARGIN
    whole: bool = False
    agnostic: float | None = None
    exact: bool | None = None

    def __post_init__(self):
        if not len(self.gallery):
            raise UserError("the gallery holds no picture; trizoo gallery add puts some into it")
        if self.gallery.turned:
            self.embedder = Turned(self.embedder)
        self.index = make_index(self.gallery, self.exact)
        self._learn(self.gallery)

    def __call__(self, images: Iterable[Any], batch_size: int = 8, *, skip: bool = False) -> Iterator[Recognized]:
        """Yields the `Recognized` of each image, in order.

        Args:
            images: files, arrays uint8 (H, W, 3), or `trizoo.data.photo.Photo`s
            batch_size: images, and crops, at once
            skip: an image that can't be read has its UserError as its result
        """
        images = iter(images)
        while photos := [
            image if isinstance(image, Photo) else Photo.of(image) for image in islice(images, batch_size)
        ]:
            yield from self._of(photos, batch_size, skip)

    def change(self, gallery: Gallery) -> None:
        """Goes on with another gallery of the same model; of its vectors those that changed are looked at alone.

        Raises:
            UserError: where it holds nothing, or vectors of another model, or made otherwise
        """
        gallery.check_embedding(self.gallery.embedding)
        if gallery.turned != self.gallery.turned:
            raise UserError("one of the galleries is of turned pictures, and the other isn't; build them alike")
        if not len(gallery):
            raise UserError("the gallery would hold no picture; one at least is needed")
        if self.index.exact:
            self.index = make_index(gallery, True)
        else:
            old, new = self.gallery.keys, gallery.keys
            self.index.remove(old[~np.isin(old, new)])
            fresh = ~np.isin(new, old)
            self.index.add(new[fresh], gallery.vectors[fresh])
        self._learn(gallery)

    def name(self, vectors: np.ndarray) -> list[tuple[str | None, float, tuple[tuple[str, float], ...]]]:
        """The names of vectors: float32 (Q, D) -> list of (name or None, similarity, ((name, similarity), …)).

        Raises UserError for vectors of another length than the gallery's.
        """
        self.gallery.check_length(vectors.shape[-1])
        if self.gallery.metric == "cosine":
            vectors = unit(vectors)
        count = min(max(self.neighbours, _LOOKED_AT), len(self.gallery))
        similarities, keys = self.index.search(vectors, count)
        return [self._voted(*found) for found in zip(similarities, keys, strict=True)]

    def _learn(self, gallery):
        self.gallery = gallery
        self._name_of = dict(zip(gallery.keys.tolist(), gallery.names, strict=True))
        own = gallery.threshold if self.threshold is None else self.threshold
        self.least = DEFAULT if own is None else own

    def _voted(self, similarities, keys):
        """The name of one vector: the most frequent of the nearest that are near enough, of several the nearest."""
        found = [
            (self._name_of[key], float(similarity))
            for key, similarity in zip(keys.tolist(), similarities, strict=True)
            if key != NONE
        ]
        best, votes = {}, {}
        for name, similarity in found:
            best.setdefault(name, similarity)
        for name, similarity in found[: self.neighbours]:
            votes[name] = votes.get(name, 0) + (similarity >= self.least)
        chosen = max(votes, key=lambda name: (votes[name], best[name]))
        nearest = tuple(islice(best.items(), _NEAREST))
        if best[chosen] < self.least:
            return None, found[0][1], nearest
        return chosen, best[chosen], nearest

    def _of(self, photos, batch_size, skip):
        """The results of a batch of photos."""
        found = self._detected(photos, batch_size, skip)
        crops, results = [], list(found)
        for place, (photo, detections) in enumerate(zip(photos, found, strict=True)):
            if isinstance(detections, UserError):
                continue
            try:
                pixels = photo.pixels()
            except UserError as error:
                if not skip:
                    raise
                results[place] = error
                continue
            results[place] = self._with_whole(detections, pixels)
            crops += [crop(pixels, box, self.margin) for box in results[place].boxes[: len(detections)]]
            crops += [pixels] * (len(results[place]) - len(detections))
        vectors = list(self.embedder(crops, batch_size)) if crops else []
        named = iter(self.name(np.stack(vectors)) if vectors else [])
        for photo, result in zip(photos, results, strict=True):
            yield (
                result
                if isinstance(result, UserError)
                else _recognized(result, list(islice(named, len(result))), photo)
            )

    def _detected(self, photos, batch_size, skip):
        """The Detections of each photo, none without a detector; UserErrors of those that can't be read."""
        if self.detector is None:
            return [Detections.empty() for _ in photos]
        found = list(self.detector(photos, batch_size, skip=skip))
        return [self._as_one_class(of_image) for of_image in found]

    def _as_one_class(self, found):
        """Detections after NMS that knows no classes."""
        if self.agnostic is None or isinstance(found, UserError) or not len(found):
            return found
        kept, scores = nms(found.boxes, found.scores, np.zeros_like(found.labels), threshold=self.agnostic)
        return Detections(found.boxes[kept], scores, found.labels[kept])

    def _with_whole(self, found, pixels):
        """Detections with the whole picture behind them where it counts."""
        if self.detector is not None and not self.whole:
            return found
        box = np.array([[0, 0, pixels.shape[1], pixels.shape[0]]], np.float32)
        boxes = np.concatenate([found.boxes, box])
        scores = np.append(found.scores, np.float32(1))
        return replace(found, boxes=boxes, scores=scores, labels=np.append(found.labels, 0))


def crop(pixels, box, margin=MARGIN):
    """What a box of an image shows, and some of what is around it: uint8 (H, W, 3), (4,) -> uint8 (h, w, 3).

    Cut at the image's edges; one pixel at least.

    Args:
        margin: share of the box's width and height that is added to each side
    """
    height, width = pixels.shape[:2]
    (xmin, ymin, xmax, ymax) = np.asarray(box, np.float64)
    more = margin * max(xmax - xmin, 0), margin * max(ymax - ymin, 0)
    wider = clip(np.array([xmin - more[0], ymin - more[1], xmax + more[0], ymax + more[1]]), width, height)
    left, top = (min(int(np.floor(value)), side - 1) for value, side in zip(wider[:2], (width, height), strict=True))
    right, bottom = max(int(np.ceil(wider[2])), left + 1), max(int(np.ceil(wider[3])), top + 1)
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _recognized(found, named, photo):
    names, similarities, nearest = zip(*named, strict=True) if named else ((), (), ())
    similarities = np.array(similarities, np.float32)
    return Recognized(found.boxes, found.scores, tuple(names), similarities, tuple(nearest), tuple(photo.size()))
