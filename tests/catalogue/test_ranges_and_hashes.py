"""range-or-hash: stretches of keys, who has what, what is moved where, and movers that copy, forget or let all in."""

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from random import Random
from runpy import run_path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, strategies as st

from windtunnel import Op, Stage
from windtunnel.blocks.placement import RangeMap
from windtunnel.catalogue.scale.range_or_hash import experiment, workload
from windtunnel.catalogue.scale.range_or_hash.designs import part
from windtunnel.catalogue.scale.range_or_hash.directory import Directory, View, pre_split
from windtunnel.catalogue.scale.range_or_hash.evening import BUSY, LEAST, Held, plan, without
from windtunnel.catalogue.scale.range_or_hash.records import Key, Record, Span, only, spans_meet
from windtunnel.catalogue.scale.range_or_hash.rig import Rig
from windtunnel.catalogue.scale.range_or_hash.shard import Shard
from windtunnel.lab.errors import DesignError
from windtunnel.lab.params import make
from windtunnel.lab.running.work import drive, measured

Batch = list[tuple[Key, Record]]
NOWHERE = cast(Stage, None)
ENDS = st.one_of(st.none(), st.integers(0, 12))
SPANS = st.builds(Span, ENDS, ENDS).filter(lambda span: None in span or span.start < span.end)
KEYS = range(-2, 15)
HOSTS = ["ann", "bob", "cid", "dan"]
PLANTED = Path(__file__).parents[1] / "planted" / "range_or_hash"


def keys(span: Span | None) -> set[int]:
    """Those of a few that lie in it."""
    return {key for key in KEYS if span is not None and span.has(key)}


@given(SPANS, SPANS)
def test_what_two_stretches_have_in_common_and_what_is_left_are_sets(one: Span, other: Span) -> None:
    assert keys(one.within(other)) == keys(one) & keys(other)
    left = without(one, other)
    assert sum(len(keys(part)) for part in left) == len(set().union(*map(keys, left)))
    assert set().union(*map(keys, left)) == keys(one) - keys(other)


@given(st.lists(SPANS, min_size=1, max_size=4))
def test_stretches_meet_where_each_key_lies_in_one(spans: list[Span]) -> None:
    counted = Counter(key for span in spans for key in keys(span))
    assert spans_meet(spans) == all(counted[key] == 1 for key in KEYS)


def test_the_stretch_of_one_key_has_no_other() -> None:
    assert keys(only(3)) == {3}
    assert only("ann").has("ann")
    assert not only("ann").has("ann ")
    assert not only("ann").has("anm")


@given(st.lists(st.integers(0, 12), min_size=4, max_size=30), st.lists(SPANS, max_size=3))
def test_who_asks_finds_for_each_key_the_host_that_has_it(at_first: list[int], spans: list[Span]) -> None:
    ranges: RangeMap[int] = pre_split(at_first, HOSTS)
    found = View(ranges.ranges(), {}).by_host(spans)
    for name in HOSTS:
        mine = [key for span in found.get(name, ()) for key in keys(span)]
        assert sorted(mine) == sorted(k for span in spans for k in keys(span) if ranges.lookup(k).owner == name)


def test_at_first_each_host_has_as_many_records_as_another() -> None:
    ranges = pre_split([Random(i).randrange(10**9) for i in range(400)], HOSTS)
    owners = Counter(ranges.lookup(Random(i).randrange(10**9)).owner for i in range(400))
    assert owners == dict.fromkeys(HOSTS, 100)


WORK = st.dictionaries(st.integers(0, 40), st.floats(0.01, 0.5), max_size=12)


@given(st.lists(WORK, min_size=4, max_size=4))
def test_what_is_moved_evens_hosts_out_and_cuts_only_between_keys(work: list[dict[int, float]]) -> None:
    bounds = [None, 10, 20, 30, None]
    held: dict[Span, Held] = {}
    for i, (name, some) in enumerate(zip(HOSTS, work, strict=True)):
        span = Span(bounds[i], bounds[i + 1])
        held[span] = Held(name, {key: share for key, share in some.items() if span.has(key)})
    loads = {one.owner: sum(one.work.values()) for one in held.values()}
    owner: dict[Key, str] = {key: one.owner for one in held.values() for key in one.work}
    shares: dict[Key, float] = {key: share for one in held.values() for key, share in one.work.items()}
    for step in plan(held, HOSTS):
        moved = [key for key in owner if step.span.has(key)]
        assert {owner[key] for key in moved} == {step.source} != {step.target}
        load = sum(shares[key] for key in moved)
        assert loads[step.source] >= BUSY
        assert load >= LEAST - 1e-9
        assert load < loads[step.source] - loads[step.target] + 1e-9
        loads[step.source] -= load
        loads[step.target] += load
        owner |= dict.fromkeys(moved, step.target)


