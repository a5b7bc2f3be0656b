"""Faults: words that are checked where they are said, and one place that counts those that overlap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from windtunnel.sim.fault import Fault, call, crash, cut, pause, skew, slow, split, storm
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.link import LinkSpec
from windtunnel.sim.servers.base import ServerBase, Unanswered
from windtunnel.sim.servers.fifo import FifoServer
from windtunnel.sim.servers.processor_sharing import ProcessorSharingServer
from windtunnel.sim.servers.server import Server
from windtunnel.sim.wrong import WrongInput


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as one:
        yield one


# --- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("say", "sentence"),
    [
        (lambda: crash(at_s=1), "A crash fault strikes something; name it."),
        (lambda: crash("a", 5, at_s=1), "A crash fault strikes things by their names; 5 is none."),
        (lambda: crash("a", at_s=-1), "A fault cannot begin at -1 s; give 0 or more."),
        (lambda: crash("a", at_s="1"), "A fault's at_s is a number; got '1'."),  # type: ignore[arg-type]
        (lambda: pause("a", at_s=1, for_s=-2), "A fault cannot last -2 s; give 0 or more, or None for good."),
        (lambda: pause("a", at_s=1, for_s=float("nan")), "A fault's for_s is a number; got nan."),
        (lambda: slow("a", at_s=1), r"needs either to= \(a part of the speed\) or by_s= \(seconds on the way\)."),
        (lambda: slow("a", to=0, at_s=1), "At a speed of 0 no work is ever done; use pause."),
        (lambda: slow("a", "b", to=0.5, at_s=1), "for the way between two give by_s="),
        (lambda: slow("a", "b", by_s=-0.1, at_s=1), "A way that takes -0.1 s longer is no slower; give 0 or more."),
        (lambda: split(["a", "b"], "b", at_s=1), "b stands on both sides of a split; it can stand on one."),
        (lambda: storm(at_s=1), "A storm does something: give loss=, duplicate=, or late= with late_s=."),
        (lambda: storm(loss=1.5, at_s=1), "A storm's loss is a probability, from 0 to 1; got 1.5."),
        (lambda: skew("a", at_s=1), "A skew does something: give by_s= or drift_ppm=."),
        (lambda: skew("a", drift_ppm=-2e6, at_s=1), "give more than -1000000"),
        (lambda: call("a", "shut", at_s=1, for_s=2), "A call of shut that lasts needs end=, the method that ends it."),
    ],
)
def test_a_word_that_makes_no_sense_is_one_sentence_where_it_is_said(say: Callable[[], Fault], sentence: str) -> None:
    with pytest.raises(WrongInput, match=sentence) as error:
        say()
    assert str(error.value).endswith(".")


def test_a_fault_is_data_that_says_what_it_is() -> None:
    assert crash("a", at_s=1, for_s=2) == crash(["a"], at_s=1, for_s=2)
    assert hash(crash("a", at_s=1)) != hash(crash("b", at_s=1))
    said = {
        crash("a", "b", at_s=1): "crash a, b",
        split(["a", "b"], ["c"], at_s=1): "split a, b | c",
        cut("a", "b", at_s=1): "cut a > b",
        slow("a", "b", by_s=0.5, at_s=1): "slow a > b by_s 0.5",
        storm(loss=0.1, late=0.25, late_s=1.0, at_s=1): "storm loss 0.1, late 0.25, late_s 1",
        call("till", "shut", 3, at_s=1): "call till shut(3)",
    }
    assert [str(fault) for fault in said] == list(said.values())


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (crash("nod 0", at_s=1), r"There is no host nod 0; did you mean node 0 or node 1\?"),
        (cut("node 0", "nod 1", at_s=1), r"There is no host nod 1; did you mean node 1 or node 0\?"),
        (call("node 0", "explode", at_s=1), "A fault calls node 0.explode, and node 0 cannot do that."),
        (call("node 0", "inbox", 1, 2, 3, at_s=1), r"A fault calls node 0.inbox with \(1, 2, 3\); that is not what it"),
    ],
)
def test_a_fault_that_strikes_nothing_is_refused_before_anything_happens(
    sim: Simulator, fault: Fault, sentence: str
) -> None:
    sim.host("node 0"), sim.host("node 1")
    with pytest.raises(WrongInput, match=sentence):
        sim.faults.add(fault)
    sim.run()
    assert sim.now == 0


def test_what_a_thing_cannot_suffer_is_refused_with_what_it_can(sim: Simulator) -> None:
    server = FifoServer(sim, "till")
    with pytest.raises(WrongInput, match=r"till cannot suffer skew; it can suffer crash, pause, slow, cut_reply."):
        sim.faults.skew(server, by_s=1.0, at_s=1.0)
    with pytest.raises(WrongInput, match=r"till crashes in one way only; leave process_only out."):
        sim.faults.crash(server, at_s=1.0, process_only=True)
    with pytest.raises(WrongInput, match=r"till is not on the network, where hosts are: none."):
        sim.faults.split(server, at_s=1.0)


# --- overlaps --------------------------------------------------------------------------------------------------------
TIMES = st.tuples(st.integers(0, 12), st.integers(1, 8))
"""Beginning and length, in half seconds."""


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), TIMES, st.booleans()), max_size=8))
def test_a_host_is_down_exactly_while_some_crash_says_so(faults: list[tuple[str, tuple[int, int], bool]]) -> None:
    with Simulator() as sim:
        hosts = {name: sim.host(name) for name in "abc"}
        for name, (at, length), process_only in faults:
            sim.faults.crash(name, at_s=at / 2, for_s=length / 2, process_only=process_only)
        for half in range(24):
            sim.run(half / 2 + 0.25)
            for name, host in hosts.items():
                those = [t for n, t, _ in faults if n == name and t[0] <= half < t[0] + t[1]]
                assert host.down == bool(those)


@given(st.lists(st.tuples(st.sampled_from(["ab", "ba", "a", ""]), TIMES), max_size=8))
def test_ways_are_disturbed_exactly_while_some_fault_says_so(
    faults: list[tuple[str, tuple[int, int]]],
) -> None:
    with Simulator() as sim:
        a, b = sim.host("a"), sim.host("b")
        sim.network.connect(a, b, loss=0.25)
        for way, (at, length) in faults:
            when = {"at_s": at / 2, "for_s": length / 2}
            if len(way) == 2:
                sim.faults.cut(*way, **when)
            elif way:
                sim.faults.slow(way, by_s=0.1, **when)
            else:
                sim.faults.storm(loss=0.5, **when)
        for half in range(24):
            sim.run(half / 2 + 0.25)
            now = [way for way, (at, length) in faults if at <= half < at + length]
            forth, back = sim.network.link(a, b), sim.network.link(b, a)
            assert (forth.cuts, back.cuts) == (now.count("ab"), now.count("ba"))
            assert (forth.extra_s, back.extra_s) == (pytest.approx(0.1 * now.count("a")), 0)
            assert forth._loss == back._loss == pytest.approx(1 - 0.75 * 0.5 ** now.count(""))
        assert forth.extra_s == 0
        assert forth._loss == 0.25


@given(st.lists(st.tuples(st.sampled_from([0.5, 0.25]), TIMES), max_size=6))
def test_a_server_is_as_slow_as_all_faults_together_make_it(faults: list[tuple[float, tuple[int, int]]]) -> None:
    with Simulator() as sim:
        server = FifoServer(sim, "till", speed=2.0)
        for share, (at, length) in faults:
            sim.faults.slow(server, to=share, at_s=at / 2, for_s=length / 2)
        for half in range(24):
            sim.run(half / 2 + 0.25)
            expected = 2.0
            for share, (at, length) in faults:
                expected *= share if at <= half < at + length else 1
            assert server.speed == expected


@given(st.lists(st.tuples(st.sampled_from([5.0, -3.0]), TIMES), max_size=6))
def test_a_clock_is_wrong_by_all_that_lasts_and_right_after_it(
    faults: list[tuple[float, tuple[int, int]]],
) -> None:
    with Simulator() as sim:
        host = sim.host("a", clock_skew_s=1.0)
        for by_s, (at, length) in faults:
            sim.faults.skew("a", by_s=by_s, drift_ppm=-6e5, at_s=at / 2, for_s=length / 2)
        rate, before = 1.0, host.clock.monotonic()
        for half in range(24):
            sim.run(half / 2 + 0.25)
            now = [by_s for by_s, (at, length) in faults if at <= half < at + length]
            assert host.clock.time() - host.clock.monotonic() - 1_767_225_600 == pytest.approx(1.0 + sum(now))
            rate, before = 0.4 ** len(now), host.clock.monotonic()
            sim.run(half / 2 + 0.35)
            assert host.clock.monotonic() - before == pytest.approx(0.1 * rate)


def test_a_crash_in_a_crash_adds_no_boot(sim: Simulator) -> None:
    host = sim.host("a")
    sim.faults.crash("a", at_s=1, for_s=4)
    sim.faults.crash("a", at_s=2, for_s=1)
    down = []
    for second in (0.5, 1.5, 2.5, 3.5, 4.5, 5.5):
        sim.run(second)
        down.append(host.down)
    assert down == [False, True, True, True, True, False]
    assert host.boots == 2


def test_what_ends_when_another_begins_is_up_for_no_time_and_boots_twice(sim: Simulator) -> None:
    host = sim.host("a")
    sim.faults.crash("a", at_s=1, for_s=1)
    sim.faults.crash("a", at_s=2, for_s=1)
    sim.run(2.5)
    assert host.down
    sim.run(3.5)
    assert not host.down


def test_equal_faults_are_two(sim: Simulator) -> None:
    host, fault = sim.host("a"), crash("a", at_s=1, for_s=1)
    sim.faults.add(fault)
    sim.faults.add(fault)
    sim.run(1.5)
    assert host.down
    sim.run(2.5)
    assert not host.down
    assert host.boots == 2


def test_a_fault_that_is_called_off_counts_for_nothing(sim: Simulator) -> None:
    host = sim.host("a")
    sim.faults.crash("a", at_s=1, for_s=2)
    begin, _ = sim.faults.crash("a", at_s=1, for_s=5)
    begin.cancel()
    sim.run(3.5)
    assert not host.down


@pytest.mark.parametrize("kind", [FifoServer, Server, ProcessorSharingServer])
def test_pauses_of_servers_count_and_a_crash_ends_them(sim: Simulator, kind: type[ServerBase]) -> None:
    server = kind(sim, "till")
    sim.faults.pause(server, at_s=1, for_s=4)
    sim.faults.pause(server, at_s=2, for_s=1)
    sim.run(3.5)
    assert "paused" in repr(server)
    sim.faults.crash(server, at_s=4, for_s=0.5)
    sim.run(4.25)
    assert server.down
    sim.run(4.75)
    assert "0 inside" in repr(server)


def test_who_is_down_is_not_paused_and_later_pauses_hold(sim: Simulator) -> None:
    host = sim.host("a")
    sim.faults.crash("a", at_s=1, for_s=1)
    sim.faults.pause("a", at_s=1.5, for_s=10)
    sim.faults.pause("a", at_s=3, for_s=2)
    still = []
    for second in (1.75, 2.5, 3.5, 5.5):
        sim.run(second)
        still.append((host.down, host.paused))
    assert still == [(True, False), (False, False), (False, True), (False, False)]


def test_a_pause_without_an_end_holds_until_the_run_is_over(sim: Simulator) -> None:
    host, done = sim.host("a", cores=1), []

    async def elsewhere(seconds: float) -> None:
        await sim.sleep(seconds)
        await host.cpu.work(1.0)
        done.append(sim.now)

    for seconds in (0.5, 2.0):
        sim.spawn(elsewhere(seconds), daemon=True)
    sim.faults.pause("a", at_s=1)
    sim.run(10)
    assert done == []
    sim.faults.end_all()
    assert not host.paused
    sim.run(20)
    assert done == [10.5, 11.5]


def test_storms_meet_links_that_are_made_in_them_and_leave_nothing_behind(sim: Simulator) -> None:
    a, b, c = (sim.host(name) for name in "abc")
    sim.network.connect(a, b, loss=0.2)
    sim.faults.storm(loss=0.5, duplicate=0.5, at_s=1, for_s=2)
    sim.faults.storm(loss=0.5, late=1.0, late_s=1.0, at_s=2, for_s=2)
    sim.run(2.5)
    assert sim.network.link(a, b)._loss == pytest.approx(0.8)
    assert sim.network.link(a, c)._loss == pytest.approx(0.75)
    assert sim.network.link(a, c)._duplicate == 0.5
    sim.run(3.5)
    assert sim.network.link(a, c)._duplicate == 0
    sim.run(4.5)
    assert sim.network.link(a, b).spec == LinkSpec(loss=0.2)
    assert [link._loss for link in sim.network.links.values()] == [0.2, 0.2, 0.0]
    assert sim.network.link(a, a).transit_ns(0) is not None


# --- answers that are lost -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [FifoServer, Server, ProcessorSharingServer])
@pytest.mark.parametrize("how", ["light", "held", "task"])
def test_a_server_does_the_work_and_nobody_is_told(sim: Simulator, kind: Any, how: str) -> None:
    server, ends = kind(sim, "till"), []

    async def customer(at_s: float) -> None:
        await sim.sleep(at_s)
        job = server.submit(0.5) if how == "held" else None
        if job is not None:
            await sim.sleep(0.75)  # the answer is asked for when it is there, or lost
        try:
            await (server.serve(0.5) if job is None else job)
            ends.append("ok")
        except Unanswered as error:
            ends.append(str(error))

    sim.faults.cut_reply(server, at_s=1, for_s=1)
    sim.faults.cut_reply(server, at_s=1.25, for_s=0.25)
    for at_s in (0.0, 1.0, 2.0):
        sim.host("a").create_task(customer(at_s)) if how == "task" else sim.spawn(customer(at_s))
    sim.run()
    assert ends == ["ok", "till did the work, and its answer was lost.", "ok"]
    assert server.read().served == 3


def test_a_host_that_loses_its_answers_breaks_connections_and_hears_what_is_asked(sim: Simulator) -> None:
    shop, clerk = sim.host("shop"), sim.host("clerk")
    asked, told = [], []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked.append(line)
            writer.write(b"done " + line)
        writer.close()

    async def main() -> None:
        await asyncio.start_server(serve, "0.0.0.0", 80)

    async def ask() -> None:
        for number in range(3):
            await asyncio.sleep(1)
            reader, writer = await asyncio.open_connection("shop", 80)
            try:
                writer.write(b"%d\n" % number)
                told.append(await reader.readline())
            except ConnectionError as error:
                told.append(type(error))
            writer.close()

    shop.start(main)
    clerk.create_task(ask())
    sim.faults.cut_reply("shop", at_s=1.5, for_s=1)
    sim.run(5)
    assert asked == [b"0\n", b"1\n", b"2\n"]
    assert told == [b"done 0\n", ConnectionResetError, b"done 2\n"]


def test_messages_of_a_host_that_loses_its_answers_are_lost(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    inboxes = [a.inbox(), b.inbox()]
    sim.faults.cut_reply("a", at_s=1, for_s=1)
    for at_s in (0.5, 1.5, 2.5):
        sim.faults.at(at_s, a.send, b, at_s)
        sim.faults.at(at_s, b.send, a, at_s)
    sim.run()
    assert [len(one) for one in inboxes] == [3, 2]


# --- of one's own ----------------------------------------------------------------------------------------------------
class Till:
    name = "till"

    def __init__(self) -> None:
        self.log: list[str] = []

    def shut(self, how: str) -> None:
        self.log.append(how)

    def open(self) -> None:
        self.log.append("open")


def test_calls_that_last_count_and_others_happen_each_time(sim: Simulator) -> None:
    till = Till()
    sim.faults.call(till, "shut", "first", at_s=1, for_s=4, end="open")
    sim.faults.call(till, "shut", "second", at_s=2, for_s=1, end="open")
    sim.faults.call(till, "shut", "loud", at_s=3.5)
    sim.faults.call(till, "shut", "loud", at_s=3.5)
    sim.run(4)
    assert till.log == ["first", "loud", "loud"]
    sim.run()
    assert till.log[3:] == ["open"]
