"""Eight bugs of CPython and well-known libraries, rebuilt small: found without being told where, replayed, and mended.

`python examples/real_bugs` prints the table of docs/real-bugs.md; with a name of a bug, its simplest schedule.
"""

from __future__ import annotations

import importlib
import sys

from windtunnel.explore import (
    DPOR,
    DepthFirst,
    Exploration,
    Failure,
    RandomWalk,
    RealThreads,
    explore,
    picture,
    replay,
    simplest,
)

BUGS = {
    "asyncio_condition": "gh-112202",
    "asyncio_lock": "bpo-27585",
    "asyncio_wait_for": "gh-86296",
    "redis_connection": "redis-py #2624",
    "psycopg_pool": "psycopg #1208",
    "executor_closed": "bpo-39995",
    "executor_full": "gh-105829",
    "executor_shutdown": "gh-125451",
}
LIMIT = 5_000


def found(bug: str) -> tuple[Exploration, Failure]:
    """By orders drawn at random: the search that fails, and the simplest schedule that fails alike, replayed."""
    module = importlib.import_module(bug)
    search = explore(module.program(fixed=False), RandomWalk(seed=0), limit=LIMIT)
    assert search.failure is not None, f"{bug} was not found in {LIMIT} schedules."
    assert replay(module.program(fixed=False), search.failure.tape) == search.failure
    return search, simplest(module.program(fixed=False), search.failure)


def mended(bug: str, limit: int = LIMIT) -> Exploration:
    """The mended program: every schedule of it, or `limit` of them."""
    program = importlib.import_module(bug).program(fixed=True)
    search = explore(program, DPOR() if isinstance(program, RealThreads) else DepthFirst(), limit=limit)
    assert search.failure is None, f"{bug}, mended: {search.failure}"
    return search


def row(bug: str) -> str:
    """A line of the table."""
    search, simple = found(bug)
    after = mended(bug)
    proof = "all" if after.complete else "the first"
    return (
        f"| [`{bug}`](../examples/real_bugs/{bug}.py) | {BUGS[bug]} | {search.schedules:,} | "
        f"{simple.switches} in {len(simple.steps)} | {proof} {after.schedules:,} |"
    )


def main() -> None:
    if len(sys.argv) > 1:
        if sys.argv[1] not in BUGS:
            print(f"There is no bug '{sys.argv[1]}' here; take one of {', '.join(BUGS)}.", file=sys.stderr)
            sys.exit(2)
        simple = found(sys.argv[1])[1]
        print(f"{picture(simple).text(width=100)}\n{simple.sentence}")
        return
    print("| bug | public number | found at schedule | switches in steps | mended: none in |\n|---|---|---|---|---|")
    for bug in BUGS:
        print(row(bug), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
