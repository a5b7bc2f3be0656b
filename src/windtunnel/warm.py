"""Compile every Numba kernel once, into the cache, so that nobody's first experiment waits: `make setup` runs this.

A kernel module lives in a package named `kernels` and has a function `warm()` that calls each kernel on a
tiny input.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import windtunnel


def kernel_modules() -> list[str]:
    """Every module in a package named `kernels`, of whatever family."""
    found = pkgutil.walk_packages(windtunnel.__path__, "windtunnel.")
    return [one.name for one in found if one.name.split(".")[-2] == "kernels"]


def main() -> int:
    """Warm all kernel modules; print one line that says how many there were."""
    names = kernel_modules()
    for name in names:
        importlib.import_module(name).warm()
    print(f"{len(names)} kernel modules are compiled and cached.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
