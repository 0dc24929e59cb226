"""What a result was made with: versions and machine."""

import contextlib
import platform
from importlib import metadata

from . import __version__, backends


def versions():
    """The versions that a result depends on."""
    names = ("numpy", "numba", "scipy", "matplotlib")
    return {"python": platform.python_version(), "nndl": __version__,
            **{name: metadata.version(name) for name in names}}


def machine():
    """The machine that a time was measured on."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            cpu = next(line.split(":", 1)[1].strip() for line in file
                       if line.startswith("model name"))
    return {"cpu": cpu, "cores": backends.usable_cores(), "system": platform.system()}
