"""Run the groups named, or all: every module `bench/bench_NAME.py` with a function `rows()` is a group.

`python -m bench simulation --out DIR` leaves the committed table as it is.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

# One thread each, before NumPy loads: CPU time is what is compared.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from bench.tables import run_group  # noqa: E402  (after the environment is set)

HERE = Path(__file__).parent
COMMITTED = HERE.parent / "results" / "bench"


def main(arguments: list[str]) -> int:
    groups = sorted(p.stem.removeprefix("bench_") for p in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m bench", description="Peers and ours, side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(groups)}; without any, all")
    parser.add_argument("--out", type=Path, default=COMMITTED, help="where the tables go (default: %(default)s)")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.names) - set(groups))
    if unknown:
        parser.error(f"No benchmark group {', '.join(unknown)}; there are {', '.join(groups)}.")
    missed = []
    for name in asked.names or groups:
        module = importlib.import_module(f"bench.bench_{name}")
        missed += [m for m in run_group(name, module.rows(), asked.out, COMMITTED) if m.held is False]
    for m in missed:
        print(f"MISSED: {m.title}: {m.ratio:.2f} times {m.rival}, bar {m.bar:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
