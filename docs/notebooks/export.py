# %% [markdown]
# # Export
#
# A trained model as one file, with NMS in it, that runs without a framework.
#
#     pip install torch==2.13.0 && pip install -e ".[torch,export]"

# %%
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

import trizoo
from trizoo.data.synthetic import synthesize

root = synthesize(Path("data") / "notebook", images=80, size=(128, 128))
photo = min((root / "JPEGImages").glob("*.jpg"))
values = {"model.name": "yolov3-tiny", "data.root": str(root), "input_size": [128, 128], "schedule.epochs": 3}
run = trizoo.train(values, "pytorch", workers=0, quiet=True)

# %% [markdown]
# The command writes the file only where it gives the framework's boxes on images of the data set; the line `check:`
# says how far apart they are.

# %%
command = [sys.executable, "-m", "trizoo", "export", str(run.best), "--to", "onnx", "--out", "notebook.onnx"]
print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

# %% [markdown]
# ## By the zoo, without PyTorch

# %%
found = trizoo.load("notebook.onnx")(photo, confidence=0.05)
Image.fromarray(found.draw(photo))

# %% [markdown]
# ## By ONNX Runtime alone
#
# The notes in the file say how to place an image on the network's input, and what the classes are called.

# %%
options = onnxruntime.SessionOptions()
options.log_severity_level = 3  # it warns of inputs that may be left out
session = onnxruntime.InferenceSession("notebook.onnx", options)
notes = json.loads(session.get_modelmeta().custom_metadata_map["trizoo"])
width, height = notes["recipe"]["input_size"]
images = np.asarray(Image.open(photo).convert("RGB").resize((width, height)))[None]
boxes, scores, labels = session.run(
    ["boxes", "scores", "labels"], {"images": images, "confidence": np.array(0.05, np.float32)}
)
print(boxes[0][:3].round(1), scores[0][:3].round(3), [notes["recipe"]["classes"][label] for label in labels[0][:3]])
