"""PyTorch's .pt2 files, written by torch.export."""

import io

import numpy as np

from trizoo.deploy.archives import NOTES
from trizoo.deploy.pt2_runtime import start
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically


def write(job, path):
    """Writes the file of a `trizoo.deploy.targets.Job`.

    Raises UserError where PyTorch's own reader and the zoo's don't give the same.
    """
    import torch

    program = job.graph(job.size, metadata=job.metadata)
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={NOTES: job.metadata.to_json()})
    write_atomically(path, file.getvalue())
    file.seek(0)
    width, height = job.size
    images = np.random.default_rng(0).integers(0, 256, (job.metadata.batch or 2, height, width, 3), np.uint8)
    with torch.no_grad():
        expected = torch.export.load(file).module()(torch.from_numpy(images))  # nobody else has had the file yet
    found = start(path, "cpu", 1)(images, expected, {})
    for name, ours in zip(expected, found, strict=True):
        if not np.allclose(ours, expected[name].numpy(), rtol=1e-4, atol=1e-4):
            raise UserError(f"{name} of the .pt2 file is another when PyTorch reads it; another version of it would do")
