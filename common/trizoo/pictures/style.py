"""How plots look."""

# of curves that are no classes, in order
COLOURS = ("#1f4e79", "#d1603d", "#3a8d5b", "#8a5aa8", "#c79a2b", "#4aa3b5", "#7a7a7a", "#b0476f")
