"""HDF5 files from strangers, read without the HDF5 library: one changed byte makes that loop for ever, inside of C.

What weight files consist of is read, and nothing else: groups and hard links of every age, attributes that are numbers
or texts, and arrays of plain numbers that lie whole in the file. Chunks, filters, external and virtual storage, links
to elsewhere and types of types are told of and never followed. So the library, which writes the zoo's checkpoints,
never sees a byte of a file that came from outside.

A file takes at most its own size for its arrays, MOST_BYTES of structure and MOST_PARTS parts of it, each of which is
looked at once: within 200 MiB and 5 seconds whatever it holds.

Layout: HDF5 File Format Specification, version 3.0 (support.hdfgroup.org/documentation).
"""

from trizoo.weights.hdf5.objects import SIGNATURE, Array, Group, opened
from trizoo.weights.hdf5.source import MOST_BYTES, MOST_PARTS, DamagedError

__all__ = ["MOST_BYTES", "MOST_PARTS", "SIGNATURE", "Array", "DamagedError", "Group", "opened"]
