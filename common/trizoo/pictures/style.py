"""How plots look: one palette for all of them; classes have the colours of `trizoo.pictures.palette`."""

# of curves that are no classes, in order
COLOURS = ("#1f4e79", "#d1603d", "#3a8d5b", "#8a5aa8", "#c79a2b", "#4aa3b5", "#7a7a7a", "#b0476f")
UNNAMED = "#b0b8c4"  # of curves too many to tell apart


def shades():
    """matplotlib's colormap of shares, from white to the first colour."""
    from matplotlib.colors import LinearSegmentedColormap  # here, since it takes a second to import

    return LinearSegmentedColormap.from_list("shades", ["#ffffff", COLOURS[0]])
