"""Where a result comes from: versions, commit and machine, so that it can be had again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import windtunnel
from windtunnel.sim.tier import TIER

PACKAGES = ("numpy", "numba")


def provenance() -> dict[str, Any]:
    """When, with what and on what a run was made. No name of a host or a user.

    `loop` is the tier of the tunnel that ran, compiled or pure: they have the same results.
    """
    return {
        "windtunnel": windtunnel.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "loop": TIER,
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": {
            "cpu": cpu(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "interpreter": sys.implementation.name,
        },
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit() -> str:
    """The commit of the checkout that this package runs from, with + where it has changes; "" outside of one."""
    here = Path(windtunnel.__file__).resolve().parent
    try:
        found = _git(here, "rev-parse", "--show-toplevel", "HEAD").split("\n")
        if len(found) < 2 or here.relative_to(found[0]).parts[:1] != ("src",):
            return ""  # installed into somebody else's checkout
        return found[1] + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no", "--", ".") else "")
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""


def _git(here: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "--no-optional-locks", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def cpu() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
