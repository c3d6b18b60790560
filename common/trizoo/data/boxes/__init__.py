"""Data sets with boxes: a module a format, the table of them in `find`, and everything that is of no format.

A format is one module, and one line in `trizoo.data.boxes.find.FINDERS`: a function of a folder that gives the
`Listing` of what is there, or None. Opening, classes, splits, samples and the check are the same for all of them.
"""
