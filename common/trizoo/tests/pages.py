"""The code blocks of the project's pages, for tests that run them."""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def code_blocks(path, heading):
    """The indented blocks of a page below a heading, up to the next one of its level or above: a list of texts."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    start = lines.index(heading) + 1
    level = heading.split(" ")[0]
    blocks, block = [], []
    for line in [*lines[start:], level + " "]:
        if line.startswith("#") and len(line.split(" ")[0]) <= len(level):
            break
        if line.startswith("    ") or (block and not line):
            block.append(line[4:])
        elif block:
            blocks.append("\n".join(block).strip() + "\n")
            block = []
    return [*blocks, "\n".join(block).strip() + "\n"] if block else blocks
