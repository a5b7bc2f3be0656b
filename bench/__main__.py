"""Run the groups named, or all: every module `bench/bench_NAME.py` with a function `rows()` is a group."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

# One thread each, before NumPy loads: CPU time is what is compared.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from bench.harness import run_group  # noqa: E402  (after the environment is set)


def main(names: list[str]) -> int:
    here = Path(__file__).parent
    groups = sorted(p.stem.removeprefix("bench_") for p in here.glob("bench_*.py"))
    unknown = sorted(set(names) - set(groups))
    if unknown:
        print(f"No benchmark group {', '.join(unknown)}; there are {', '.join(groups)}.", file=sys.stderr)
        return 2
    for name in names or groups:
        module = importlib.import_module(f"bench.bench_{name}")
        run_group(name, module.rows(), here.parent / "results" / "bench")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
