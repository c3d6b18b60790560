# %% [markdown]
# # Look at data
#
# Most of what goes wrong in a training is in its data, and most of that is seen at once. No framework is needed here.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot
from PIL import Image

from trizoo.augment.pipeline import augment
from trizoo.data.boxes.find import find_boxes
from trizoo.data.check import check
from trizoo.data.synthetic import synthesize
from trizoo.pictures.draw import draw_boxes
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe

root = synthesize(Path("data") / "notebook", images=80, size=(128, 128))  # or your own folder, of any layout

# %% [markdown]
# ## What would training stumble over?

# %%
print(check(root))

# %% [markdown]
# ## What does it hold?
#
# Each record has the image's path, its size, boxes in pixels and labels.

# %%
data = find_boxes(root).open("train")
boxes = np.concatenate([record.boxes for record in data.records])
widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5))
left.hist(np.sqrt(widths * heights), bins=20)
left.set(title="Size of boxes", xlabel="square root of the area, pixels")
right.scatter(widths, heights, s=4)
right.set(title="Their shapes", xlabel="width", ylabel="height")
pyplot.show()

# %% [markdown]
# ## Do the boxes lie on the objects?

# %%
sample = data.sample(0)
Image.fromarray(draw_boxes(sample.image, sample.boxes, sample.labels, data.classes))

# %% [markdown]
# ## What does the network see of it?
#
# The recipe's augmentations, on the same image several times. `trizoo data show ROOT --augmented` makes a page of whole
# batches.

# %%
recipe = load(Recipe, base="yolov3-tiny").recipe
operations = [operation.model_dump() for operation in recipe.augment]
seen = [augment(sample, operations, (128, 128), np.random.default_rng(seed)) for seed in range(6)]
Image.fromarray(np.hstack([draw_boxes(one.image, one.boxes, one.labels, data.classes) for one in seen]))
