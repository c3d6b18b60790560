"""What `trizoo doctor` does: versions, devices, speed, extras and folders of this machine. It never fails itself."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata

from trizoo import __version__
from trizoo.commands.cli import say
from trizoo.framework import FRAMEWORKS
from trizoo.ground.cores import CPU_INFO, available_cores

SECONDS = 20  # that the frameworks have to answer in, all at once
SIDE = 1024  # of the matrices that are multiplied
FLAGS = {"bf16": ("avx512_bf16", "amx_bf16", "bf16"), "AMX": ("amx_tile",), "VNNI": ("avx512_vnni", "avx_vnni")}
FRAMEWORK_EXTRAS = ("torch", "tf2", "keras", "dev")  # told of elsewhere, or of no use to users
# a process of a framework prints its versions, devices and, in PyTorch, the GFLOP/s of a product in bf16
PROBE = f"""
import json, sys, time
from trizoo.framework import find
zoo = find(sys.argv[1]).open()
found = {{"versions": zoo.versions(), "devices": zoo.devices()}}
if zoo.name == "pytorch":
    import torch
    a = torch.ones({SIDE}, {SIDE}, dtype=torch.bfloat16)
    a[:64] @ a
    started = time.perf_counter()
    a @ a
    found["bf16"] = 2e-9 * {SIDE}**3 / (time.perf_counter() - started)
print(json.dumps(found))
"""
MODULES = {"pytorch": "torch", "tf2": "tensorflow", "keras": "keras"}
_EXTRA = re.compile(r"^([\w.-]+)[^;]*;.*extra == ['\"]([\w-]+)['\"]")


def run(args):
    """The command. Returns 0."""
    speed = _tried(product)  # while nothing else runs
    probes = {name: _start(name) for name, package in FRAMEWORKS.items() if not _tried(package.missing)}
    parts = {name: _tried(part) for name, part in PARTS.items()} | {"product": speed}
    parts["frameworks"] = _frameworks(probes)
    if args.json:
        say(json.dumps(parts, ensure_ascii=False, indent=1))
    else:
        for name, part in parts.items():
            say(f"{name}: {part}" if not isinstance(part, dict) else f"{name}:")
            if isinstance(part, dict):
                for key, value in part.items():
                    say(f"  {key}: {', '.join(map(str, value)) or 'none' if isinstance(value, list) else value}")
    return 0


def machine():
    """The CPU: its name, cores, threads and what it multiplies itself."""
    text = CPU_INFO.read_text(encoding="utf-8", errors="replace") if CPU_INFO.exists() else ""
    fields = dict(line.partition(":")[::2] for line in text.splitlines()[:60] if ":" in line)
    fields = {name.strip().lower(): value.strip() for name, value in fields.items()}
    flags = fields.get("flags", fields.get("features", "")).split()
    return {
        "system": platform.platform(),
        "cpu": fields.get("model name") or platform.machine(),
        "cores": f"{available_cores()} allowed of {os.cpu_count()}",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
        **{name: _answer(words, flags) for name, words in FLAGS.items()},
    }


def product():
    """GFLOP/s of a product of two float32 matrices by NumPy, the better of two."""
    import numpy as np

    square = np.ones((SIDE, SIDE), np.float32)
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        square @ square
        seconds.append(time.perf_counter() - started)
    return f"{2e-9 * SIDE**3 / min(seconds):.0f} GFLOP/s in float32 (NumPy)"


def extras():
    """Each extra's packages with their versions, and its install line where one is missing."""
    found = {}
    for requirement in metadata.requires("trizoo") or ():
        match = _EXTRA.match(requirement)
        if match and match[2] not in FRAMEWORK_EXTRAS:
            found.setdefault(match[2], []).append(match[1])
    told = {}
    for extra, packages in found.items():
        versions = {package: _version(package) for package in packages}
        words = ", ".join(f"{package} {version or 'missing'}" for package, version in versions.items())
        told[extra] = words if all(versions.values()) else f"{words}; pip install 'trizoo[{extra}]'"
    return told


def fonts():
    """The font that comes along, and how many the system has for other scripts."""
    from matplotlib import font_manager

    from trizoo.pictures.fonts import default_font

    return f"{default_font().name}; {len(font_manager.findSystemFonts())} of the system"


def cache():
    """The cache folder, what it holds and what its disk has left."""
    from trizoo.download.storage import home

    folder = home()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
    disk = next(path for path in (folder, *folder.parents) if path.exists())
    return {
        "folder": str(folder),
        "size": f"{sum(path.stat().st_size for path in files) / 1e6:.0f} MB in {len(files)} files",
        "free": f"{shutil.disk_usage(disk).free / 1e9:.1f} GB",
        "free here": f"{shutil.disk_usage(os.curdir).free / 1e9:.1f} GB",
    }


PARTS = {
    "trizoo": lambda: __version__,
    "python": lambda: f"{platform.python_version()} ({sys.executable})",
    "machine": machine,
    "extras": extras,
    "video": lambda: "PyAV" if _version("av") else "not read; pip install 'trizoo[video]'",
    "fonts": fonts,
    "cache": cache,
}


def _tried(part):
    """What a function gives, or why it gave nothing."""
    try:
        return part()
    except Exception as error:  # whatever it is: the other parts count
        return f"can't be found out: {error or type(error).__name__}"


def _answer(words, flags):
    if not flags:
        return "can't be found out"
    return "yes" if set(words) & set(flags) else "no"


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _start(name):
    """The process that a framework answers in."""
    command = [sys.executable, "-c", PROBE, name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _frameworks(probes):
    """{title: words} of all frameworks.

    Args:
        probes: {name: process} of those that are installed
    """
    until = time.monotonic() + SECONDS
    told = {}
    for name, package in FRAMEWORKS.items():
        if name not in probes:
            told[package.title] = _tried(package.missing)
            continue
        with probes[name] as process:
            try:
                answer, _ = process.communicate(timeout=max(0.1, until - time.monotonic()))
                found = json.loads(answer.splitlines()[-1])
            except subprocess.TimeoutExpired:
                process.kill()
                told[package.title] = f"installed, but gave no answer within {SECONDS} s"
                continue
            except (ValueError, IndexError):
                told[package.title] = f"installed, but doesn't load: python -c 'import {MODULES[name]}' says why"
                continue
        speed = f", {found['bf16']:.0f} GFLOP/s in bf16" if "bf16" in found else ""
        told[package.title] = f"{found['versions']}, devices: {', '.join(found['devices'])}{speed}"
    return told
