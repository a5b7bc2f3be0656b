"""What q13-kafka counts: its verdicts by hand, its log by Kafka's own code, and what befalls many by lot."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from windtunnel import History
from windtunnel.blocks.broker import encode_batch
from windtunnel.catalogue.interview.q13_kafka.claims import CALM
from windtunnel.catalogue.interview.q13_kafka.designs import records_in
from windtunnel.catalogue.interview.q13_kafka.episodes import Episode, Strike, episodes, strikes_of, values
from windtunnel.catalogue.interview.q13_kafka.judging import Found, _of
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

P: Any = SimpleNamespace(
    places=2, every=8, readers=1, next=2, drawn=40, batches=4, records=2, long=5, pours=1, flush="never"
)
E = Episode(1, "dies", strikes_of("dies", 3), 0, 2, 2, "never")


def measured(design: str, seed: int = 0, **given: object) -> Mapping[str, float]:
    found = run(find("q13-kafka"), designs=[design], seeds=[seed], jobs=1, **{**CALM, **given})  # type: ignore[arg-type]
    return found.of(design)[0].measures


# --- by hand ---------------------------------------------------------------------------------------------------------
def judged(
    sent: list[tuple[int, list[str], bool, float, int]],
    handled: list[tuple[str, int, int, int, str, float]],
    log: list[list[tuple[int, str]]],
) -> Found:
    found = {"hit": True, "before": [], "sent": sent, "handled": handled, "fenced": 0, "log": log}
    return _of(E, {**found, "shown_ms": [], "cost": {}, "took_s": 1.0})


SENT = [(0, ["1:0:0", "1:0:1"], True, 0.001, 1), (1, ["1:0:2"], True, 0.002, 2), (1, ["1:0:3"], False, 3.0, 9)]


def test_what_nobody_was_handed_and_nobody_finds_is_lost_and_what_was_never_told_is_not() -> None:
    found = judged(SENT, [("a", 1, 0, 0, "1:0:0", 0.1)], [[(0, "1:0:0")], []])
    assert (found.told, found.lost, found.gone, found.missed, found.untold) == (3, 2, 2, 2, 1)
    assert not found.wrong
    assert found.slowest_ms == pytest.approx(2.0)
    read = judged(SENT, [], [[(0, "1:0:0"), (1, "1:0:1")], [(0, "1:0:2")]])
    assert (read.lost, read.gone, read.missed) == (0, 0, 3)


def test_a_record_at_two_offsets_is_doubled_and_one_that_is_handed_out_twice_is_not() -> None:
    twice = judged(SENT, [], [[(0, "1:0:0"), (1, "1:0:1"), (2, "1:0:0")], []])
    assert (twice.doubled, twice.again, twice.wrong) == (1, 0, True)
    again = judged(SENT, [("a", 1, 0, 0, "1:0:0", 0.1), ("b", 2, 0, 0, "1:0:0", 0.2)], [[(0, "1:0:0")], []])
    assert (again.doubled, again.again, again.shared, again.wrong) == (0, 1, 0, False)


def test_two_members_with_one_partition_in_one_generation_are_told() -> None:
    found = judged(SENT, [("a", 3, 0, 0, "1:0:0", 0.1), ("b", 3, 0, 1, "1:0:1", 0.2)], [[], []])
    assert (found.shared, found.wrong) == (1, True)


def test_two_records_at_one_offset_a_gap_and_a_wrong_order_are_told() -> None:
    other = judged(SENT, [("a", 1, 0, 0, "1:0:2", 0.1)], [[(0, "1:0:0"), (2, "1:0:1")], []])
    assert (other.phantom, other.holes) == (1, 1)
    order = judged(SENT, [], [[(0, "1:0:1"), (1, "1:0:0"), (2, "1:1:0")], []])
    assert (order.disorder, order.wrong) == (1, True)


def test_episodes_are_numbered_and_a_lost_disk_comes_alone() -> None:
    made = list(episodes(P, Random(3)))
    assert [one.number for one in made] == list(range(1, len(made) + 1))
    drawn = [one for one in made if one.kind == "drawn"]
    assert len(drawn) == 40
    assert all(len(one.strikes) == 1 for one in drawn if any(strike.what == "gone" for strike in one.strikes))
    assert made[1].strikes == (Strike(1, "dies", "leader", 300.0),)
    assert sum(one.kind == "pour" for one in made) == 6


def test_what_producers_send_is_kafkas() -> None:
    default_records = pytest.importorskip("aiokafka.record.default_records")
    (batch, _) = values(E, 0)
    data = encode_batch([(None, value) for value in batch], 0, producer_id=1, producer_epoch=0, base_sequence=0)
    read = default_records._DefaultRecordBatchPy(bytearray(data))
    assert read.validate_crc()
    assert [(one.offset, one.value) for one in read] == records_in(data, 0) == list(enumerate(batch))


# --- measured --------------------------------------------------------------------------------------------------------
def test_nothing_of_what_a_run_is_judged_by_comes_from_the_design() -> None:
    """A design that says yes and keeps nothing is found out by what members and later readers get."""
    from dataclasses import replace

    from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll

    class SaysYes(AcksAll):
        """It says yes to everything."""

        async def append(self, partition: int, batch: bytes) -> None:
            self.leads()

    here = replace(find("q13-kafka"), designs={"yours": SaysYes}, claims=(), charts=(), figures=(), asks=(), why=())
    found = run(replace(here, maps=(), board=None), seeds=[0], jobs=1, **CALM).of("yours")[0].measures  # type: ignore[arg-type]
    assert found["lost_calm"] == found["gone_calm"] == 1


def right(found: Mapping[str, float]) -> bool:
    return (found["gone_drawn"], found["lost"], found["wrong"], found["shared"]) == (0, 0, 0, 0)


@pytest.mark.soak  # the experiment claims it too, of its own episodes
@pytest.mark.parametrize("min_in_sync", [2, 3])
def test_whatever_comes_by_lot_acks_all_with_an_fsync_loses_and_doubles_nothing(min_in_sync: int) -> None:
    assert right(measured("acks_all", drawn=4, flush="each", min_in_sync=min_in_sync, batches=3))


@pytest.mark.soak
@pytest.mark.parametrize("min_in_sync", [2, 3])
def test_nor_in_a_thousand_episodes(min_in_sync: int) -> None:
    for seed in range(1, 85):
        assert right(measured("acks_all", seed, drawn=12, flush="each", min_in_sync=min_in_sync)), seed


@pytest.mark.soak
def test_at_every_place_one_blow_costs_acks_all_nothing() -> None:
    for seed, every in enumerate((1, 2, 3, 4, 5)):
        found = measured("acks_all", seed, places=8, every=every, readers=4)
        kinds = ("dies", "power", "gone", "stands", "cut", "lagging", "alone", "outsider")
        assert [found[f"gone_{kind}"] for kind in kinds] == [0] * len(kinds)
        assert (found["wrong"], found["untold"]) == (0, 0)


def test_a_history_without_episodes_measures_nothing() -> None:
    from windtunnel.catalogue.interview.q13_kafka.judging import by_kind, matrix, throughput

    empty = History([])
    assert matrix(empty, P) == {"lost": []}
    assert by_kind(empty, P) == {"lost": []}
    assert throughput(empty, P) == {"no fsync": [], "an fsync each": []}
