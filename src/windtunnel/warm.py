"""Compile Numba kernels into the cache, so that nobody's first experiment waits: `make setup` runs this.

Those of the tunnel, which experiments run on; a block's are compiled when it is first used. With `--all` those
too. A kernel module lives in a package named `kernels` and has a function `warm()` that calls each kernel on a tiny
input.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import windtunnel
from windtunnel.collecting import collect_rarely


def kernel_modules() -> list[str]:
    """Every module in a package named `kernels`, of whatever family."""
    found = pkgutil.walk_packages(windtunnel.__path__, "windtunnel.")
    return [one.name for one in found if one.name.split(".")[-2] == "kernels"]


def main(arguments: Sequence[str]) -> int:
    """Warm kernel modules; print one line that says how many there were."""
    collect_rarely()  # a compiler makes what lives for ever: looking for garbage in it was a fourteenth of its time
    names = [name for name in kernel_modules() if "--all" in arguments or name.startswith("windtunnel.sim.")]
    for name in names:
        importlib.import_module(name).warm()
    print(f"{len(names)} kernel modules are compiled and cached.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
