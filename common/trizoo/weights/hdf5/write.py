"""HDF5 files that hold arrays in groups and attributes of the root, written by h5py."""

import io

import h5py

# Pinned, since HDF5's own defaults change from release to release and with them the bytes; 1.8 is read by all of them.
FILE_VERSION = h5py.h5f.LIBVER_V18


def write(path, groups, attributes):
    """Fills a file that is there: the same content gives the same bytes.

    Args:
        groups: name -> {name: array}
        attributes: name -> value, of the root

    Raises:
        OSError: where the disk refuses
        RuntimeError: where closing the file fails
    """
    with _KeepingError(path, "rb+") as plain:
        with h5py.File(_created(plain)) as file:
            _fill(file, groups, attributes)
        if plain.error is not None:
            raise plain.error


class _KeepingError(io.FileIO):
    """A file for the HDF5 library, which crashes where writing fails: it never learns what is kept in `error`."""

    error = None

    def write(self, data):
        """As a file's, of all the bytes."""
        left = memoryview(data).cast("B")
        try:
            while self.error is None and len(left):
                left = left[super().write(left) :]
        except OSError as error:
            self.error = error
        return len(data)

    def truncate(self, size=None):
        """As a file's."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size


def _fill(file, groups, attributes):
    for name, value in attributes.items():
        # Text is stored outside the object header, so HDF5's limit of 64 KiB for attributes does not apply to it.
        file.attrs[name] = value
    for group_name, arrays in groups.items():
        group = h5py.Group(h5py.h5g.create(file.id, group_name.encode(), gcpl=_without_times(h5py.h5p.GROUP_CREATE)))
        for name, array in arrays.items():
            group.create_dataset(name, data=array, track_times=False)


def _created(plain):
    """A new HDF5 file in an open one, whose root keeps no times, which h5py.File has no argument for."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(FILE_VERSION, FILE_VERSION)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, plain)
    return h5py.h5f.create(b"checkpoint", h5py.h5f.ACC_TRUNC, _without_times(h5py.h5p.FILE_CREATE), access)


def _without_times(kind):
    """A property list for creating; times, in seconds, would make the bytes depend on when they were written."""
    properties = h5py.h5p.create(kind)
    properties.set_obj_track_times(False)
    return properties
