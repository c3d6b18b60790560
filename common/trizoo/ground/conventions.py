"""Values that mean the same everywhere."""

BACKGROUND_NAMES = ("background", "_background_", "__background__")  # of no class of objects, as files call it
# endings of what `trizoo export` writes for runtimes, see `trizoo.deploy.runtimes`; one is of folders
EXPORTED = (".onnx", ".xml", ".tflite", ".savedmodel", ".pt2", ".keras")
GREY = 128  # the canvas around an image
IGNORE = 255  # the canvas around a mask: no class, no loss
# what happens to boxes that overlap, see `trizoo.ground.boxes.nms`
NMS_METHODS = ("hard", "diou", "soft", "vote")
# how images get to a size, see `trizoo.augment.letterbox`
POLICIES = ("letterbox", "stretch", "keep_ratio", "pad", "none")
