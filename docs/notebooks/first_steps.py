# %% [markdown]
# # First steps
#
# Draw data, train a detector for a minute, look at what it finds, and use it in another framework. Everything runs
# on a CPU.
#
#     pip install torch==2.13.0 && pip install -e ".[torch]"     # in a clone of the repository; then restart the kernel

# %%
from pathlib import Path

from PIL import Image

import trizoo
from trizoo.data.synthetic import synthesize

FRAMEWORK = "pytorch"  # or "tf2", "keras"

# %% [markdown]
# ## Data
#
# 80 images of shapes with boxes and masks, in VOC's layout. With a folder of your own (VOC, COCO, YOLO, labelme, CVAT,
# CSV), its path is all that is needed.

# %%
root = synthesize(Path("data") / "notebook", images=80, size=(128, 128))
photos = sorted((root / "JPEGImages").glob("*.jpg"))
Image.open(photos[0])

# %% [markdown]
# ## Train
#
# What stands in the dictionary is changed; all else comes from the model's recipe. The last lines say how it went.

# %%
run = trizoo.train(
    {
        "model.name": "yolov3-tiny",
        "data.root": str(root),
        "input_size": [128, 128],
        "schedule.epochs": 6,
        "schedule.batch_size": 8,
    },
    FRAMEWORK,
    workers=0,
    quiet=True,
)
run.metrics["mAP50"]

# %% [markdown]
# ## Find
#
# `found` has `boxes` (xmin, ymin, xmax, ymax in pixels), `scores`, `labels` and `names`. A minute of training finds
# little at the usual confidence of 0.5.

# %%
detector = trizoo.load(run.best, FRAMEWORK)
found = detector(photos[0], confidence=0.1)
for name, score, box in zip(found.names, found.scores, found.boxes.round(), strict=True):
    print(f"{name} {score:.2f} {box}")
Image.fromarray(found.draw(photos[0]))

# %% [markdown]
# Where the network is how sure, before any threshold:

# %%
Image.fromarray((detector.heatmap(photos[0]) * 255).astype("uint8"))

# %% [markdown]
# ## Go on
#
# `trizoo.train(resume=run.path)` goes on with the run, also in another framework. `trizoo.train({...},
# weights=run.best)` begins a new one with its weights. The tutorials say more: docs/tutorials/.
