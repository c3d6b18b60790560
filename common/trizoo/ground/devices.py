"""The names of devices, the same for all frameworks."""

import re

from trizoo.ground.errors import UserError

NAMES = "auto, cpu, cuda, cuda:N, gpu, gpu:N, mps"  # of which gpu means cuda


def device_name(text):
    """A name of NAMES with cuda for gpu. Raises ValueError for anything else."""
    match = re.fullmatch(r"(auto|cpu|mps)|(?:cuda|gpu)(:[0-9]{1,3})?", text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{text!r} is no device; one of {NAMES} is needed")
    return match[1] or (f"cuda:{int(match[2][1:])}" if match[2] else "cuda")


def chosen(wanted, there, title):
    """Which of a framework's devices a name means: auto the first GPU where there is one, cuda the first GPU.

    Args:
        wanted: one of NAMES
        there: "cpu", then "cuda:0" and so on, "mps"; "cuda" where they aren't told apart
        title: the framework's

    Raises:
        UserError: for one that isn't there, with those that are
    """
    name = device_name(wanted)
    first = next((device for device in there if device.startswith("cuda")), None)
    if name == "auto":
        return first or "cpu"
    if name == "cuda" or (name == "cuda:0" and first == "cuda"):
        name = first
    if name not in there:
        raise UserError(
            f"--device {wanted} was asked for, but {title} finds {', '.join(there)} alone; "
            f"one of these or auto would do"
        )
    return name
