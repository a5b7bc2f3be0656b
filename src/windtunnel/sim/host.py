"""A simulated machine: processes and an asyncio loop, a clock, a processor, a disk; it crashes, pauses and restarts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakValueDictionary

from windtunnel.sim.clock import Clock
from windtunnel.sim.cpu import Cpu
from windtunnel.sim.disk import Disk
from windtunnel.sim.kernel import Crashed, Process, Simulator, Timer, ns
from windtunnel.sim.loop import HostLoop
from windtunnel.sim.network import Inbox
from windtunnel.sim.ports import Ports
from windtunnel.sim.signals import NEVER, Frozen
from windtunnel.sim.sockets import SimSocket
from windtunnel.sim.task import request_of_task

if TYPE_CHECKING:
    from windtunnel.sim.task import Task

T = TypeVar("T")
Main = Callable[..., Coroutine[Any, Any, Any]]


class Host:
    """A machine on the simulated network. Made by `Simulator.host`.

    Attributes:
        address: its IP address; its name resolves to it on all hosts.
        down: its programs do not run. `powered`: its operating system does.
        boots: how often it has started.
        paused: it stands still.
        replies_lost: what it would send to others is lost, and connections on which it would answer break.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str,
        *,
        cores: int = 1,
        clock_drift_ppm: float = 0.0,
        clock_skew_s: float = 0.0,
        disk: dict[str, Any] | None = None,
    ) -> None:
        self.sim = sim
        self.name = name
        self.network = sim.network
        self.address = self.network._attach(self)
        self.clock = Clock(sim, clock_drift_ppm, clock_skew_s)
        self.cpu = Cpu(sim, cores)
        self.disk = Disk(sim, name, **(disk or {}))
        self.ports = Ports(self)
        self._loop: HostLoop | None = None
        self.down = False
        self.powered = True
        self.boots = 1
        self.paused = False
        self.replies_lost = False
        self.sockets: WeakValueDictionary[int, SimSocket] = WeakValueDictionary()
        """Its open sockets by descriptor."""
        self._descriptors = 0
        self._entries: list[tuple[Main, tuple[Any, ...], bool]] = []
        self._processes: dict[Process[Any], None] = {}
        self._inboxes: dict[int, Inbox] = {}
        self._held: list[tuple[Any, int, BaseException | None]] = []
        self._thaw: Timer | None = None
        self._paused_until_ns = 0

    def __repr__(self) -> str:
        return f"<Host {self.name} {self.address}{' down' if self.down else ''}>"

    @property
    def loop(self) -> HostLoop:
        """The asyncio event loop of its programs; a restart brings a new one."""
        if self._loop is None:
            self._loop = HostLoop(self)
            if self.down:
                self._loop.die()
            elif self.paused:
                self._loop.freeze()
        return self._loop

    # --- programs --------------------------------------------------------------------------------------------------
    def start(self, main: Main, *args: Any, light: bool = False) -> Task | Process[Any]:
        """Run `main(*args)` here, now and again after each restart. If it raises, so does the run.

        Args:
            light: as a light process (may await what the tunnel offers); else as an asyncio task.
        """
        self._entries.append((main, args, light))
        return self._enter(main, args, light)

    def _enter(self, main: Main, args: tuple[Any, ...], light: bool) -> Task | Process[Any]:
        name = getattr(main, "__name__", "main")
        if light:
            return self.spawn(main(*args), name, daemon=True)
        task = self.create_task(main(*args), name=name)
        task.add_done_callback(self._surface)
        return task

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, request: int | None = None
    ) -> Task:
        """Run a coroutine as an asyncio task of this host.

        Args:
            request: the id of the request that it works for, whose luck it has; the tasks that it starts inherit it.
        """
        if self.down:
            coro.close()
            raise Crashed(f"{self.name} is down; restart it first.")
        context = None
        if request is not None:
            context = copy_context()
            context.run(request_of_task.set, request)
        return cast("Task", self.loop.create_task(coro, name=name, context=context))

    def spawn(
        self, coro: Coroutine[Any, Any, T], name: str = "", *, daemon: bool = False, request: int | None = None
    ) -> Process[T]:
        """Run a coroutine as a light process of this host; as `Simulator.spawn`."""
        if self.down:
            coro.close()
            raise Crashed(f"{self.name} is down; restart it first.")
        return self.sim.spawn(coro, name, host=self, daemon=daemon, request=request)

    def inbox(self, port: int = 0) -> Inbox:
        """Where messages to this port arrive from now on."""
        found = self._inboxes.get(port)
        if found is None:
            found = self._inboxes[port] = Inbox(self.sim, f"a message to {self.name}:{port}")
        return found

    def send(self, dst: Host, body: Any, size_bytes: int = 0, port: int = 0) -> None:
        """Send a message; as `Network.send`."""
        self.network.send(self, dst, body, size_bytes, port)

    # --- crash and restart -----------------------------------------------------------------------------------------
    def crash(self, *, process_only: bool = False) -> None:
        """Stop everything here dead: no line of it runs any more, no `finally` either.

        The default is a loss of power: writes that were not synced are lost, and the network falls silent. Peers learn
        of it from their own time limits, from TCP giving up (`TcpSettings.give_up_s`), or from the reset that they get
        when they send again after a restart. There are no keep-alives.

        Args:
            process_only: only the programs die, as by `kill -9`; the operating system lives on. It closes their
                connections (peers see the end, or a reset where bytes of theirs were not read), also through a
                partition that heals in time; it refuses new ones, and keeps what was written. The power may still
                fail later.
        """
        if self.down and (process_only or not self.powered):
            return
        self.down = True
        self.powered = process_only
        self._note("crash", "process" if process_only else "power")
        self._end_pause()
        self._held.clear()
        if self._loop is not None:
            self._loop.die()
        for process in list(self._processes):
            process.kill(Crashed(f"{self.name} crashed."))
        self._inboxes.clear()
        for sock in self.sockets.values():
            sock.kill()
        self.sockets.clear()
        self.ports.crash(process_only=process_only)
        self.cpu.reset()
        if process_only:
            self.disk.close_handles()
        else:
            self.disk.lose_power()

    def restart(self) -> None:
        """Come up again, as after `crash` if it has not crashed, and run what was started by `start`."""
        if not self.down:
            self.crash()
        if not self.powered:
            self.ports = Ports(self)
        self.down = False
        self.powered = True
        self.cpu.down = False
        self.boots += 1
        self._loop = None
        self._note("restart")
        for main, args, light in self._entries:
            self._enter(main, args, light)

    # --- what else faults do to it ---------------------------------------------------------------------------------
    def slow_to(self, share: float) -> None:
        """Its cores work at this part of their speed, from the next piece of work on."""
        self.cpu.slowdown = share

    def skew_to(self, by_s: float, rate: float) -> None:
        """Its clocks are wrong by so much, beyond what they are by themselves; as `Clock.skew_to`."""
        self.clock.skew_to(by_s, rate)

    def lose_replies(self, yes: bool) -> None:
        """What it sends to others is lost from now on, and TCP connections on which it answers break; or no longer."""
        self.replies_lost = yes

    # --- pause -----------------------------------------------------------------------------------------------------
    def pause(self, seconds: float | None = None) -> None:
        """Stand still for a while, as in a long garbage collection or when a virtual machine is moved.

        Nothing is lost: what would have happened here meanwhile happens at the end, in its order. Pauses that overlap
        last as long as the longer one. A host that is down cannot be paused, and a crash ends a pause.

        Args:
            seconds: how long; None is until `resume`.
        """
        until_ns = NEVER if seconds is None else self.sim.now_ns + ns(seconds)
        if self.down or until_ns <= max(self.sim.now_ns, self._paused_until_ns):
            return
        self._note("pause", "" if seconds is None else f"{seconds:g} s")
        if not self.paused:
            self.paused = True
            self.cpu.stop()
            if self._loop is not None:
                self._loop.freeze()
            for process in self._processes:
                process.__class__ = Frozen
        if self._thaw is not None:
            self._thaw.cancel()
        self._paused_until_ns = until_ns
        self._thaw = None if seconds is None else self.sim.call_at(until_ns, self.resume)

    def resume(self) -> None:
        """Go on after a pause; harmless where there is none."""
        if not self.paused:
            return
        self._note("resume")
        self._end_pause()
        for turn in self._held:  # one after the other, each with all that follows from it
            self.sim.call_after(0, self.sim._ready.append, turn)
        self._held.clear()

    def _end_pause(self) -> None:
        if self._thaw is not None:
            self._thaw.cancel()
            self._thaw = None
        if self.paused:
            self.paused = False
            self._paused_until_ns = 0
            self.cpu.go_on()
            if self._loop is not None:
                self._loop.thaw()
            for process in self._processes:
                process.__class__ = Process

    def _hold(self, thing: Any, number: int, error: BaseException | None) -> None:
        """Lay a turn aside until the pause is over."""
        if not self.down and (not isinstance(thing, Process) or thing._ticket == number):
            self._held.append((thing, number, error))

    def _adopt(self, process: Process[Any]) -> None:
        """A new process lives here."""
        self._processes[process] = None
        if self.down:  # started by a line that was running when the host crashed
            process.kill()
        elif self.paused:
            process.__class__ = Frozen

    def next_descriptor(self) -> int:
        """A number for one more socket."""
        self._descriptors += 1
        return self._descriptors

    # --- the rest --------------------------------------------------------------------------------------------------
    def _surface(self, task: Task) -> None:
        """An entry point that fails fails the run, as a process that nobody awaits does."""
        error = None if task.cancelled() else task.exception()
        if error is not None:

            async def raise_it() -> None:
                raise error

            self.sim.spawn(raise_it(), f"{task.get_name()} on {self.name}", host=None, daemon=True)

    def _note(self, kind: str, detail: str = "") -> None:
        if self.sim.trace is not None:
            self.sim.trace.record(self.sim.now_ns, kind, self.name, detail)
