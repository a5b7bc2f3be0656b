"""Compile every Numba kernel once, into the cache, so that nobody's first experiment waits: `make setup` runs this.

A kernel module lives in a package named below and has a function ``warm()`` that calls each kernel on a tiny input.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

PACKAGES = ("windtunnel.blocks.kernels", "windtunnel.sim.kernels")


def main() -> int:
    """Warm all kernel modules; print one line that says how many there were."""
    warmed = 0
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{name}.{found.name}").warm()
            warmed += 1
    print(f"{warmed} kernel modules are compiled and cached.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
