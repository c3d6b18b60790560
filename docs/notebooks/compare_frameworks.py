# %% [markdown]
# # One checkpoint, three frameworks
#
# A model that was trained in one framework gives the same boxes in the others. This needs at least two of them:
#
#     pip install torch==2.13.0 tensorflow-cpu==2.21.0 keras==3.15.1 && pip install -e ".[torch]"

# %%
from pathlib import Path

import numpy as np

import trizoo
from trizoo.data.synthetic import synthesize
from trizoo.framework import installed

root = synthesize(Path("data") / "notebook", images=80, size=(128, 128))
photos = sorted((root / "JPEGImages").glob("*.jpg"))[:8]
frameworks = installed()
print(frameworks)

# %% [markdown]
# ## A short training in the first of them
#
# It is to take eight epochs, and is stopped after four.


# %%
def stop_after_four(trainer, record):
    if record["epoch"] == 4:
        trainer.stop()


values = {"model.name": "yolov3-tiny", "data.root": str(root), "input_size": [128, 128], "schedule.epochs": 8}
run = trizoo.train(values, frameworks[0], workers=0, quiet=True, callbacks=[stop_after_four])

# %% [markdown]
# ## The same photographs in all of them
#
# How sure each network is at each pixel, before any threshold, and how many boxes it finds.

# %%
detectors = {name: trizoo.load(run.best, name) for name in frameworks}
maps = {name: np.stack([detector.heatmap(photo) for photo in photos]) for name, detector in detectors.items()}
for name, detector in detectors.items():
    boxes = sum(len(found.boxes) for found in detector(photos, confidence=0.02))
    apart = np.abs(maps[name] - maps[frameworks[0]]).max()
    print(f"{name}: {boxes} boxes; maps at most {apart:.1e} from {frameworks[0]}'s")

# %% [markdown]
# ## Go on in another one
#
# Momenta, the position in the data and random numbers come along, so the losses continue.

# %%
longer = trizoo.train(resume=run.path, framework=frameworks[-1], workers=0, quiet=True)
longer.metrics["mAP50"]

# %% [markdown]
# `trizoo parity yolov3-tiny` measures outputs, losses, gradients and steps of all of them; `trizoo sidebyside
# yolov3-tiny` shows their sources in columns.
