"""Balancers: which server is chosen, and what each law has to know for it."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from windtunnel.blocks.placement import HashRing
from windtunnel.parts import AtRandom, Balancer, ByKey, Interpreted, LeastConnections, PeakEwma, RoundRobin, TwoChoices

QUEUES = [3, 0, 2, 0, 5]


def queue(i: int) -> int:
    return QUEUES[i]


def chosen(balancer: Balancer, times: int = 2000) -> Counter[int]:
    return Counter(balancer.choose() for _ in range(times))


def test_a_coin_knows_nothing_and_meets_everybody_alike() -> None:
    counts = chosen(AtRandom(5, Random(1)))
    assert sorted(counts) == [0, 1, 2, 3, 4]
    assert all(320 < n < 480 for n in counts.values())


def test_turns_go_round() -> None:
    balancer = RoundRobin(3)
    assert [balancer.choose() for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    later = RoundRobin(3, first=2)
    assert [later.choose() for _ in range(4)] == [2, 0, 1, 2]


def test_the_shortest_queue_is_the_first_of_its_equals_or_drawn_by_lot() -> None:
    assert set(chosen(LeastConnections(5, queue))) == {1}
    lots = chosen(LeastConnections(5, queue, Random(1)))
    assert set(lots) == {1, 3}
    assert 850 < lots[1] < 1150


def test_two_choices_never_takes_the_longest_queue_and_the_shortest_most_often() -> None:
    counts = chosen(TwoChoices(5, queue, Random(1)))
    assert 4 not in counts, "whoever it is compared with is shorter"
    assert counts[1] + counts[3] == pytest.approx(2000 * 7 / 10, rel=0.1), "seven of ten pairs have an idle one"
    assert TwoChoices(1, queue, Random(1)).choose() == 0


def test_peak_ewma_flees_from_a_server_that_was_slow_once_and_comes_back_when_that_is_forgotten() -> None:
    now = 0.0
    balancer = PeakEwma(2, lambda _: 0, Random(1), lambda: now, memory_s=10.0)
    for i in (0, 1):
        balancer.noted(i, 0.1)
    balancer.noted(1, 5.0)
    assert set(chosen(balancer, 100)) == {0}
    balancer.noted(1, 0.1)
    assert set(chosen(balancer, 100)) == {0}, "one fast answer does not make up for it"
    now = 100.0
    balancer.noted(1, 0.1)
    balancer.noted(0, 0.2)
    assert set(chosen(balancer, 100)) == {1}


def test_a_key_stays_with_its_server_and_the_ring_of_the_library_says_which() -> None:
    balancer, ring = ByKey(5), HashRing([str(i) for i in range(5)])
    assert [balancer.choose(f"user {i}") for i in range(100)] == [int(ring.lookup(f"user {i}")) for i in range(100)]


@pytest.mark.parametrize(
    ("expected", "shares"),
    [
        (0, [0, 1 / 2, 0, 1 / 2, 0]),
        (4, [0, 1 / 2, 0, 1 / 2, 0]),
        (10, [0.075, 0.375, 0.175, 0.375, 0]),
        (90, [17 / 90, 20 / 90, 18 / 90, 20 / 90, 15 / 90]),
    ],
)
def test_news_is_interpreted_by_how_many_will_act_on_it(expected: int, shares: list[float]) -> None:
    balancer = Interpreted(5, Random(1))
    assert len(chosen(balancer)) == 5, "nobody has told it anything"
    balancer.told(QUEUES, expected)
    counts = chosen(balancer, 20_000)
    assert [counts[i] / 20_000 for i in range(5)] == pytest.approx(shares, abs=0.015)
