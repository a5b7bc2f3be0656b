"""Disciplines: who is served next, who is thrown out, and what that is worth under overload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import pytest
from hypothesis import given, strategies as st

from windtunnel.parts import AdaptiveLifo, CoDel, Ranked, RequestCoDel
from windtunnel.sim.kernel import NS, Simulator
from windtunnel.sim.randomness import stream
from windtunnel.sim.servers.disciplines import Discipline, Fifo, Lifo, Priority
from windtunnel.sim.servers.server import Server

MS = 1_000_000


@dataclass(eq=False)
class Ticket:
    arrived_ns: int
    priority: float = 0
    left: bool = False


def served_in_order(discipline: Discipline, works_s: list[float], priorities: list[float] | None = None) -> list[int]:
    """The order in which jobs that come together leave a server (the first begins at once)."""
    sim = Simulator()
    server = Server(sim, "s", discipline=discipline)
    order: list[int] = []
    for i, work_s in enumerate(works_s):
        job = server.serve(work_s, priority=priorities[i] if priorities else 0)
        job.add_done_callback(lambda _, i=i: order.append(i))
    sim.run()
    return order


def test_fifo_lifo_and_priority_serve_in_the_order_that_they_are_named_after() -> None:
    assert served_in_order(Fifo(), [1.0] * 5) == [0, 1, 2, 3, 4]
    assert served_in_order(Lifo(), [1.0] * 5) == [0, 4, 3, 2, 1]
    assert served_in_order(Priority(), [1.0] * 6, [9, 2, 1, 2, 0, 1]) == [0, 4, 2, 5, 1, 3]


def test_ranked_lines_are_served_one_after_the_other_each_by_its_own_law() -> None:
    assert served_in_order(Ranked(Fifo(), Lifo()), [1.0] * 7, [0, 1, 0, 1, 0, 7, -1]) == [0, 2, 4, 6, 5, 3, 1]
    with pytest.raises(ValueError, match="a line at least"):
        Ranked()


def two_lines() -> Ranked:
    return Ranked(Fifo(), Lifo())


@given(st.lists(st.booleans(), min_size=1, max_size=30))
@pytest.mark.parametrize("kind", [Fifo, Lifo, Priority, CoDel, RequestCoDel, AdaptiveLifo, two_lines])
def test_withdrawn_jobs_are_skipped_and_all_others_come_out_once(kind: Callable[[], Any], gone: list[bool]) -> None:
    discipline = kind()
    tickets = [Ticket(0, left=left) for left in gone]
    for ticket in tickets:
        discipline.push(ticket, 0)
    assert set(discipline) == set(tickets)
    out = []
    while (job := discipline.pop(1, pytest.fail)) is not None:
        out.append(job)
    assert set(out) == {ticket for ticket in tickets if not ticket.left}
    assert len(out) == len(set(out))
    discipline.push(tickets[0], 0)
    discipline.clear()
    assert discipline.pop(1, pytest.fail) is None


def drops_of(discipline: Discipline, wait_ns: int, until_ns: int) -> list[int]:
    """Pop every millisecond from a queue that never empties and in which everyone has waited `wait_ns`."""
    dropped: list[int] = []
    for now in range(0, until_ns, MS):
        discipline.clear()
        for _ in range(3):
            discipline.push(Ticket(now - wait_ns), now)
        discipline.pop(now, lambda _, now=now: dropped.append(now))
    return dropped


def test_codel_leaves_a_queue_alone_that_is_short_enough() -> None:
    assert drops_of(CoDel(), wait_ns=5 * MS - 1, until_ns=2 * NS) == []


def test_codel_begins_after_an_interval_and_drops_ever_faster() -> None:
    drops = drops_of(CoDel(), wait_ns=50 * MS, until_ns=NS)
    expected, at = [100.0], 100.0
    for count in range(1, 100):  # RFC 8289: the gap after the n-th drop is interval / sqrt(n)
        at += 100 / sqrt(count)
        expected.append(at)
    assert len(drops) > 20
    assert [d / MS for d in drops] == pytest.approx(expected[: len(drops)], abs=1.0)


def test_codel_goes_on_where_it_was_when_overload_comes_back_soon() -> None:
    codel = CoDel()
    first = drops_of(codel, 50 * MS, NS)
    codel.clear()
    assert codel.pop(NS, pytest.fail) is None, "an empty queue ends the dropping"
    again: list[int] = []
    for now in range(NS + MS, 2 * NS, MS):
        codel.clear()
        for _ in range(3):
            codel.push(Ticket(now - 50 * MS), now)
        codel.pop(now, lambda _, now=now: again.append(now))
    assert again[0] - NS >= 100 * MS, "a new interval passes first"
    assert again[1] - again[0] < first[1] - first[0], "but then it drops at the old rate"


def test_request_codel_allows_the_short_wait_only_while_the_queue_stands() -> None:
    queue = RequestCoDel(target_s=0.005, interval_s=0.100)
    dropped: list[Any] = []
    young, old = Ticket(0), Ticket(0)
    queue.push(young, 0)
    assert queue.pop(90 * MS, dropped.append) is young, "empty less than an interval ago: the limit is the interval"
    queue.push(old, 0)
    queue.push(Ticket(98 * MS), 98 * MS)
    assert queue.pop(101 * MS, dropped.append) is not old, "the queue stands: 5 ms is the limit"
    assert dropped == [old]


def test_adaptive_lifo_turns_round_when_the_queue_stands_and_gives_up_on_the_oldest() -> None:
    queue = AdaptiveLifo(interval_s=0.100, give_up_s=0.500)
    dropped: list[Any] = []
    tickets = [Ticket(i * MS) for i in range(4)]
    for ticket in tickets:
        queue.push(ticket, ticket.arrived_ns)
    assert queue.pop(50 * MS, dropped.append) is tickets[0]
    assert queue.pop(150 * MS, dropped.append) is tickets[3]
    assert queue.pop(501 * MS + 1, dropped.append) is tickets[2]
    assert dropped == [tickets[1]]


def goodput(discipline: Discipline, load: float, deadline_s: float = 0.1, seconds: float = 20.0) -> float:
    """Share of a 1000/s server's capacity that goes into answers within the deadline."""
    sim = Simulator()
    server = Server(sim, "s", discipline=discipline)
    luck = stream(1, "arrivals")
    good = 0

    def judge(job: Any, due_ns: int) -> None:
        nonlocal good
        good += job.exception() is None and sim.now_ns <= due_ns

    async def clients() -> None:
        while sim.now < seconds:
            await sim.sleep(luck.expovariate(1000 * load))
            job = server.serve(0.001)
            due_ns = sim.now_ns + round(deadline_s * NS)
            job.add_done_callback(lambda job, due_ns=due_ns: judge(job, due_ns))

    sim.spawn(clients())
    sim.run(until=seconds)
    sim.close()
    return good / (1000 * seconds)


def test_under_overload_fifo_does_only_useless_work_and_the_others_keep_the_server_useful() -> None:
    assert goodput(Fifo(), load=1.5, seconds=5.0) < 0.1
    for discipline in (Lifo(), RequestCoDel(), AdaptiveLifo(give_up_s=0.1)):
        assert goodput(discipline, load=1.5, seconds=5.0) > 0.9
    for discipline in (Fifo(), Lifo(), CoDel(), RequestCoDel(), AdaptiveLifo()):
        assert goodput(discipline, load=0.7, seconds=5.0) == pytest.approx(0.7, abs=0.05)


def test_limits_that_make_no_sense_are_refused() -> None:
    for kind in (CoDel, RequestCoDel):
        with pytest.raises(ValueError, match="0 < target_s <"):
            kind(0.2, 0.1)
