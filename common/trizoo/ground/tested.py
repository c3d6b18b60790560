"""The versions of the frameworks that the zoo's tests run with, and a word where another one is used."""

import re

# as frameworks call themselves -> the oldest and the newest version; tox.ini has the same
TESTED = {
    "PyTorch": ("2.4.1", "2.13.0"),
    "TensorFlow": ("2.15.1", "2.21.0"),
    "Keras": ("3.3.3", "3.15.1"),
    "JAX": ("0.10.2", "0.10.2"),
}
_VERSION = re.compile(r"([A-Za-z]+) (\d+)\.(\d+)")


def untested(versions):
    """A sentence on versions out of the tested range, None where all are within it.

    Only the first two numbers count: 2.13.1 is as 2.13.0.

    Args:
        versions: such as "Keras 3.15.1 on TensorFlow 2.21.0"
    """
    told = []
    for title, major, minor in _VERSION.findall(versions):
        if title not in TESTED:
            continue
        used = int(major), int(minor)
        oldest, newest = (tuple(map(int, version.split(".")[:2])) for version in TESTED[title])
        if not oldest <= used <= newest:
            side = f"newer than {TESTED[title][1]}" if used > newest else f"older than {TESTED[title][0]}"
            told.append(f"{title} {major}.{minor} is {side}")
    return f"{' and '.join(told)}, the last that the zoo was tested with" if told else None