def test_of_a_host_that_does_one_key_nothing_is_moved_but_what_lies_beside_it() -> None:
    alone = {Span(None, 10): Held("ann", {3: 2.0}), Span(10, None): Held("bob", {12: 0.1})}
    assert plan(alone, ["ann", "bob"]) == []
    beside = {Span(None, 10): Held("ann", {1: 0.2, 3: 2.0, 5: 0.3}), Span(10, None): Held("bob", {12: 0.5})}
    first, second = plan(beside, ["ann", "bob"])
    assert (first.span, first.cut) == (Span(5, 10), 5)
    assert (second.span, second.cut) == (Span(None, 3), 3)


def test_a_zipf_world_of_sixteen_hosts_is_as_uneven_as_its_first_key() -> None:
    """Of a million keys with exponent .99 the first has 1 in 15.4, and a host has a sixteenth of all others."""
    many, hosts = 1_000_000, 16
    weights = np.arange(1, many + 1) ** -0.99
    share = weights[0] / weights.sum()
    luck = np.random.default_rng(1)
    drawn = np.searchsorted(np.cumsum(weights), luck.random(20_000) * weights.sum())
    setting = cast(Any, SimpleNamespace(parts=hosts))
    peaks = {}
    for name, design in experiment.designs.items():
        one: Any = design(NOWHERE, setting)
        made = [Record(f"{key:06}", at, at) for at, key in enumerate(drawn.tolist())]
        parts = {record.author: one.parts(record.author) if record.author == "000000" else 1 for record in made}
        found: list[Any] = [one.key(record, parts[record.author]) for record in made]
        if name == "range_on_time":
            bounds: list[Any] = [-i for i in range(hosts - 1, 0, -1)]
        elif name in ("range_on_name", "name_and_hash"):
            bounds = [f"{many * i // hosts:06}" for i in range(1, hosts)]
        else:
            bounds = list(accumulate([2**64 // hosts] * (hosts - 1)))
        counts = np.bincount(np.searchsorted(np.array(bounds), np.array(found), side="right"), minlength=hosts)
        peaks[name] = counts.max() / counts.mean()
    assert peaks["range_on_time"] == hosts
    assert peaks["range_on_name"] > 0.75 * hosts  # the first sixteenth of the names has four fifths of what is written
    assert 1 + share * (hosts - 1) - 0.1 < peaks["hashed"] < 1 + share * (hosts - 1) + 0.6
    assert peaks["hashed_in_parts"] < peaks["hashed"] - 0.3


SMALL = make(experiment.params, {"hosts": 4, "load": 0.65, "old": 100, "duration_s": 4.0, "star": 0.6})
OPS = [op._replace(id=i) for i, op in enumerate(sorted(workload(SMALL, Random(9)), key=lambda op: op.at))]


def measures(design: str, ops: list[Op] = OPS) -> dict[str, float]:
    history = drive(experiment, "sim", design, 0, SMALL, ops, ())
    return measured(experiment, history, SMALL, design)


def measures_of(design: type, name: str = "hashed_in_parts", **given: float) -> dict[str, float]:
    """Of a design in the place of another."""
    other = replace(experiment, designs={**experiment.designs, name: design}, module=experiment.module)
    p = make(experiment.params, {**vars(SMALL), **given})
    ops = [op._replace(id=i) for i, op in enumerate(sorted(workload(p, Random(9)), key=lambda op: op.at))]
    return measured(other, drive(other, "sim", name, 0, p, ops, ()), p, name)


def test_while_an_author_is_split_nothing_is_lost_left_out_or_in_two_places() -> None:
    found = measures("hashed_in_parts")
    assert found["star_shards"] > 1
    assert found["moves"] > 0
    assert found["astray_looks"] == found["lost"] == found["missed"] == found["doubled"] == 0


@pytest.mark.parametrize("design", ["hashed", "hashed_in_parts", "name_and_hash"])
def test_a_range_that_is_cut_within_an_author_needs_no_parts(design: str) -> None:
    found = measures(design)
    assert (found["star_shards"] > 1) == (design != "hashed")
    assert found["name_shards"] < 3 or design != "name_and_hash"
    assert found["unseen"] == found["astray_looks"] == found["lost"] == found["missed"] == found["doubled"] == 0


def test_slices_of_time_in_turn_answer_nearly_all_without_a_look_and_three_hosts_know_a_time() -> None:
    planted = run_path(str(PLANTED / "wrong_slices_of_time.py"))["Yours"]
    found = measures_of(planted, watch_s=0.0)
    assert found["posted"] > 0.98
    assert found["found"] > 0.95
    assert found["moves"] == 0
    assert found["time_shards"] < 3.5
    assert found["author_shards"] == 4


def test_who_counts_for_himself_is_found_out_by_a_program_that_has_just_been_started() -> None:
    found = measures_of(run_path(str(PLANTED / "wrong_counts_for_itself.py"))["Yours"])
    assert found["lost"] == 0
    assert found["unseen"] > 0


def test_who_answers_no_questions_is_found_out() -> None:
    found = measures_of(run_path(str(PLANTED / "wrong_answers_no_names.py"))["Yours"])
    assert found["names_found"] == found["missed"] == 0
    assert found["found"] < 0.85


@pytest.mark.parametrize(
    ("name", "gives", "said"),
    [
        ("key", ("ann", 3), r"A key is a whole number or text, the same for all records; key gave \('ann', 3\)"),
        ("key", b"ann", "key gave b'ann'"),
        ("key", 0.5, "key gave 0.5"),
        ("of_author", None, "of_author gives a list of Span; None was given"),
        ("of_author", ["ann"], r"of_author gives a list of Span; \['ann'\] was given"),
        ("of_time", Span(1, 2), r"of_time gives a list of Span; Span\(start=1, end=2\) was given"),
        ("parts", "12", "An author is kept in a whole number of parts; parts gave '12'"),
    ],
)
def test_what_is_no_key_or_no_stretch_is_said_in_a_sentence(name: str, gives: object, said: str) -> None:
    design = type("Yours", (experiment.designs["hashed"],), {name: lambda self, *about: gives})
    with pytest.raises(DesignError, match=said):
        measures_of(design)


def test_keys_of_two_kinds_are_refused() -> None:
    design = type(
        "Yours",
        (experiment.designs["hashed"],),
        {"key": lambda self, record, parts: record.author if record.number == 9 else 1},
    )
    with pytest.raises(DesignError, match="the same for all records; key gave '"):
        measures_of(design)


def test_hosts_that_let_in_who_does_not_know_of_the_parts_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def says_yes(self: Shard, author: str, parts: int) -> None:
        self.tell("directory", "marked", self.name)

    async def half(self: Rig, program: int) -> None:
        await rightly(self, program)
        self.views[1] = copy(self.views[1])
        self.views[1].parts = {}

    rightly = Rig.look_again
    monkeypatch.setattr(Rig, "look_again", half)
    monkeypatch.setattr(Shard, "mark", says_yes)
    assert measures("hashed_in_parts")["missed"] > 0


@pytest.mark.parametrize("early", [False, True])
def test_who_asks_is_told_of_parts_when_the_last_host_knows_of_them(
    monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    """The host that has the author's first key hears of them long after all others; a program asks at once."""

    async def late(self: Shard, author: str, parts: int) -> None:
        async def later() -> None:
            await self.sim.sleep(1.5)
            await rightly(self, author, parts)

        if self.covers(only(part(author, 0))):
            self.sim.spawn(later(), "who hears of it late", daemon=True)
        else:
            await rightly(self, author, parts)

    def asked_at_once(self: Directory, name: str) -> None:
        if early:
            self.unmarked.clear()
        marked(self, name)
        self.look_up(1)

    rightly, marked = Shard.mark, Directory.marked
    monkeypatch.setattr(Shard, "mark", late)
    monkeypatch.setattr(Directory, "marked", asked_at_once)
    (star, _), *_ = Counter(op.args[0] for op in OPS if op.name == "post").most_common()
    asks = [Op(1.5 + i / 20, f"reader {i}", "of_author", (star, 2 * i), id=len(OPS) + i) for i in range(20)]
    found = measures("hashed_in_parts", sorted([*OPS, *asks], key=lambda op: op.at))
    assert found["star_shards"] > 1
    assert (found["missed"] > 0) == early


def test_a_host_that_hands_over_a_copy_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def copies(self: Shard, move: int, span: Span, target: str, sent: int) -> None:
        kept = dict(self.kept)
        await rightly(self, move, span, target, sent)
        self.kept = kept

    rightly = Shard.give
    monkeypatch.setattr(Shard, "give", copies)
    found = measures("hashed_in_parts")
    assert found["astray_looks"] > 0
    assert found["lost"] > 0


def test_a_host_that_hands_over_what_it_had_at_first_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgets(self: Shard, move: int, span: Span, sent: int, batch: Batch, last: bool) -> None:
        await rightly(self, move, span, sent, [one for one in batch if one[1].at_ms < 1500], last)

    rightly = Shard.take
    monkeypatch.setattr(Shard, "take", forgets)
    found = measures("range_on_name")
    assert found["lost"] > 0
    assert found["missed"] > 0


def test_a_directory_that_never_looks_leaves_every_insert_with_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Directory, watch_s: float, until_s: float) -> None: ...

    monkeypatch.setattr(Directory, "watch", never)
    found = measures("range_on_time")
    assert found["peak"] == found["peak_run"] == 4
    assert found["moves"] == 0
    assert 0.8 < found["done"] < 1.05  # one host's work, less what questions take
