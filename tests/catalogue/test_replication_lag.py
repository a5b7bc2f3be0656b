"""What readers miss is what the lags say, read by read; and the checker of whole histories says the same of designs."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from windtunnel import History, run
from windtunnel.catalogue.scale.replication_lag import experiment
from windtunnel.catalogue.scale.replication_lag.judging import (
    back_at_once,
    missed_at_once,
    next_reads,
    plain,
    ranks,
    versions,
)
from windtunnel.checkers import GUARANTEES, check_sessions, missed_reads, read_history

LAGS_S = (0.1, 1.0)
EDGE_S = 0.01
"""What a request and a commit may take: a read so near to the edge of a lag is left out."""


def histories(folder: Path, designs: list[str], seeds: int = 2, **params: Any) -> dict[str, list[History]]:
    run(experiment, seeds=seeds, designs=designs, jobs=1, quick=True, histories=folder, **params)
    return {design: [read_history(folder / f"{design}-{seed}.jsonl") for seed in range(seeds)] for design in designs}


def assert_as_often(found: int, chances: list[float]) -> None:
    """As many as independent draws with these chances give, within four standard deviations."""
    assert abs(found - sum(chances)) <= 4 * sqrt(sum(p * (1 - p) for p in chances)), (found, sum(chances))


def test_the_own_write_is_missed_at_each_standby_that_is_further_behind_than_the_read_is_late(tmp_path: Path) -> None:
    (calm,) = histories(tmp_path, ["any_replica"], 1, trouble="none", users=32, calm_s=5.0)["any_replica"]
    wrote: dict[str, Any] = {}
    found, chances = 0, []
    rank = ranks(calm)
    for e in sorted(calm, key=lambda e: e.start):
        if e.name == "write":
            wrote[e.client] = e
        elif e.args[0] == e.args[1] and e.client in wrote:
            mine = wrote[e.client]
            delay_s = e.start - mine.end
            if min(abs(delay_s - lag) for lag in LAGS_S) > EDGE_S:
                chances.append(sum(lag > delay_s for lag in LAGS_S) / 2)
                found += rank.get((e.args[1], e.value), 0) < rank[e.args[1], mine.args[2]]
    assert len(chances) > 100
    assert_as_often(found, chances)
    # Beyond luck: nobody sees what no standby can have, and nobody misses what both have.
    sure = [p for p in chances if p in (0.0, 1.0)]
    assert sure


def test_a_second_look_is_older_as_often_as_two_draws_of_a_standby_make_it(tmp_path: Path) -> None:
    (calm,) = histories(tmp_path, ["any_replica"], 1, trouble="none", users=32, calm_s=5.0)["any_replica"]
    ends: dict[int, list[float]] = defaultdict(list)
    for e in sorted(calm, key=lambda e: e.start):
        if e.name == "write":
            ends[e.args[1]].append(e.end)

    def shown(page: int, at_s: float, lag_s: float) -> int:
        """Which version a standby so far behind shows then."""
        return bisect_right(ends[page], at_s - lag_s)

    rank = ranks(calm)
    found, chances = 0, []
    for a, b in next_reads(calm, "read"):
        page = a.args[1]
        edges = [abs(e.start - lag - end) for e in (a, b) for lag in LAGS_S for end in ends[page]]
        if min(edges, default=1.0) > EDGE_S:
            draws = [(shown(page, a.start, i), shown(page, b.start, j)) for i in LAGS_S for j in LAGS_S]
            chances.append(sum(second < first for first, second in draws) / len(draws))
            found += rank.get((page, b.value), 0) < rank.get((page, a.value), 0)
    assert sum(p > 0 for p in chances) > 20
    assert_as_often(found, chances)


def test_the_checker_of_whole_histories_accuses_whom_the_counts_accuse(tmp_path: Path) -> None:
    designs = list(experiment.designs)
    for trouble in ("held", "crash"):
        for design, found in histories(tmp_path / trouble, designs, 1, trouble=trouble).items():
            for history in found:
                missed = missed_reads(plain(history), versions(history))
                for guarantee in GUARANTEES:
                    verdict = check_sessions(plain(history), [guarantee])
                    assert verdict.ok is not bool(missed[guarantee].reads), (trouble, design, guarantee)
                if design in ("session_token", "durable_token"):
                    assert check_sessions(plain(history)).ok


def test_the_formulas_have_the_limits_that_they_must_have() -> None:
    assert missed_at_once((0.0, 0.0), 0.3) == 0
    assert missed_at_once((1e3,), 0.3) == pytest.approx(1)
    assert back_at_once(0.5, 0.5, 0.3, 1.0) == 0
    assert back_at_once(0.0, 1e3, 0.3, 1.0) == pytest.approx(0.25)
    assert back_at_once(0.1, 1.0, 0.3, 1e-9) == pytest.approx(0, abs=1e-6)
