"""hyperloglog: who came follows from the visits, and each way of counting is what its formula says."""

from __future__ import annotations

from math import exp, sqrt
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from helpers.live import real
from windtunnel import Event, History, Stage, run
from windtunnel.catalogue.scale.hyperloglog import experiment
from windtunnel.catalogue.scale.hyperloglog.designs import (
    Exact,
    LeastHashes,
    LinearCounting,
    MergedHyperLogLog,
    RawHyperLogLog,
    SumOfShards,
)
from windtunnel.catalogue.scale.hyperloglog.judging import answers
from windtunnel.engines.registry import engines

MISSING = {one.name: one.missing for one in engines()}["valkey"]
NOWHERE = cast(Stage, None)


def event(name: str, *args: object, value: object = None) -> Event:
    return Event("client", name, args, 0.0, 0.0, "ok", value)


def test_who_came_follows_from_the_visits_before() -> None:
    told = answers(
        History(
            [
                event("visit", 0, 0, ("a", "b", "b")),
                event("visit", 0, 1, ("b", "c")),
                event("count", 0, value=4.0),
                event("visit", 1, 0, ("c", "d")),
                event("count", 1, value=2.0),
                event("count_all", value=4.0),
                event("both", 0, value=3.0),
            ]
        )
    )
    assert [(one.what, one.day, one.true) for one in told] == [
        ("count", 0, 3),
        ("count", 1, 2),
        ("all", 0, 4),
        ("both", 0, 1),
    ]
    assert [one.error for one in told] == [pytest.approx(1 / 3), 0, 0, 2]


def sent(design: Any, visitors: range, precision: int = 10) -> bytes:
    one = design(NOWHERE, SimpleNamespace(precision=precision))
    for visitor in visitors:
        one.add(f"visitor {visitor}")
    return bytes(one.store())


@pytest.mark.parametrize("design", [Exact, LeastHashes, LinearCounting, RawHyperLogLog, MergedHyperLogLog])
def test_shards_together_are_who_saw_everything(design: Any) -> None:
    who_adds = design(NOWHERE, SimpleNamespace(precision=10))
    apart = [sent(design, range(3000)), sent(design, range(2000, 5000))]
    assert who_adds.total(apart) == who_adds.total([sent(design, range(5000))])
    assert who_adds.total(apart) == pytest.approx(5000, rel=0.25)
    assert who_adds.both(*([one] for one in apart)) == pytest.approx(1000, abs=5 * 0.0325 * 3 * 5000)


def test_the_least_hashes_err_as_order_statistics_do_and_keep_no_more_than_twice_as_many() -> None:
    """Of n uniform numbers the k-th least, in the place of which (k - 1) / n is said: 1 / sqrt(k - 2)."""
    who_adds = LeastHashes(NOWHERE, SimpleNamespace(precision=10))
    errors = [who_adds.total([sent(LeastHashes, range(t * 10_000, t * 10_000 + 3000))]) / 3000 - 1 for t in range(40)]
    assert sqrt(sum(one * one for one in errors) / 40) == pytest.approx(1 / sqrt(who_adds.most - 2), rel=0.35)
    for visitor in range(3000):
        who_adds.add(f"visitor {visitor}")
        assert len(who_adds.seen) <= 2 * who_adds.most


def test_hashes_that_both_sent_err_as_a_count_of_so_many_does() -> None:
    """Of 900 who came twice some 900 k / 3000 are among the least: 1 / sqrt of that, as Apache's theta sketches do."""
    who_adds = LeastHashes(NOWHERE, SimpleNamespace(precision=10))
    errors = []
    for start in range(0, 400_000, 10_000):
        days = range(start, start + 3000), range(start + 2100, start + 5100)
        errors.append(who_adds.both(*([sent(LeastHashes, day)] for day in days)) / 900 - 1)
    expected = 1 / sqrt(900 * who_adds.most / 3000)
    assert sqrt(sum(one * one for one in errors) / len(errors)) == pytest.approx(expected, rel=0.35)
    assert who_adds.both([sent(LeastHashes, range(50))], [sent(LeastHashes, range(20, 90))]) == 30


