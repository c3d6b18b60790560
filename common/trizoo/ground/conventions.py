"""Values that mean the same everywhere."""

GREY = 128  # the canvas around an image


IGNORE = 255  # the canvas around a mask: no class, no loss
