"""The event loop of a hundred lines runs what asyncio runs, in its order; what the experiment measures with."""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel import WrongInput, find, run
from windtunnel.catalogue.concurrency.event_loop import (
    BEFORE,
    WINDOWS,
    Params,
    Rig,
    before_calls,
    calmest,
    check,
    estimate_calls_ms,
    joined,
    outside as clients,
    waiting,
)
from windtunnel.catalogue.concurrency.event_loop.designs import Blocking
from windtunnel.catalogue.concurrency.event_loop.outside import Outside
from windtunnel.catalogue.concurrency.event_loop.own_loop import OwnLoop
from windtunnel.catalogue.concurrency.event_loop.server import Loop

Step = tuple[Any, ...]
THINGS = st.integers(0, 2)
"""Events, locks and queues that programs share."""
SECONDS = st.sampled_from([0, 0, 1, 2, 3])
SIMPLE: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("sleep"), SECONDS),
    st.tuples(st.sampled_from(["set", "clear", "wait", "put", "get", "cancel", "join", "yield"]), THINGS),
)
PROGRAMS = st.recursive(
    st.lists(SIMPLE, max_size=4).map(tuple),
    lambda inner: st.lists(
        SIMPLE
        | st.tuples(st.just("spawn"), inner)
        | st.tuples(st.just("gather"), st.lists(inner, max_size=3).map(tuple))
        # Of one task: a group keeps its tasks in a set, and cancels several in the order of their addresses.
        | st.tuples(st.just("group"), st.lists(inner, max_size=1).map(tuple))
        | st.tuples(st.just("within"), SECONDS, inner)
        | st.tuples(st.just("locked"), THINGS, inner)
        | st.tuples(st.just("soon"), THINGS)
        | st.tuples(st.just("later"), SECONDS, THINGS),
        max_size=5,
    ).map(tuple),
    max_leaves=25,
)


