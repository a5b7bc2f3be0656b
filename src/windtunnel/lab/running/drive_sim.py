"""Let a design serve its requests in the tunnel.

A method may be `async def`, return a process or signal of the tunnel (cheaper: see `windtunnel.sim.kernel.process`),
or answer at once. Each request runs under its own id, from which its luck is derived.
"""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator, Sequence
from functools import partial
from types import CoroutineType, coroutine
from typing import TYPE_CHECKING, Any

from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.history import History, Op
from windtunnel.lab.running.outcomes import UNREPORTED, Recorder, broken, reported
from windtunnel.lab.stage import Stage
from windtunnel.sim.fault import Fault
from windtunnel.sim.kernel import NS, Deadlock, Process, Signal, ns
from windtunnel.sim.network import CLIENTS
from windtunnel.sim.tier import native

if TYPE_CHECKING:
    from windtunnel.lab.held import Held
    from windtunnel.lab.running.watch import Watch
    from windtunnel.lab.trace.recorder import Recorder as Tracer
    from windtunnel.sim.host import Host
    from windtunnel.sim.losing import Losing

PATIENCE_S = 3600.0
"""How long after the last request was due a run goes on that was given no end."""


class Drive:
    """One run of one design in the tunnel.

    Args:
        watch: the harness's own eyes, where the run is graded. What they see does not wait for a report, so a report
            that cannot be had (a broken connection, a lock whose owner has vanished) ends no run that is watched.
        turn: the second from which on all luck is that of another seed, and that seed.
    """

    losing: Losing | None = None
    """Which messages get lost, from the first request on until the run ends."""

    def __init__(
        self,
        stage: Stage,
        name: str,
        design: object,
        ops: list[Op],
        tracer: Tracer | None = None,
        watch: Watch | None = None,
        turn: tuple[float, int] | None = None,
    ) -> None:
        self.turn = turn
        self.tracer = tracer
        self.stage = stage
        self.watch = watch
        self.sim = stage.sim
        self.recorder = Recorder(name, design, ops, stage.others)
        self.ops = ops
        self.origin_ns = 0
        self._waiting: dict[int, tuple[Op, float, float, Signal[None] | None]] = {}
        self._left = len(ops)
        self._broken: BaseException | None = None
        self._clients: Host | None = None
        self._over: Signal[None] = Signal(self.sim, "the end of the run")

    def run(self, faults: Sequence[Fault], ends_s: float | None) -> History:
        """Start the design, send the requests, and collect what happened and what the design reports."""
        try:
            if not hasattr(self.recorder.design, "start"):  # else it may still make what a fault strikes
                self._check(faults)
            if self.tracer is not None:
                self.tracer.watch(self.sim, self.recorder)
            self._call("start")
            self._check(faults)
            self.origin_ns = self.sim.now_ns
            if self.losing is not None:
                self.losing.origin_ns = self.origin_ns
            duration = self._serve(faults, ends_s)
            if self.losing is not None:
                self.losing.origin_ns = -1
            if self.tracer is not None:
                self.tracer.finish(self.origin_ns, self.recorder.events, self.stage.things)
            self.sim.faults.end_all()  # what is still broken is mended before the report
            # Before the report, in which a design could still put things right.
            held = self.watch.held(self.origin_ns) if self.watch is not None else None
            facts = self._report(held)
            if len(self.recorder.events) < len(self.ops):
                facts["unsent"] = len(self.ops) - len(self.recorder.events)
            try:
                self._call("stop")
            except DesignError:
                if held is None:
                    raise
            self._await(self.stage.close())
        except (DesignError, WrongInput):
            raise
        except Exception as error:
            raise broken(self.recorder.name, self.recorder.design, "a process of it", error) from error
        finally:
            self.sim.close()
        return History(self.recorder.events, facts, duration, held)

    def _report(self, held: Held | None) -> dict[str, Any]:
        try:
            return reported(self.recorder.name, self._call("report"))
        except DesignError as error:
            if held is None or not isinstance(error.__cause__, ConnectionError | Deadlock):
                raise
            return {UNREPORTED: str(error)}

    def _check(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            self.sim.faults.check(fault)

    def _serve(self, faults: Sequence[Fault], ends_s: float | None) -> float:
        open_ops = [op for op in self.ops if op.think_s < 0]
        closed: defaultdict[str, list[Op]] = defaultdict(list)
        for op in self.ops:
            if op.think_s >= 0:
                closed[op.client].append(op)
        for fault in faults:
            self.sim.faults.add(fault, self.origin_ns)
        if self.turn is not None:
            at_s, seed = self.turn
            self.sim.call_at(self.origin_ns + ns(at_s), self.sim.redraw, seed)
        self.sim.spawn(self._feed(open_ops), "the requests", daemon=True)
        for client, own in closed.items():
            self.sim.spawn(self._client(own), f"client {client}", daemon=True)
        limit_s = ends_s if ends_s is not None else max([op.at for op in self.ops], default=0.0) + PATIENCE_S
        alarm = self.sim.call_at(self.origin_ns + ns(limit_s), self._over.set)
        if not self._left:
            self._over.set()
        self.sim.run_until(self._over)
        if self._broken is not None:
            raise self._broken
        alarm.cancel()
        events = self.recorder.events
        answered = len(events)
        # Where no end was given, nobody should read the hour of patience as the length of the run.
        last = max([e.end for e in events], default=0.0)
        end = limit_s if ends_s is not None else last
        for op, due, start, _ in self._waiting.values():
            self.recorder.unfinished(op, due, start, max(end, start))
        self._waiting.clear()
        # Those that are unfinished end at the end, or began after it.
        return max([end, last, *[e.end for e in events[answered:]]])

    # --- requests ------------------------------------------------------------------------------------------------
    @coroutine
    def _feed(self, ops: Sequence[Op]) -> Generator[int, None, None]:
        """The open loop: each request is sent when it is due, whatever became of those before."""
        sim, origin, begin = self.sim, self.origin_ns, self._begin
        me = sim.running
        for op in ops:
            wait_ns = origin + (op.at * NS).__round__() - sim.now_ns
            if wait_ns > 0:
                yield wait_ns  # a sleep, without the call
            begin(op, op.at, me, None)

    async def _client(self, ops: Sequence[Op]) -> None:
        """The closed loop of one client: its next request is due a while after its last one ended."""
        sim = self.sim
        me = sim.running
        for op in ops:
            pause = max(round(op.think_s * NS), self.origin_ns + round(op.at * NS) - sim.now_ns)
            if pause > 0:
                await sim.sleep_ns(pause)
            ended: Signal[None] = Signal(sim, "the end of a request")
            self._begin(op, (sim.now_ns - self.origin_ns) / NS, me, ended)
            await ended

    def _begin(self, op: Op, due: float, sender: Process[Any], ended: Signal[None] | None) -> None:
        start = (self.sim.now_ns - self.origin_ns) / NS
        sender.request = op.id  # what the method starts inherits it
        try:
            found = self.recorder.methods[op.name](*op.args)
            if found.__class__ is CoroutineType:
                found = self._start(found, op.name, op.id)  # raises Crashed where the clients' own host is down
        except Exception as error:
            self.recorder.raised(op, due, start, start, error)
            self._count(ended)
            return
        if isinstance(found, Signal | Future):
            self._waiting[op.id] = (op, due, start, ended)
            found.add_done_callback(partial(self._ended, op.id))
        else:
            self.recorder.returned(op, due, start, (self.sim.now_ns - self.origin_ns) / NS, found)
            self._count(ended)

    def _ended(self, number: int, answer: Signal[Any] | Future[Any]) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            return  # the run ended first
        op, due, start, ended = waiting
        end = (self.sim.now_ns - self.origin_ns) / NS
        cancelled = isinstance(answer, Future) and answer.cancelled()
        error = CancelledError() if cancelled else answer.exception()
        if error is None:
            self.recorder.returned(op, due, start, end, answer.result())
        else:
            try:
                self.recorder.raised(op, due, start, end, error)
            except (DesignError, KeyboardInterrupt, SystemExit) as stop:
                self._stops(stop)
        self._count(ended)

    def _stops(self, error: BaseException) -> None:
        """Loops only report what a callback raises: end the run, and raise there."""
        self._broken = error
        self._over.set()

    def _count(self, ended: Signal[None] | None) -> None:
        self._left -= 1
        if ended is not None:
            ended.set()
        if not self._left:
            self._over.set()

    # --- coroutines ----------------------------------------------------------------------------------------------
    def _start(self, coro: Coroutine[Any, Any, Any], name: str, request: int | None = None) -> Future[Any]:
        """Run a coroutine as an asyncio task of the clients' host, which is made when it is first needed."""
        if self._clients is None:
            self._clients = self.sim.host(CLIENTS)
        return self._clients.create_task(coro, name=name, request=request)

    def _call(self, name: str) -> Any:
        """Call an optional method of the design, and wait for it where it takes time."""
        method: Callable[[], Any] | None = getattr(self.recorder.design, name, None)
        try:
            return None if method is None else self._await(self.sim.inside(method))
        except (DesignError, WrongInput):
            raise
        except Exception as error:
            raise broken(self.recorder.name, self.recorder.design, name, error) from error

    def _await(self, found: Any) -> Any:
        if found.__class__ is CoroutineType:
            found = self._start(found, "set-up")
        return self.sim.run_until(found) if isinstance(found, Signal | Future) else found


if not TYPE_CHECKING and native is not None:

    class Drive(native.DriveCore, Drive):
        __doc__ = Drive.__doc__
