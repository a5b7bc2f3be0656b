"""hash-ring: what is moved is what has to be, spread is as it is computed, and a mover that copies is found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from windtunnel import Op, Stage, run
from windtunnel.catalogue.scale.hash_ring import experiment, workload
from windtunnel.catalogue.scale.hash_ring.claims import spread_of
from windtunnel.catalogue.scale.hash_ring.designs import Highest, Jump, Modulo, Ring
from windtunnel.catalogue.scale.hash_ring.judging import squared_spread
from windtunnel.catalogue.scale.hash_ring.keeper import Asked, Keeper
from windtunnel.lab.errors import DesignError
from windtunnel.lab.params import make
from windtunnel.lab.running.work import drive, measured

NOWHERE = cast(Stage, None)
KEYS = [f"user {i}" for i in range(3000)]
SMALL_ONE: dict[str, Any] = {"hosts": 4, "keys": 1000, "load": 0.3, "clusters": 1}
SMALL = make(experiment.params, SMALL_ONE)


def owners(design: Any, *hosts: str, points: int = 100) -> list[str]:
    one = design(NOWHERE, SimpleNamespace(points=points))
    one.settle(hosts)
    return list(one.owners(KEYS))


@pytest.mark.parametrize("design", experiment.designs.values())
def test_each_key_has_one_owner_among_the_hosts_whoever_asks(design: Any) -> None:
    found = owners(design, "ann", "bob", "cid")
    assert set(found) == {"ann", "bob", "cid"}
    assert found == owners(design, "ann", "bob", "cid")


@pytest.mark.parametrize("design", [Ring, Jump, Highest])
def test_a_key_moves_to_who_comes_or_not_at_all(design: Any) -> None:
    before, after = owners(design, "ann", "bob", "cid"), owners(design, "ann", "bob", "cid", "dan")
    assert {b for a, b in zip(before, after, strict=True) if a != b} == {"dan"}


def test_a_key_stays_where_both_remainders_are_the_same() -> None:
    hosts = [f"host {i}" for i in range(12)]
    one, two = owners(Modulo, *hosts[:4]), owners(Modulo, *hosts[:6])
    assert sum(a == b for a, b in zip(one, two, strict=True)) / 3000 == pytest.approx(2 / 6, abs=0.05)
    doubled = owners(Modulo, *hosts[:8])
    assert all(b == a or hosts.index(b) == hosts.index(a) + 4 for a, b in zip(one, doubled, strict=True))
    tripled = owners(Modulo, *hosts)
    assert all(b == a or hosts.index(b) >= 4 for a, b in zip(one, tripled, strict=True))


def test_what_the_luck_of_keys_adds_to_the_spread_is_taken_away() -> None:
    luck, own = Random(1), [0.5, 0.3, 0.2]
    true = sum((3 * share - 1) ** 2 for share in own) / 3
    found = []
    for _ in range(400):
        counts = Counter(luck.choices(range(3), own, k=100))
        found.append(squared_spread([counts[i] for i in range(3)]))
    assert sum(found) / len(found) == pytest.approx(true, rel=0.05)


def test_the_spread_of_two_hosts_of_one_point_is_that_of_a_uniform_share() -> None:
    assert spread_of(2, 1) == pytest.approx(sqrt(1 / 12) / 0.5)


def measures(design: str, ops: list[Op]) -> dict[str, float]:
    history = drive(experiment, "sim", design, 0, SMALL, ops, ())
    return measured(experiment, history, SMALL, design)


OPS = list(workload(SMALL, Random(3)))


def test_no_two_keys_and_no_two_hosts_have_one_name() -> None:
    large = make(experiment.params, {"keys": 10_000, "load": 0.1, "clusters": 1})
    for seed in range(40):  # of 32 bits each name: a pair of ten thousand on every hundredth seed
        begin = next(iter(workload(large, Random(seed))))
        hosts, keys = begin.args
        assert len({name.split()[-1] for name in (*hosts, *keys)}) == 10_010
        assert all(len(name.split()[-1]) == 16 for name in (*hosts, *keys))


def test_who_stays_on_the_ring_is_where_who_is_put_there_anew_finds_it() -> None:
    stays = Ring(NOWHERE, SimpleNamespace(points=100))
    for hosts in (["ann", "bob"], ["ann", "bob", "cid", "dan"], ["bob", "cid", "dan"]):
        stays.settle(hosts)
    assert list(stays.owners(KEYS)) == owners(Ring, "bob", "cid", "dan")


def test_what_is_moved_is_what_the_design_says_and_not_a_key_more() -> None:
    (begin,) = (op for op in OPS if op.name == "begin")
    (join,) = (op for op in OPS if op.name == "join")
    hosts, keys = begin.args
    one = Highest(NOWHERE, cast(Any, SimpleNamespace(points=1)))
    one.settle(hosts)
    before = one.owners(keys)
    one.settle((*hosts, *join.args[0]))
    after = one.owners(keys)
    serving = [op for op in OPS if op.name != "count"]
    history = drive(experiment, "sim", "rendezvous", 0, SMALL, numbered(serving), ())
    (event,) = history.where(name="join")
    assert event.value["moved"] == sum(a != b for a, b in zip(before, after, strict=True))
    assert event.value["bytes"] == 1000 * event.value["moved"]


def test_each_key_is_in_one_place_and_no_write_is_lost() -> None:
    found = measures("modulo", numbered(OPS))
    assert found["astray_looks"] == found["lost"] == found["fail"] == 0
    assert found["answered_moving"] > 0.95


def test_a_host_that_hands_over_a_copy_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def copies(self: Keeper, keys: list[str], target: str, source: str) -> None:
        kept = dict(self.kept)
        await rightly(self, keys, target, source)
        self.kept = kept

    rightly = Keeper.hand_over
    monkeypatch.setattr(Keeper, "hand_over", copies)
    assert measures("modulo", numbered(OPS))["astray_looks"] > 0


def test_a_host_that_takes_what_it_has_not_for_new_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(self: Keeper, asked: Asked) -> None:
        if asked.write:
            rightly(self, asked)
        else:
            self.rig.answer(self.host, asked.number, 0)

    begin, join, *_ = (op for op in OPS if op.client == "operator")
    keys = begin.args[1][:100]
    written = [Op(0.01 * i, "client", "put", (key, 0.001)) for i, key in enumerate(keys)]
    read = [Op(join.at + 0.002, "client", "get", (key, 0.001)) for key in keys]
    ops = numbered([begin, join, *read, *written])
    assert measures("modulo", ops)["stale"] == 0
    rightly = Keeper.elsewhere
    monkeypatch.setattr(Keeper, "elsewhere", answers)
    found = measures("modulo", ops)
    assert found["stale"] > 0
    assert found["lost"] == 0


class Forgetful(Ring):
    """Never takes away who goes."""

    def settle(self, hosts: Sequence[str]) -> None:
        for name in hosts:
            if name not in self.ring:
                self.ring.add(name)


@pytest.mark.parametrize("left_out", ["count", "leave"])
def test_who_has_gone_owns_nothing(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast(dict[str, Any], experiment.designs), "ring", Forgetful)
    with pytest.raises(DesignError, match="one of the hosts, not 'host"):
        measures("ring", numbered([op for op in OPS if op.name != left_out]))


def test_what_a_host_sends_is_of_the_request_that_it_works_for() -> None:
    trace = run(experiment, seeds=1, designs=["modulo"], jobs=1, trace=True, **SMALL_ONE).trace
    assert trace is not None
    found = trace["modulo"]
    names = {request.id: request.name for request in found.requests}
    by_text: dict[str, set[str]] = {}
    for message in found.messages:
        by_text.setdefault(message.text[:6], set()).add(names[message.request])
    assert {"join", "leave", "get"} <= by_text["('take"]  # who waits for a key pulls it
    assert {name for text, some in by_text.items() if text[1:2].isdigit() for name in some} == {"get", "put"}
    ends = {request.id: request.end for request in found.requests}
    assert not any(
        message.sent > ends[message.request] for message in found.messages if names[message.request] != "leave"
    )


def test_a_host_that_begins_at_nothing_with_what_it_takes_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgets(self: Keeper, values: dict[str, int], source: str) -> None:
        await rightly(self, dict.fromkeys(values, 0), source)

    rightly = Keeper.take
    monkeypatch.setattr(Keeper, "take", forgets)
    assert measures("modulo", numbered(OPS))["lost"] > 0


def numbered(ops: list[Op]) -> list[Op]:
    """As a run has them."""
    return [op._replace(id=i) for i, op in enumerate(sorted(ops, key=lambda op: op.at))]
