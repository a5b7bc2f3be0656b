"""Servers: exact in time, complete in their counts, and fair to those who gave up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.sim.kernel import NS, Crashed, Deadlock, Simulator
from windtunnel.sim.servers.base import Dropped, Rejected, ServerBase, ServerDown, Withdrawn
from windtunnel.sim.servers.fifo import FifoServer
from windtunnel.sim.servers.processor_sharing import ProcessorSharingServer
from windtunnel.sim.servers.server import Server

KINDS: list[type[Any]] = [FifoServer, Server, ProcessorSharingServer]
every_kind = pytest.mark.parametrize("kind", KINDS)
Fate = tuple[str, int]


def run_customers(
    sim: Simulator, server: Any, arrivals_ns: list[int], works_ns: list[int], submit: bool = False
) -> list[Fate]:
    """Send customers to a server; how each one ended, and when."""
    fates: list[Fate] = [("unfinished", -1)] * len(arrivals_ns)

    async def customer(i: int, at_ns: int, work_ns: int) -> None:
        await sim.sleep_ns(at_ns)
        try:
            if submit:
                await server.submit(work_ns / NS)
            else:
                await server.serve(work_ns / NS)
            fates[i] = ("served", sim.now_ns)
        except (Rejected, Dropped, Crashed) as error:
            fates[i] = (type(error).__name__, sim.now_ns)

    for i, (at_ns, work_ns) in enumerate(zip(arrivals_ns, works_ns, strict=True)):
        sim.spawn(customer(i, at_ns, work_ns), f"customer {i}")
    return fates


customers = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=40)
"""Arrivals on whole microseconds, works a little longer than that: no departure falls on another event."""


def times(drawn: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [1000 * a for a, _ in drawn], [1000 * w + 101 for _, w in drawn]


@given(customers, st.integers(1, 3))
def test_a_fifo_server_ends_each_service_when_lindley_says(drawn: list[tuple[int, int]], workers: int) -> None:
    arrivals, works = times(sorted(drawn))
    sim = Simulator()
    fates = run_customers(sim, FifoServer(sim, "s", workers=workers), arrivals, works)
    sim.run()
    free = [0] * workers
    for fate, at, work in zip(fates, arrivals, works, strict=True):
        free.sort()
        free[0] = max(free[0], at) + work
        assert fate == ("served", free[0])


changes = st.lists(
    st.tuples(
        st.integers(0, 80), st.sampled_from(["slow", "fast", "normal", "stop", "pause", "resume", "crash", "up"])
    ),
    max_size=6,
)


def disturb(sim: Simulator, server: ServerBase, plan: list[tuple[int, str]]) -> None:
    acts: dict[str, Callable[[], object]] = {
        "slow": lambda: server.set_speed(0.1),
        "fast": lambda: server.set_speed(4.0),
        "normal": lambda: server.set_speed(1.0),
        "stop": lambda: server.set_speed(0.0),
        "pause": server.pause,
        "resume": server.resume,
        "crash": server.crash,
        "up": server.restart,
    }
    for at, what in plan:
        sim.call_at(1000 * at + 777, acts[what])
    for last in (server.restart, server.resume, acts["normal"]):
        sim.call_at(90_000 + 777, last)


@given(customers, changes, st.integers(1, 3), st.sampled_from([None, 0, 1, 5]), st.booleans())
@settings(max_examples=examples(100))
def test_the_fifo_server_and_the_queue_with_a_fifo_discipline_agree_whatever_happens_to_them(
    drawn: list[tuple[int, int]], plan: list[tuple[int, str]], workers: int, limit: int | None, submit: bool
) -> None:
    arrivals, works = times(drawn)
    ended, readings = [], []
    for kind in (FifoServer, Server):
        sim = Simulator()
        server = kind(sim, "s", workers=workers, queue_limit=limit)
        fates = run_customers(sim, server, arrivals, works, submit)
        disturb(sim, server, plan)
        sim.run()
        assert server.read().balanced
        assert server.inside == 0
        ended.append(fates)
        readings.append(replace(server.read(), now_ns=0))  # an end that was moved may have passed as an empty event
    assert ended[0] == ended[1]
    assert readings[0] == readings[1]


@every_kind
@given(drawn=customers, plan=changes, workers=st.integers(1, 3), limit=st.sampled_from([None, 0, 2]))
def test_no_customer_vanishes_and_little_holds_to_the_nanosecond(
    kind: type[Any], drawn: list[tuple[int, int]], plan: list[tuple[int, str]], workers: int, limit: int | None
) -> None:
    arrivals, works = times(drawn)
    sim = Simulator()
    server = kind(sim, "s", workers=workers, queue_limit=limit)
    fates = run_customers(sim, server, arrivals, works)
    disturb(sim, server, plan)
    seen = []
    for at in range(0, 100_000, 7000):
        sim.call_at(at + 333, lambda: seen.append(server.read()))
    sim.run()
    seen.append(server.read())
    assert all(reading.balanced for reading in seen)
    last = seen[-1]
    how = [fate for fate, _ in fates]
    assert (last.served, last.lost) == (how.count("served"), how.count("Crashed"))
    assert last.rejected == how.count("Rejected") + how.count("ServerDown")
    assert last.inside_ns == sum(end - at for at, (_, end) in zip(arrivals, fates, strict=True))
    assert 0 <= last.busy_ns <= workers * last.now_ns


@given(drawn=customers, workers=st.integers(1, 3))
def test_processor_sharing_gives_everyone_an_equal_share(drawn: list[tuple[int, int]], workers: int) -> None:
    arrivals, works = times(sorted(drawn))
    sim = Simulator()
    fates = run_customers(sim, ProcessorSharingServer(sim, "cpu", workers=workers), arrivals, works)
    sim.run()
    # The same by brute force: from event to event, everyone inside loses an equal share.
    left: dict[int, float] = {}
    ends: dict[int, float] = {}
    now, coming = 0.0, list(enumerate(arrivals))
    while coming or left:
        rate = min(1.0, workers / len(left)) if left else 0.0
        next_end = now + min(left.values()) / rate if left else float("inf")
        next_start = coming[0][1] if coming else float("inf")
        then = min(next_end, next_start)
        left = {i: w - (then - now) * rate for i, w in left.items()}
        now = then
        ends |= {i: now for i, w in left.items() if w < 1e-6}
        left = {i: w for i, w in left.items() if w >= 1e-6}
        while coming and coming[0][1] <= now:
            i, _ = coming.pop(0)
            left[i] = works[i]
    for i, (fate, end) in enumerate(fates):
        assert fate == "served"
        assert end == pytest.approx(ends[i], abs=len(works) + 1)


@every_kind
def test_a_server_at_a_tenth_of_its_speed_takes_ten_times_as_long_for_what_is_left(kind: type[Any]) -> None:
    sim = Simulator()
    server = kind(sim, "s")
    fates = run_customers(sim, server, [0], [10 * NS])
    sim.call_at(4 * NS, server.set_speed, 0.1)
    sim.run(until=40.0)
    assert server.inside == 1
    sim.call_at(44 * NS, server.set_speed, 1.0)
    sim.run()
    assert fates == [("served", 46 * NS)]


@every_kind
def test_a_paused_server_takes_customers_in_and_serves_nobody(kind: type[Any]) -> None:
    sim = Simulator()
    server = kind(sim, "s")
    fates = run_customers(sim, server, [0, 2 * NS], [3 * NS, NS])
    sim.call_at(NS, server.pause)
    sim.run(until=50.0)
    assert server.inside == 2
    assert server.read().served == 0
    server.resume()
    sim.run()
    # FIFO: 2 s of work left, then 1 s. Sharing: the short job is done after 2 s, the long one after 3 s.
    ends = [53, 52] if kind is ProcessorSharingServer else [52, 53]
    assert fates == [("served", end * NS) for end in ends]


@every_kind
def test_a_crashed_server_serves_nothing(kind: type[Any]) -> None:
    sim = Simulator()
    server = kind(sim, "s", workers=2)
    fates = run_customers(sim, server, [0, 0, 0, 6 * NS, 8 * NS], [4 * NS, 10 * NS, 10 * NS, NS, NS])
    sim.call_at(5 * NS, server.crash)
    sim.call_at(7 * NS, server.restart)
    sim.run()
    reading = server.read()
    assert [fate for fate, _ in fates[1:]] == ["Crashed", "Crashed", "ServerDown", "served"]
    assert fates[4][1] == 9 * NS
    assert reading.balanced
    assert reading.lost in (2, 3)  # the first was done at 4 s, except where all three share two cores
    assert not server.down


def test_who_was_certainly_not_served_is_told_so() -> None:
    assert Rejected("").outcome == Dropped("").outcome == ServerDown("").outcome == "fail"
    assert not hasattr(Crashed(""), "outcome"), "work on it may have been done"


@every_kind
@pytest.mark.parametrize("end", ["kill", "cancel", "time out"])
def test_a_client_that_gives_up_frees_nothing(kind: type[Any], end: str) -> None:
    sim = Simulator()
    server = kind(sim, "s")

    async def client() -> None:
        await server.serve(10.0)

    async def impatient() -> None:
        assert not await server.submit(10.0).within(1.0)

    gone = sim.spawn(impatient() if end == "time out" else client())
    if end != "time out":
        sim.call_at(NS, getattr(gone, end))
    sim.run(until=5.0)
    assert server.inside == 1
    server.set_speed(2.0)
    sim.run(until=7.4)
    assert server.read().served == 0
    sim.run(until=7.6)
    assert server.read().served == 1
    assert server.read().busy_ns == round(7.5 * NS)
    sim.close()


@every_kind
def test_a_client_cancelled_in_the_moment_of_a_change_is_still_cancelled(kind: type[Any]) -> None:
    sim = Simulator()
    server = kind(sim, "s")
    heard = []

    async def client() -> None:
        try:
            await server.serve(10.0)
        except BaseException as error:
            heard.append(type(error).__name__)
            raise

    gone = sim.spawn(client())

    def both() -> None:
        gone.cancel()
        server.set_speed(0.5)
        server.crash()

    sim.call_at(NS, both)
    sim.run()
    assert heard == ["CancelledError"]
    assert server.read().lost == 1


@every_kind
@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("change", ["slower", "crash"])
def test_a_client_cancelled_while_its_host_stands_still_is_still_cancelled(
    kind: type[Any], light: bool, change: str
) -> None:
    with Simulator() as sim:
        server, host, heard = kind(sim, "s"), sim.host("a"), []

        async def client() -> None:
            try:
                await server.serve(10.0)
            except BaseException as error:
                heard.append((type(error).__name__, sim.now))
                raise

        gone: Any = host.spawn(client()) if light else host.create_task(client())
        sim.faults.pause(host, at_s=1.0, for_s=3.0)
        sim.faults.at(2.0, gone.cancel)
        if change == "slower":
            sim.faults.at(2.5, server.set_speed, 0.5)
        else:
            sim.faults.at(2.5, server.crash)
        sim.run()
        assert heard == [("CancelledError", 4.0)]


@pytest.mark.parametrize("kind", [Server, ProcessorSharingServer])
def test_a_withdrawn_job_frees_its_place(kind: type[Any]) -> None:
    sim = Simulator()
    server = kind(sim, "s")
    ended: list[int] = []
    first, second, third = (server.serve(4.0) for _ in range(3))
    sim.call_at(NS, second.withdraw)
    sim.call_at(NS, first.withdraw)
    third.add_done_callback(lambda _: ended.append(sim.now_ns))
    sim.run()
    assert ended == [5 * NS if kind is Server else NS + 11 * NS // 3 + 1]
    reading = server.read()
    assert (reading.withdrawn, reading.served, reading.inside) == (2, 1, 0)
    assert reading.balanced
    assert isinstance(first.exception(), Withdrawn)
    if kind is Server:
        assert (first.exception().outcome, second.exception().outcome) == ("unknown", "fail")
    assert not third.withdraw(), "it is over"


def test_a_job_past_its_deadline_is_dropped_before_any_work() -> None:
    sim = Simulator()
    server = Server(sim, "s")
    first, late, fine = (
        server.serve(2.0, deadline=0.5),
        server.serve(1.0, deadline=1.5),
        server.serve(1.0, deadline=2.5),
    )
    sim.run()
    assert first.exception() is None
    assert isinstance(late.exception(), Dropped)
    assert fine.done()
    assert fine.exception() is None
    assert sim.now == 3.0
    assert server.serve(1.0, deadline=2.0).exception() is not None, "too late already on arrival, with a worker free"
    assert server.read().dropped == 2
    assert server.read().balanced


@every_kind
def test_a_server_that_stands_still_for_ever_is_named_in_the_deadlock(kind: type[Any]) -> None:
    sim = Simulator()
    server = kind(sim, "database")
    run_customers(sim, server, [0, 5], [NS, NS])
    sim.call_at(2, server.pause)
    with pytest.raises(Deadlock, match=r"customer 0 waits for .*database"):
        sim.run()
    sim.close()


@every_kind
def test_bad_numbers_are_refused_in_one_sentence(kind: type[Any]) -> None:
    sim = Simulator()
    with pytest.raises(ValueError, match="give at least 1"):
        kind(sim, "s", workers=0)
    with pytest.raises(ValueError, match="number of places"):
        kind(sim, "s", queue_limit=-1)
    with pytest.raises(ValueError, match="not possible"):
        kind(sim, "s", speed=-1.0)
    with pytest.raises(ValueError, match="not possible"):
        kind(sim, "s").set_speed(float("nan"))
    with pytest.raises(ValueError, match="give 0 or more"):
        kind(sim, "s").submit(-1.0)
    reading = kind(sim, "s").read()
    with pytest.raises(ValueError, match="time between"):
        reading.since(reading)


@every_kind
def test_usage_is_what_happened_between_two_readings(kind: type[Any]) -> None:
    sim = Simulator()
    server = kind(sim, "s", workers=2)
    run_customers(sim, server, [0, 20 * NS], [10 * NS, 4 * NS])
    sim.run(until=16.0)
    before = server.read()
    sim.run(until=26.0)
    usage = server.read().since(before)
    assert (usage.seconds, usage.arrival_rate, usage.throughput) == (10.0, 0.1, 0.1)
    assert (usage.mean_inside, usage.utilisation) == (0.4, 0.2)
