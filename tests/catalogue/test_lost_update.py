"""Lost update: the law that is fitted, the cores that are modelled, and the same on real threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from math import isnan
from random import Random

import pytest
from hypothesis import given, strategies as st

from windtunnel.catalogue.concurrency.lost_update import Memory, Params, Sharded, Steps, Unlocked, experiment, real
from windtunnel.catalogue.concurrency.lost_update.judging import law
from windtunnel.catalogue.concurrency.lost_update.rig import ROUNDS
from windtunnel.explore import Access
from windtunnel.lab.errors import DesignError
from windtunnel.lab.run import run
from windtunnel.sim.closed_forms import scalability


@given(st.floats(0, 0.9), st.floats(0, 0.05), st.integers(2, 7))
def test_points_of_the_law_give_its_alpha_and_beta_back(alpha: float, beta: float, doublings: int) -> None:
    points = [(n, scalability(n, alpha=alpha, beta=beta)) for n in (1 << i for i in range(doublings + 1))]
    found = law(points)
    assert found == pytest.approx((alpha, beta), abs=1e-9)


def test_the_law_has_its_peak_where_gunther_says() -> None:
    alpha, beta = law([(n, scalability(n, alpha=0.02, beta=0.0005)) for n in (1, 2, 4, 8, 16)])
    assert ((1 - alpha) / beta) ** 0.5 == pytest.approx(44.3, abs=0.05)
    assert scalability(44, alpha=alpha, beta=beta) == pytest.approx(15.7, abs=0.05)
    assert scalability(128, alpha=alpha, beta=beta) == pytest.approx(11.0, abs=0.05)


def test_what_two_points_cannot_tell_apart_is_called_turns() -> None:
    assert law([(1, 1.0), (2, 1.6)]) == pytest.approx((0.25, 0.0))


def test_where_nothing_is_counted_there_is_no_law() -> None:
    assert law([(1, 1.0), (2, 1.6), (4, 0.0)]) == law([(1, 1.0), (2, 1.6)])
    assert all(map(isnan, law([(1, 1.0), (2, 0.0)])))
    hard = {"threads": 3, "cores": 64, "work_ns": 20.0, "fetch_ns": 200.0, "run_us": 5.0}
    assert run(experiment, seeds=[351744952651], designs=["spin_lock"], jobs=1, **hard).samples("spin_lock", "alpha")


def test_real_threads_of_this_python_keep_to_what_is_claimed_of_them() -> None:
    found = run(experiment, stage="machine", quick=True, seeds=[0], jobs=1)
    judged = {claim.expression: claim.verdict for claim in found.claims if claim.verdict != "skipped"}
    assert len(judged) >= 8
    assert set(judged.values()) == {"holds"}, judged


def test_who_may_lose_is_tried_until_it_does_and_who_is_proved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def keeps(make: type[real.Counter], threads: int, times: int, called: bool) -> int:
        tried.append(make.__name__)
        return 0

    monkeypatch.setattr(real, "by_chance", keeps)
    run(experiment, stage="machine", quick=True, seeds=[0], designs=["unlocked", "queue_lock", "sharded"], jobs=1)
    assert Counter(tried) == {"OneStatement": 2 * ROUNDS, "Locked": 2, "InParts": 2}


TOLD = ("found", "proved", "schedules", "losing", "lost_share", "most_per_us", "read_ns")


class Boasts(Unlocked):
    """Unlocked, and full of itself."""

    def search(self) -> tuple[bool, bool]:
        return False, True

    def count(self, cores: int) -> Mapping[str, float]:
        return {"per_us": 1000.0, "lost": 0.0, "read_ns": 0.0}


class Breaks(Sharded):
    """Counts until it breaks."""

    def add(self, memory: Memory, me: int) -> Steps:
        yield from super().add(memory, me)
        raise ValueError("too many")


class OneStepForTwo(Sharded):
    """Where it is timed it reads and writes what all write, and tells of one step that touches something else."""

    def add(self, memory: Memory, me: int) -> Steps:
        yield Access("read", f"value {me}")
        memory["value 0"] = memory.get("value 0", 0) + 1


def measured_of(design: type[Unlocked]) -> Mapping[str, float]:
    alone = replace(
        experiment, designs={"one": design}, claims=(), figures=(), asks=(), why=(), module=experiment.module
    )
    return run(alone, quick=True, seeds=[0], jobs=1).runs[0].measures


def test_what_a_design_says_of_itself_is_not_asked_for() -> None:
    said, true = measured_of(Boasts), measured_of(Unlocked)
    assert {name: said[name] for name in TOLD} == {name: true[name] for name in TOLD}
    assert said["proved"] == 0


def test_on_many_cores_too_memory_is_touched_only_as_it_was_told() -> None:
    alone = replace(experiment, designs={"one": OneStepForTwo}, claims=(), figures=(), asks=(), why=())
    op = next(op for op in experiment.workload(Params(), Random(0)) if op.name == "count")
    quick = replace(alone, workload=lambda p, luck: (op,), module=experiment.module)
    with pytest.raises(DesignError, match="touched by a write that was not told"):
        run(quick, quick=True, seeds=[0], jobs=1)


def test_a_design_that_breaks_in_its_rig_is_told_by_its_own_line() -> None:
    with pytest.raises(DesignError, match=r"raised ValueError.*at test_lost_update\.py:\d+"):
        measured_of(Breaks)
