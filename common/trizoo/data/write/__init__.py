"""Data sets written: a module a format, the table of them in `formats`, and what all of them are given in `content`.

A format is one module, and one line in `trizoo.data.write.formats.WRITERS`: a function of a `Content` and of an empty
folder that fills the folder and gives sentences about what the format can't hold.
"""
