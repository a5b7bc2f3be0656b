"""Kernels are tested with Numba's bounds checks on, in a cache of their own."""

import os
from pathlib import Path

from hypothesis import settings

os.environ.setdefault("NUMBA_BOUNDSCHECK", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "numba-bounds"))

# The same examples in every run, and no clock: a first call may compile a kernel.
settings.register_profile("deterministic", deadline=None, derandomize=True)
settings.load_profile("deterministic")
