"""Changes to files: bytes, words or, in JSON, values."""

import json

WORDS = (
    *(b"-1", b"0", b"1e308", b"-1e400", b"nan", b"inf", b"1" * 400, b"0x10", b"1,5", b"\xff\xfe", b"\0", b"", b"\r"),
    *(b"../../etc/passwd", b"/etc/passwd", b"C:\\a.jpg", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&", b"<", b"]]>"),
    *(b"{" * 3000, b"[" * 3000, b"<object>" * 500, b"null", b"true", b'"', b"'", b"\xef\xbb\xbf", b"a" * 70_000),
    *(b"*a", b"&a [*a,*a]", b"!!python/object/apply:os.system ['true']", b"1.0 " * 5000, "e\u0301".encode(), b"\x1b"),
)
VALUES = (
    *(None, True, -1, 0, 10**400, 1e308, float("nan"), float("inf"), "", "x", "../../a.jpg", "/etc/passwd", [], {}),
    *([[1, 2], [3]], {"a": {}}, "1", [[[]]] * 3, "\0", "\udcff", -(2**70), [None], "a" * 70_000),
)


def mutated(data, rng):
    """Bytes with one to four changes."""
    if rng.random() < 0.4:
        try:
            return json.dumps(changed(json.loads(data), rng)).encode("utf-8", "surrogatepass")
        except ValueError:
            pass
    for _ in range(rng.randint(1, 4)):
        data = change(data, rng)
    return data


def changed(tree, rng):
    """A JSON value with one or two of its values changed, doubled or taken away."""
    for _ in range(rng.randint(1, 2)):
        node, way = tree, []
        while isinstance(node, dict | list) and node:
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            way.append((node, key))
            if rng.random() < 0.25:
                break
            node = node[key]
        if not way:
            return rng.choice(VALUES)
        node, key = way[-1]
        kind = rng.random()
        if kind < 0.2:
            del node[key]
        elif kind < 0.3 and isinstance(node, list):
            node.insert(key, node[key])
        else:
            node[key] = rng.choice(VALUES)
    return tree


def change(data, rng):
    """Bytes with one change."""
    place, length = rng.randrange(len(data) + 1), rng.randint(1, 40)
    kind = rng.randrange(7)
    if kind == 0:
        return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + data[place + length :]
    if kind == 2:
        return data[:place] + data[place : place + length] * rng.randint(2, 50) + data[place + length :]
    if kind == 3:
        return data[:place]
    if kind == 4:
        other = rng.randrange(len(data) + 1)
        return data[:place] + data[other : other + length] + data[place:]
    words = data.split(b" ") if rng.random() < 0.5 else data.split(b"\n")
    if kind == 5:
        words[rng.randrange(len(words))] = rng.choice(WORDS)
        return b" ".join(words)
    return data[:place] + rng.choice(WORDS) + data[place:]
