"""The vectors of many images."""

from dataclasses import dataclass

import numpy as np

from trizoo.tasks.pipeline import ImagePipeline


@dataclass(frozen=True)
class Embedder(ImagePipeline):
    """Gives the vector of each image, float32 (D,) of length 1.

    Args:
        flip: whether each image is looked at mirrored too; its vector is the mean of both, of length 1 again
    """

    flip: bool = False

    def results(self, outputs, placements, images):
        """See `ImagePipeline.results`.

        Args:
            outputs: vectors (B, D), cosines (B, C)
        """
        vectors = np.asarray(outputs[0], np.float32)
        if self.flip:
            vectors = vectors + np.asarray(self.predict(np.ascontiguousarray(images[:, :, ::-1]))[0], np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=np.finfo(np.float32).tiny)
        return list(vectors)