def test_where_nobody_has_touched_registers_the_mean_says_what_its_formula_does() -> None:
    """With n of m registers' worth of Poisson visits a register is at most r with chance exp(-n / (m 2^r))."""
    m, load = 1 << 10, 0.5
    chances = [exp(-load * 2.0**-run) for run in range(60)]
    mean = chances[0] + sum(2.0**-run * (chances[run] - chances[run - 1]) for run in range(1, 60))
    who_adds = RawHyperLogLog(NOWHERE, SimpleNamespace(precision=10))
    visitors = round(load * m)
    told = [who_adds.total([sent(RawHyperLogLog, range(t * 5000, t * 5000 + visitors))]) for t in range(20)]
    assert sum(told) / 20 == pytest.approx(0.7213 / (1 + 1.079 / m) * m / mean, rel=0.02)


def test_what_one_shard_knows_the_others_have_from_bytes_alone() -> None:
    one_table = Path(__file__).parents[1] / "planted" / "hyperloglog" / "wrong_one_table_for_all_shards.py"
    found = run(experiment, seeds=[0], with_file=str(one_table), quick=True, jobs=1, days=2)
    assert found.samples("yours", "rms")[0] == 1


def test_a_sum_counts_who_is_seen_twice_twice() -> None:
    who_adds = SumOfShards(NOWHERE, SimpleNamespace(precision=10))
    assert who_adds.total([sent(SumOfShards, range(3000)), sent(SumOfShards, range(2000, 5000))]) == 6000


def test_linear_counting_errs_as_its_paper_says_and_can_say_no_more_than_m_ln_m() -> None:
    load = 1.0
    size = 6 << 8
    expected = sqrt(exp(load) - load - 1) / (load * sqrt(size))
    who_adds = LinearCounting(NOWHERE, SimpleNamespace(precision=8))
    errors = [
        who_adds.total([sent(LinearCounting, range(trial * 10_000, trial * 10_000 + size), 8)]) / size - 1
        for trial in range(40)
    ]
    assert sqrt(sum(one * one for one in errors) / 40) == pytest.approx(expected, rel=0.35)
    assert who_adds.total([b"\xff" * (size // 8)]) == pytest.approx(size * 7.337, rel=0.001)


def test_no_visitor_at_all_is_no_visitor_but_for_who_does_not_correct() -> None:
    told = SimpleNamespace(precision=10)
    assert MergedHyperLogLog(NOWHERE, told).total([sent(MergedHyperLogLog, range(0))]) == 0
    assert LinearCounting(NOWHERE, told).total([sent(LinearCounting, range(0))]) == 0
    assert RawHyperLogLog(NOWHERE, told).total([sent(RawHyperLogLog, range(0))]) == pytest.approx(0.72 * 1024, rel=0.01)


def test_a_day_more_costs_no_byte_more() -> None:
    few, many = (
        run(experiment, seeds=[0], designs=["hll"], quick=True, jobs=1, days=days).samples("hll", "bytes")[0]
        for days in (2, 6)
    )
    assert few == pytest.approx(many, rel=0.01)


@pytest.mark.live
@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_a_real_server_counts_the_same_visits_within_its_error() -> None:
    found = real(experiment, "valkey", designs=["exact", "hll"], visitors=20_000, visits=1, days=6, precision=14)
    of_server = found.of("hll")[0].measures
    assert of_server["server_rms"] < 3 * 0.0081
    assert of_server["server_rms"] != of_server["rms"]  # another hash, another error
    assert of_server["server_bytes"] == (12_304 if of_server["server_bytes"] > 10_000 else of_server["server_bytes"])
    wrong = [(claim.expression, claim.shown) for claim in found.claims if claim.verdict == "fails"]
    assert not wrong, wrong
