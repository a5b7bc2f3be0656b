"""The table of five: its chain, its searches, and the same rules on real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import pytest

from windtunnel.catalogue.concurrency.dining_philosophers import EvenFirst, LeftFirst, Ordered, Params, Waiter
from windtunnel.catalogue.concurrency.dining_philosophers.chain import alive, chain, deadlock_s
from windtunnel.catalogue.concurrency.dining_philosophers.judging import Span, without_forks
from windtunnel.catalogue.concurrency.dining_philosophers.proving import proved
from windtunnel.explore import DPOR, RealThreads, explore, replay, simplest


def test_the_chain_of_five_has_81_states_and_its_time_is_the_area_under_its_curve() -> None:
    assert len(chain(5, 1.0, 0.5, 0.1)) == 80  # and the deadlock
    curve = alive(5, 1.0, 0.5, 0.1, 1200, 0.1)
    area = 0.1 * (sum(curve) - curve[0] / 2)
    assert area == pytest.approx(deadlock_s(5, 1.0, 0.5, 0.1), rel=1e-3)


def test_two_who_never_wait_before_they_reach_die_as_two_clocks_say() -> None:
    """Eating takes no time: all is lost where the other comes to reach before the first has reached."""
    think, gap = 1.0, 0.25
    both_think = think / 2  # until one of two begins to reach
    one_reaches = 1 / (1 / think + 1 / gap)  # until it has reached, or the other reaches too
    both_reach = gap * 1.5  # until both have reached, and wait
    lost = gap / (think + gap)
    # After a dinner of no time both think, and thinking has no memory: the same start.
    seconds = (both_think + one_reaches + lost * both_reach) / lost
    assert deadlock_s(2, think, gap, 1e-7) == pytest.approx(seconds, rel=1e-4)


@pytest.mark.parametrize("design", [Ordered, EvenFirst, Waiter])
def test_a_table_of_three_is_proved_to_feed_everybody(design: Callable[..., object]) -> None:
    found = proved(design, Params(seats=3, tables=1))
    assert (found["deadlock"], found["starves"], found["livelock"]) == (False, False, False)


def test_the_deadlock_of_three_is_a_circle_of_three() -> None:
    found = proved(LeftFirst, Params(seats=3, tables=1))
    assert list(found["waits"].values()) == [f"fork {(i + 1) % 3}, held by philosopher {(i + 1) % 3}" for i in range(3)]
    assert len(found["moves"]) == 6


def _threads(seats: int, ordered: bool) -> RealThreads:
    def make() -> tuple[Mapping[str, Callable[[], None]], None]:
        forks = [threading.Lock() for _ in range(seats)]

        def dines(seat: int) -> Callable[[], None]:
            both = [forks[seat], forks[(seat + 1) % seats]]
            if ordered and seat == seats - 1:
                both.reverse()

            def dine() -> None:
                with both[0], both[1]:
                    pass

            return dine

        return {f"philosopher {seat}": dines(seat) for seat in range(seats)}, None

    return RealThreads(make)


def test_three_real_threads_that_take_the_left_fork_first_are_stuck_and_the_tape_does_it_again() -> None:
    found = explore(_threads(3, ordered=False), DPOR(), limit=200)
    assert found.failure is not None
    assert found.failure.kind == "deadlock"
    shortest = simplest(_threads(3, ordered=False), found.failure, tries=20)
    again = replay(_threads(3, ordered=False), shortest.tape)
    assert again is not None
    assert (again.kind, again.sentence) == ("deadlock", shortest.sentence)


def test_three_real_threads_with_ordered_forks_are_proved() -> None:
    found = explore(_threads(3, ordered=True), DPOR(), limit=400)
    assert found.failure is None
    assert found.complete


def test_the_chain_keeps_its_probability_over_long_steps_too() -> None:
    long, short = alive(2, 0.5, 0.003, 0.05, 4, 1.5), alive(2, 0.5, 0.003, 0.05, 10, 0.5)
    assert long == pytest.approx(short[::3])
    assert long[1] > 0.9


@pytest.mark.parametrize(
    ("spans", "wrong"),
    [
        ([(0.0, 1.0, 0, True), (0.5, 2.0, 1, True)], 1),  # neighbours eat
        ([(0.0, 1.0, 0, True), (1.0, 2.0, 1, True)], 0),  # one after the other
        ([(0.0, 1.0, 0, True), (0.0, 1.0, 2, True)], 0),  # two of five can
        ([(0.0, 1.0, 0, True), (0.0, 1.0, 2, True), (0.2, 0.4, 1, False)], 1),  # no fork is left for who works
        ([(0.0, 1.0, 0, True), (0.0, 1.0, 2, True), (0.2, 0.4, 3, False)], 0),
        ([(0.0, 1.0, seat, False) for seat in range(5)], 0),  # a fork each
        ([(0.0, 1.0, 0, True), *((0.1, 1.0, seat, False) for seat in range(1, 5))], 1),  # three forks, four at work
    ],
)
def test_nobody_works_or_eats_with_forks_that_are_not_there(spans: list[Span], wrong: int) -> None:
    assert without_forks(spans, 5) == wrong