class Clock(selectors.SelectSelector):
    """Time that passes while the loop waits, and only then."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "there is always the end to wait for"
        self.now += max(0.0, timeout)
        return []


def order(loop: asyncio.AbstractEventLoop, clock: Clock, program: tuple[Step, ...]) -> list[tuple[float, str, str]]:
    """Everything that a program does on a loop: when, which task, what."""
    notes: list[tuple[float, str, str]] = []

    def note(who: str, what: str) -> None:
        notes.append((clock.now, who, what))

    async def main() -> None:
        events = [asyncio.Event() for _ in range(3)]
        locks = [asyncio.Lock() for _ in range(3)]
        queues: list[asyncio.Queue[str]] = [asyncio.Queue(1) for _ in range(3)]
        spawned: list[asyncio.Task[None]] = []

        async def does(who: str, steps: tuple[Step, ...]) -> None:
            try:
                for place, step in enumerate(steps):
                    note(who, step[0])
                    await one(f"{who}.{place}", step)
                note(who, "done")
            except asyncio.CancelledError:
                note(who, "cancelled")
                raise

        async def one(who: str, step: Step) -> None:
            match step:
                case ("sleep", seconds):
                    await asyncio.sleep(seconds)
                case ("yield", _):
                    await asyncio.sleep(0)
                case ("set", n):
                    events[n].set()
                case ("clear", n):
                    events[n].clear()
                case ("wait", n):
                    await events[n].wait()
                case ("put", n):
                    await queues[n].put(who)
                case ("get", n):
                    note(who, await queues[n].get())
                case ("cancel", n):
                    if n < len(spawned):
                        spawned[n].cancel()
                case ("join", n):
                    if n < len(spawned):
                        await asyncio.wait([spawned[n]], timeout=2)
                case ("spawn", inner):
                    spawned.append(asyncio.get_running_loop().create_task(does(who, inner)))
                case ("gather", parts):
                    await asyncio.gather(
                        *(does(f"{who}{n}", part) for n, part in enumerate(parts)), return_exceptions=True
                    )
                case ("group", parts):
                    async with asyncio.TaskGroup() as group:
                        for n, part in enumerate(parts):
                            group.create_task(does(f"{who}{n}", part))
                case ("within", seconds, inner):
                    try:
                        async with asyncio.timeout(seconds):
                            await does(who, inner)
                    except TimeoutError:
                        note(who, "late")
                case ("locked", n, inner):
                    async with locks[n]:
                        await does(who, inner)
                case ("soon", n):
                    asyncio.get_running_loop().call_soon(note, who, str(n))
                case ("later", seconds, n):
                    asyncio.get_running_loop().call_later(seconds, note, who, str(n))
                case _:
                    raise AssertionError(step)

        try:
            async with asyncio.timeout(50):
                await does("main", program)
        except TimeoutError:
            note("main", "stuck")
        for task in spawned:
            task.cancel()
        await asyncio.gather(*spawned, return_exceptions=True)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    return notes


def on_asyncio(program: tuple[Step, ...]) -> list[tuple[float, str, str]]:
    clock = Clock()
    loop = asyncio.SelectorEventLoop(clock)
    loop.time = lambda: clock.now  # type: ignore[method-assign]
    return order(loop, clock, program)


def on_ours(program: tuple[Step, ...]) -> list[tuple[float, str, str]]:
    clock = Clock()
    return order(OwnLoop(lambda: clock.now, clock), clock, program)


def assert_same_order(program: tuple[Step, ...]) -> None:
    assert on_ours(program) == on_asyncio(program)


@settings(max_examples=15, deadline=None)
@given(PROGRAMS)
def test_our_loop_runs_programs_in_the_order_of_asyncio(program: tuple[Step, ...]) -> None:
    assert_same_order(program)


@pytest.mark.soak
@settings(max_examples=500, deadline=None)
@given(PROGRAMS)
def test_our_loop_runs_500_programs_in_the_order_of_asyncio(program: tuple[Step, ...]) -> None:
    assert_same_order(program)


def test_a_program_that_waits_for_ever_is_ended_by_the_same_timer() -> None:
    program = (("spawn", (("wait", 0),)), ("within", 2, (("get", 1),)), ("join", 0), ("wait", 2))
    assert on_ours(program) == on_asyncio(program)
    assert (50.0, "main", "stuck") in on_ours(program)


def on_own_loop(main: Callable[[OwnLoop], Any]) -> Any:
    loop = OwnLoop()
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()


def test_our_loop_waits_for_sockets_and_threads() -> None:
    async def main(loop: OwnLoop) -> tuple[bytes, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        with listener, socket.socket() as client:
            client.setblocking(False)
            accepting = loop.create_task(loop.sock_accept(listener))
            await loop.sock_connect(client, listener.getsockname())
            server, _ = await accepting
            with server:
                large = bytes(4_000_000)
                sending = loop.create_task(loop.sock_sendall(client, large))
                got = 0
                while got < len(large):
                    got += len(await loop.sock_recv(server, 1 << 16))
                await sending
                await loop.sock_sendall(server, b"all of it")
                return await loop.sock_recv(client, 100), await asyncio.to_thread(lambda: 7)

    assert on_own_loop(main) == (b"all of it", 7)


def test_nobody_answers_at_a_port_where_nobody_listens() -> None:
    async def main(loop: OwnLoop) -> None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            address = gone.getsockname()
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, address)

    with pytest.raises(ConnectionRefusedError):
        on_own_loop(main)


def test_too_few_descriptors_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda which: (256, 1024))
    check(Params(connections=900))
    with pytest.raises(WrongInput, match="A process may have 1,024 descriptors here, and 1,000 connections need 1,064"):
        check(Params())


def test_uvloop_is_asked_for_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WrongInput, match=r"pip install 'windtunnel\[uvloop\]'"):
        check(Params(loop="uvloop"))


def test_spans_that_overlap_are_one() -> None:
    assert joined([(0.0, 2.0), (1.0, 1.5), (1.5, 3.0), (4.0, 5.0)]) == [(0.0, 3.0), (4.0, 5.0)]
    assert waiting([0.1, 0.2, 0.3, 0.4], 0.25) == 0.5
    assert estimate_calls_ms(12, 4, 50) == 150
    assert estimate_calls_ms(13, 4, 50) == 200


def test_a_window_is_told_by_what_was_before_its_calls() -> None:
    calm = {"pings": [0.001] * BEFORE + [0.9], "spans": [(2.0, 2.5), (1.0, 1.5)]}
    disturbed = {"pings": [0.002] * BEFORE + [0.1]}
    assert calmest([disturbed, calm]) is calm
    late = [(0.9, 0.01), (0.95, 0.06), (1.2, 0.3)]
    assert before_calls({**calm, "late": late}) == [0.01], "a timer that the first call has held up is none of them"


class Asked:
    """What outside and server would say, and how often they are asked for a window."""

    def __init__(self, *slowest: float) -> None:
        self.slowest, self.windows = list(slowest), 0

    async def ask(self, what: str, *words: object) -> Any:
        if what != "window":
            return {} if what in ("end", "answers") else 0.0
        self.windows += 1
        return {"pings": [self.slowest.pop(0)] + [0.0] * BEFORE + [9.0]}


@pytest.mark.parametrize(
    ("slowest", "windows"), [([0.001], 1), ([0.006, 0.001], 2), ([0.006, 0.006, 0.006], 3)], ids=["calm", "again", "no"]
)
def test_a_window_whose_pings_waited_before_its_calls_is_looked_at_again(slowest: list[float], windows: int) -> None:
    asked = Asked(*slowest)
    rig = object.__new__(Rig)
    rig.params, rig.seen = Params(), []
    rig.server = rig.outside = asked  # type: ignore[assignment]

    async def all_windows() -> None:
        for number in range(WINDOWS):
            await rig.window(number)

    asyncio.run(all_windows())
    assert asked.windows == len(rig.seen) == windows


@pytest.mark.soak
@pytest.mark.parametrize("loop", ["own", "uvloop"])
def test_another_loop_serves_the_same_server(loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="an extra: pip install 'windtunnel[uvloop]'")
    designs = ["blocking", "to_thread", "non_blocking"]
    found = run(find("event-loop"), quick=True, seeds=1, designs=designs, loop=loop)
    verdicts = {claim.expression: claim.verdict for claim in found.claims if claim.verdict != "skipped"}
    assert "fails" not in verdicts.values()
    assert verdicts["blocking.meanwhile == 0"] == "holds"


class Holding(Rig):
    """Holds all connections idle for half a minute."""

    hold_s = 30.0


def test_a_server_that_hangs_up_ends_the_run_with_a_sentence() -> None:
    outside = Outside({"call_s": 0.0})
    ours, theirs = socket.socketpair()
    outside.held = [ours]
    with ours, theirs:
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionError, match="in the place of an answer"):
            outside.heard("alone", 3, 0.0)
        with pytest.raises(ConnectionError, match="hung up, or was silent"):
            outside.heard("window", 0.03, 0.01, 1, 0)


@pytest.mark.parametrize("waits", [False, True])
def test_who_waits_for_a_silent_backend_answers_no_ping_until_it_speaks(
    waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "SILENT_S", 0.05)
    outside = Outside({"call_s": 0.0})
    (pinging, pinged), (calling, called) = socket.socketpair(), socket.socketpair()
    outside.held = [pinging, calling]

    def serves() -> None:
        call = called.recv(8)
        outside.asked += 1
        if not waits:
            pinged.sendall(pinged.recv(8))
        outside.speaks.wait()
        called.sendall(call.replace(b"call", b"done"))
        if waits:
            pinged.sendall(pinged.recv(8))

    with pinging, pinged, calling, called:
        server = threading.Thread(target=serves)
        server.start()
        assert outside.heard("silence") is not waits
        server.join()
        assert outside.heard("answers") == {"called": 1, "right": 1, "asked": 1}
        assert outside.speaks.is_set()


def test_a_probe_that_was_held_up_is_told_however_soon_its_window_ends() -> None:
    """The loop is held up while a probe is due, and what asks for that comes before it."""
    server = Loop({"loop": "asyncio", "pool": 1}, Blocking())
    held = threading.Event()
    try:
        server.probing = True
        server.loop.call_soon(server.next_probe, server.loop.time() - 1.0)
        server.loop.call_soon(held.wait)

        def turns() -> None:
            asyncio.set_event_loop(server.loop)
            server.loop.run_forever()

        turning = threading.Thread(target=turns)
        turning.start()
        ending = threading.Thread(target=server.settle)
        ending.start()
        held.set()
        ending.join()
        assert [late >= 0.9 for _, late in server.late[:1]] == [True]
        server.probing = False
        server.loop.call_soon_threadsafe(server.loop.stop)
        turning.join()
    finally:
        server.listener.close()
        server.loop.close()


def test_who_answered_no_ping_during_calls_is_asked_for_none_in_silence() -> None:
    for meanwhile in (0, 3):
        asked = Asked()
        rig = object.__new__(Rig)
        rig.facts, rig.seen = {}, [{"meanwhile": meanwhile}]
        rig.server = rig.outside = asked  # type: ignore[assignment]
        assert ("silence" in asyncio.run(rig.report())) is (meanwhile > 0)


@pytest.mark.live
def test_ten_thousand_connections_are_held_for_half_a_minute() -> None:
    whole = find("event-loop")
    held = replace(whole, rig=Holding, claims=(), figures=(), asks=(), why=(), module=whole.module)
    found = run(held, seeds=1, designs=["threads", "non_blocking"], connections=10_000)
    for design in found.designs:
        assert found.samples(design, "still_answer") == [10_000]
    threads, tasks = (found.samples(design, "kb_per_connection")[0] for design in found.designs)
    assert threads > 3 * tasks
