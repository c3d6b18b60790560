"""Pickles, read by an interpreter of our own that can only build numbers, texts, tuples, lists and dicts.

A pickle is a program for a stack machine, and Python's own machine imports and calls whatever the program names. This
one knows the instructions that PyTorch's files consist of (protocols 2 to 5); a global is what the caller's table says
it is, never an import, and anything else ends the reading. No instruction takes more memory than its share of the file.
Instructions: Lib/pickletools.py of Python.
"""

import struct
from dataclasses import dataclass

from trizoo.weights.readers.source import UnreadableError

LARGEST = 1 << 20  # bytes; ResNet-101's takes 0.1 MB. What a pickle builds can take 150 times its own memory
LARGEST_KEY = 1 << 31  # of whole numbers; larger ones can be chosen to have the same hash, and fill a dict for hours


@dataclass(frozen=True, eq=False)
class Global:
    """What a pickle's global stands for.

    Args:
        call: what REDUCE does with the arguments, None where it can't be called
    """

    name: str
    call: object = None


class Unpickler:
    """Reads the pickles that follow each other in `data`, from `position`.

    Args:
        find_global: "module.name" -> Global, or UnreadableError
        persistent: a persistent id (any value) -> object
    """

    def __init__(self, data, find_global, persistent):
        self.data = data
        self.position = 0
        self._find_global = find_global
        self._persistent = persistent

    def load(self):
        """The value of the next pickle; UnreadableError where it is damaged or asks for what it may not."""
        self._stack, self._marks, self._memo = [], [], {}
        try:
            while True:
                code = self._take(1)
                if code == b".":
                    return self._stack.pop()
                self._run(code)
        except (LookupError, TypeError, ValueError, struct.error) as error:
            raise UnreadableError(
                f"holds a damaged pickle (byte {self.position}: {type(error).__name__}); a whole file is needed"
            ) from None

    def _run(self, code):
        if code in CONSTANTS:
            self._stack.append(CONSTANTS[code])
        elif code in NUMBERS:
            self._stack.append(self._number(NUMBERS[code]))
        elif code in TEXTS:
            form, encoding = TEXTS[code]
            taken = self._take(self._number(form))
            self._stack.append(str(taken, encoding) if encoding else taken)
        elif code in OTHERS:
            OTHERS[code](self)
        else:
            raise UnreadableError(f"holds the pickle instruction {code!r}, which no weights need; nothing was run")

    def _take(self, length):
        taken = self.data[self.position : self.position + length]
        if length < 0 or len(taken) < length:
            raise UnreadableError(
                f"holds a pickle that is cut short or longer than {LARGEST >> 20} MiB; a whole file is needed"
            )
        self.position += length
        return taken

    def _number(self, form):
        return form.unpack(self._take(form.size))[0]

    def _line(self):
        end = self.data.index(b"\n", self.position, self.position + 256)
        line = self._take(end - self.position).decode()
        self._take(1)
        return line

    def _values(self):
        """The values above the last mark, taken from the stack with the mark."""
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _top(self, kind):
        """The container on top of the stack."""
        if type(self._stack[-1]) is not kind:
            raise TypeError
        return self._stack[-1]

    def _skip_protocol(self):
        self._take(1)

    def _skip_frame(self):
        self._take(8)  # how many bytes belong together; of use to those who read from a pipe only

    def _mark(self):
        self._marks.append(len(self._stack))

    def _long(self):
        self._stack.append(int.from_bytes(self._take(self._number(UINT8)), "little", signed=True))

    def _put(self, index):
        self._memo[index] = self._stack[-1]

    def _get(self, index):
        self._stack.append(self._memo[index])

    def _memoize(self):
        self._put(len(self._memo))

    def _list(self):
        self._stack.append([])

    def _dict(self):
        self._stack.append({})

    def _tuple(self, length):
        if length > len(self._stack):
            raise IndexError
        start = len(self._stack) - length
        self._stack[start:] = [tuple(self._stack[start:])]

    def _tuple_from_mark(self):
        self._stack.append(tuple(self._values()))

    def _append(self):
        value = self._stack.pop()
        self._top(list).append(value)

    def _appends(self):
        values = self._values()
        self._top(list).extend(values)

    def _set_item(self):
        key, value = self._stack.pop(-2), self._stack.pop()
        set_items(self._top(dict), [(key, value)])

    def _set_items(self):
        values = self._values()
        set_items(self._top(dict), zip(values[::2], values[1::2], strict=True))

    def _global(self):
        self._stack.append(self._find_global(f"{self._line()}.{self._line()}"))

    def _global_from_stack(self):
        module, name = self._stack.pop(-2), self._stack.pop()
        if type(module) is not str or type(name) is not str:
            raise TypeError
        self._stack.append(self._find_global(f"{module}.{name}"))

    def _persistent_id(self):
        self._stack.append(self._persistent(self._stack.pop()))

    def _reduce(self):
        function, arguments = self._stack.pop(-2), self._stack.pop()
        if type(function) is not Global or function.call is None or type(arguments) is not tuple:
            raise UnreadableError("holds a pickle that calls what is no function of PyTorch's; nothing was run")
        self._stack.append(function.call(*arguments))

    def _build(self):
        """Sets an object's attributes. A state dict has one, the versions of its modules; they are dropped."""
        self._stack.pop()
        self._top(dict)


def set_items(target, pairs):
    """Fills a dict; TypeError for keys that take long to hash or to tell apart, such as nested tuples."""
    for key, value in pairs:
        if type(key) is not str and not (type(key) is int and abs(key) < LARGEST_KEY):
            raise TypeError
        target[key] = value


UINT8, UINT16, UINT32, UINT64 = (struct.Struct(f"<{letter}") for letter in "BHIQ")
CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False, b")": ()}
NUMBERS = {b"J": struct.Struct("<i"), b"K": UINT8, b"M": UINT16, b"G": struct.Struct(">d")}
TEXTS = {  # instruction -> form of the length, encoding; T and U are Python 2's texts, whose encoding isn't known
    b"X": (UINT32, "utf-8"),
    b"\x8c": (UINT8, "utf-8"),
    b"\x8d": (UINT64, "utf-8"),
    b"T": (struct.Struct("<i"), "latin-1"),
    b"U": (UINT8, "latin-1"),
    b"B": (UINT32, None),
    b"C": (UINT8, None),
}
OTHERS = {
    b"\x80": Unpickler._skip_protocol,
    b"\x95": Unpickler._skip_frame,
    b"(": Unpickler._mark,
    b"\x8a": Unpickler._long,
    b"q": lambda self: self._put(self._number(UINT8)),
    b"r": lambda self: self._put(self._number(UINT32)),
    b"\x94": Unpickler._memoize,
    b"h": lambda self: self._get(self._number(UINT8)),
    b"j": lambda self: self._get(self._number(UINT32)),
    b"]": Unpickler._list,
    b"}": Unpickler._dict,
    b"\x85": lambda self: self._tuple(1),
    b"\x86": lambda self: self._tuple(2),
    b"\x87": lambda self: self._tuple(3),
    b"t": Unpickler._tuple_from_mark,
    b"a": Unpickler._append,
    b"e": Unpickler._appends,
    b"s": Unpickler._set_item,
    b"u": Unpickler._set_items,
    b"c": Unpickler._global,
    b"\x93": Unpickler._global_from_stack,
    b"Q": Unpickler._persistent_id,
    b"R": Unpickler._reduce,
    b"b": Unpickler._build,
}
