"""The harness of the benchmarks: who is compared with whom, what is a pair, and what is called moved."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import chain, cycle
from pathlib import Path

import pytest
from bench.elsewhere import Elsewhere
from bench.harness import Pairs, Row, Skip, Spent, Timed, changes, measure, moved, pairs, remarks
from bench.tables import from_document, run_group

from helpers.source import ROOT


@pytest.fixture(autouse=True)
def leave_the_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round starts with a collection, which in a process full of tests costs more than all that is tested here."""
    monkeypatch.setattr("bench.harness.gc.collect", lambda: 0)


def taking(*costs_ns: int, operations: int = 1000) -> Callable[[], Timed]:
    """A contender whose rounds cost so much, over and over, after the warm round."""

    def prepare() -> Timed:
        rounds = chain([0], cycle(costs_ns))
        return lambda: Spent(operations, next(rounds))

    return prepare


def test_the_first_of_ours_is_compared_with_the_peer_that_stands_best() -> None:
    row = Row(
        "job",
        {
            "ours": taking(100),
            "ours, another way": taking(10),
            "slow": taking(400),
            "quick": taking(200),
        },
        bar=1.5,
    )
    found = measure(row)
    assert (found.ours, found.rival, found.ratio, found.held) == ("ours", "quick", 2.0, True)
    assert {name: p.median for name, p in found.pairs.items()} == {"slow": 4.0, "quick": 2.0}
    assert found.rates["ours, another way"] == 1e11  # shown, and not compared


def test_a_ratio_is_the_median_of_pairs_of_one_round() -> None:
    # A noisy round costs both of them ten times as much: the ratio of that round is as good as any other.
    found = measure(Row("job", {"ours": taking(100, 1000, 100), "peer": taking(300, 3000, 200)}, rounds=3))
    assert found.pairs["peer"] == Pairs(3.0, 2.5, 3.0)
    assert pairs([1.0], [2.0]) == Pairs(0.5, 0.5, 0.5)


def test_a_bar_may_speak_of_one_peer_or_of_another_of_ours() -> None:
    contenders = {"ours, many": taking(100), "ours, few": taking(80), "peer": taking(400)}
    assert measure(Row("job", contenders, against="ours, few", bar=0.5)).ratio == 0.8
    absent = measure(Row("job", contenders, against="not here", bar=0.5))
    assert (absent.ratio, absent.held) == (None, None)


def test_a_peer_that_is_not_installed_is_skipped_with_a_word() -> None:
    def prepare() -> Timed:
        raise Skip("needs a newer Python")

    found = measure(Row("job", {"ours": taking(100), "peer": prepare}))
    assert (found.rival, found.skipped, found.ratio) == ("", {"peer": "needs a newer Python"}, None)


def test_a_ratio_below_one_without_a_reason_is_told_and_so_are_unequal_sizes() -> None:
    slow = {"ours": taking(200), "peer": taking(100)}
    assert remarks(measure(Row("job", slow))) == ["NO REASON GIVEN for a ratio below 1"]
    assert remarks(measure(Row("job", slow, note="ours is text"))) == ["ours is text"]
    unequal = {"ours": taking(1), "peer": taking(100, operations=10)}
    assert remarks(measure(Row("job", unequal))) == ["a round is 10 operations of peer, 1,000 of ours"]


@pytest.mark.parametrize(
    ("before", "now", "is_moved"),
    [
        (Pairs(2.0, 1.9, 2.1), Pairs(2.3, 2.2, 2.4), True),
        (Pairs(2.0, 1.9, 2.1), Pairs(1.7, 1.6, 1.8), True),
        (Pairs(2.0, 1.5, 2.5), Pairs(2.3, 2.2, 2.4), False),  # within the noise of the one before
        (Pairs(2.0, 1.99, 2.01), Pairs(2.05, 2.04, 2.06), False),  # by less than two runs differ anyhow
    ],
)
def test_moved_is_what_lies_beyond_the_noise_of_both(before: Pairs, now: Pairs, is_moved: bool) -> None:
    assert moved(before, now) is is_moved


def test_a_run_says_what_differs_from_the_committed_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def rows(cost_ns: int) -> list[Row]:
        return [Row("job", {"ours": taking(cost_ns), "peer": taking(300)}, bar=2.0)]

    run_group("some", rows(100), tmp_path, tmp_path)
    capsys.readouterr()
    run_group("some", [*rows(200), Row("more", {"ours": taking(1)})], tmp_path, tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "some: job: ours 5e+09, peer 3.333e+09 op/s; 1.50 times peer, bar 2 MISSED"
    assert said[2:] == [
        "some, against the committed table: job: 3.00 (3.00 to 3.00) before, 1.50 (1.50 to 1.50) now, against peer.",
        "some, against the committed table: more: a new row.",
    ]
    assert "| job | ours | 5e+09 | op/s |  | 2 MISSED |" in (tmp_path / "some.md").read_text()
    kept = from_document(json.loads((tmp_path / "some.json").read_text()))
    assert changes(kept, []) == ["job: no such row any more.", "more: no such row any more."]


def test_a_contender_elsewhere_runs_a_round_when_asked() -> None:
    there = Elsewhere(sys.executable, "bench.simulation_peers", "simpy lindley")
    try:
        assert there.answer > 0
        assert there().operations == 10_000
    finally:
        there.close()
    with pytest.raises(Skip, match="KeyError"):
        Elsewhere(sys.executable, "bench.simulation_peers", "nobody")


def test_every_committed_row_below_one_says_why() -> None:
    for path in sorted((ROOT / "results" / "bench").glob("*.json")):
        for row in from_document(json.loads(path.read_text())).values():
            assert row.ratio is None or row.ratio >= 1 or row.note, f"{path.stem}: {row.title}"


def test_a_group_that_is_not_there_is_refused_with_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "No benchmark group nothing; there are asyncio_tier, caches," in done.stderr
