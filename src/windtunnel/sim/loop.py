"""The asyncio event loop of one simulated host.

It keeps asyncio's own `BaseEventLoop` for everything that is logic (create_connection, create_server, exception
handlers, async generators), and gives it other ground to stand on: time, callbacks and sockets are the tunnel's.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio import Future
from collections.abc import Callable, Generator, Iterable
from contextvars import Context
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple, cast

from windtunnel.sim.ports import ANY, LAST_PORT, Address
from windtunnel.sim.sandbox import check_idle
from windtunnel.sim.signals import Crashed, Process, Signal
from windtunnel.sim.sockets import SimSocket
from windtunnel.sim.task import Handle, Task
from windtunnel.sim.tier import native
from windtunnel.sim.transport import BaseSimTransport, DatagramTransport, StreamTransport
from windtunnel.sim.unsimulated import UnsimulatedParts, refuse

if TYPE_CHECKING:
    from windtunnel.sim.host import Host

SERVICES: Final[dict[Any, int]] = {
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "domain": 53,
    "http": 80,
    "pop3": 110,
    "ntp": 123,
    "imap": 143,
    "snmp": 161,
    "ldap": 389,
    "https": 443,
    "submission": 587,
    "ldaps": 636,
    "imaps": 993,
    "pop3s": 995,
    "mqtt": 1883,
    "mysql": 3306,
    "postgresql": 5432,
    "amqp": 5672,
    "redis": 6379,
    "http-alt": 8080,
}
"""Ports by the names that IANA gave them: those that servers of our days have. A host has no other list of services."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class HostLoop(UnsimulatedParts):
    """Runs the asyncio programs of a host, from one start to the next crash.

    Attributes:
        held: the host is paused or down: the kernel gives turns to `hold` instead of taking them.
        dead: the host crashed, and nothing of this loop runs again.
        watchers: light processes elsewhere that wait for a future of this loop.
        transports: those that are open.
        tasks: those that are not done. asyncio itself lets a task that nobody can wake be collected, at a moment that
            is up to the collector, and so are the lines that run then; here tasks wait for ever.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.sim = host.sim
        super().__init__()
        self._ready = host.sim._ready
        self.held = False
        self.dead = False
        self.watchers: dict[Process[Any], int] = {}
        self.transports: dict[BaseSimTransport, None] = {}
        self.tasks: dict[Task, None] = {}
        self._task_numbers = count(1)
        self.signal_handlers: dict[int, tuple[Callable[..., object], tuple[Any, ...]]] = {}
        self.agen_first = self._asyncgen_firstiter_hook  # type: ignore[attr-defined]  # of BaseEventLoop
        self.agen_last = self._asyncgen_finalizer_hook  # type: ignore[attr-defined]  # of BaseEventLoop

    def __repr__(self) -> str:
        return f"<HostLoop of {self.host.name}{' dead' if self.dead else ''}>"

    def __del__(self) -> None:
        """Nothing to give back, so nothing to warn of."""

    # --- running -----------------------------------------------------------------------------------------------------
    def is_running(self) -> bool:
        return self.sim._loop is self

    def is_closed(self) -> bool:
        return self.dead

    def close(self) -> None:
        """Nothing: the host keeps its loop until it crashes. RuntimeError while it runs, as asyncio says it."""
        if self.is_running():
            raise RuntimeError("Cannot close a running event loop")

    def run_forever(self) -> None:
        """Run the simulation until nothing is left to do."""
        self.sim.run()

    def run_until_complete(self, future: Any) -> Any:
        """Run the simulation until this is done."""
        check_idle(self.sim)
        return self.sim.run_until(asyncio.ensure_future(future, loop=self))

    def in_order(self, those: Iterable[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
        """Its tasks that are not done, oldest first; `those` are what asyncio says that they are."""
        others = set(those) - self.tasks.keys()  # made by asyncio.Task itself
        return [*self.tasks, *sorted(others, key=asyncio.Task.get_name)]

    def freeze(self) -> None:
        """The host stands still."""
        self.held = True
        if self.sim._loop is self:
            self.sim._leave()

    def thaw(self) -> None:
        """The host goes on."""
        self.held = False

    def hold(self, thing: Any, number: int, error: BaseException | None) -> None:
        """A turn came up that cannot be taken now."""
        if not self.dead and not (isinstance(thing, Task) and thing._ticket != number):
            self.host._hold(thing, number, error)

    def die(self, those: Iterable[asyncio.Task[Any]] | None = None) -> None:
        """The host crashed: whatever stands still here never goes on. `those` are its tasks, where it is known."""
        tasks = self.in_order(asyncio.all_tasks(self) if those is None else those)
        self.dead = self.held = True
        for task in tasks:
            if isinstance(task, Task):
                task._ticket = -1
        self.tasks.clear()
        self.sim._graveyard.extend(tasks)
        for transport in self.transports:
            transport.orphan()
        self.transports.clear()
        if self.sim._loop is self:
            self.sim._leave()
        for process, ticket in self.watchers.items():
            if process._ticket == ticket:
                process.throw(Crashed(f"{self.host.name} crashed."))
        self.watchers.clear()

    # --- time and callbacks ------------------------------------------------------------------------------------------
    def time(self) -> float:
        """The host's monotonic clock, in seconds."""
        return self.host.clock.monotonic()

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> Any:
        if callback.__class__ is Task:
            self._ready.append((callback, callback._ticket, None))
            return None
        handle = Handle(callback, args, self, context)
        self._ready.append((handle, 0, None))
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Any:
        """As `call_soon`: there are no threads in the tunnel."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Any:
        if self.host.clock.drifts:
            return self.call_at(self.time() + delay, callback, *args, context=context)
        sim = self.sim
        now = sim.now_ns
        handle = Handle(callback, args, self, context)
        handle._when = now / 1_000_000_000 + delay
        # A nanosecond at least: who waits for what a float still lacks to a deadline must get there.
        try:
            due = now + ((round(delay * 1_000_000_000) or 1) if delay > 0 else self._turn_ns(delay))
        except OverflowError:
            return handle  # it is never due
        handle._scheduled = True
        sim.push(due, handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Any:
        sim = self.sim
        now = sim.now_ns
        handle = Handle(callback, args, self, context)
        handle._when = when
        try:
            due = self.host.clock.true_ns(when)
        except OverflowError:
            if when > 0:
                return handle  # it is never due
            due = now
        except ValueError:  # not a number
            due = now
        handle._scheduled = True
        if due <= now:
            due = now + self._turn_ns(when)
        sim.push(due, handle)
        return handle

    def _turn_ns(self, time: float) -> int:
        """How long it is to the next turn of this loop; for a time that is no number, to the end of all timers.

        asyncio's heap leaves such a timer behind those that it finds there.
        """
        if time == time:
            return self.sim._polling.turn_ns
        ends = [when for when, _, thing in self.sim._heap if isinstance(thing, Handle) and thing._loop is self]
        return max([self.sim.now_ns, *ends]) - self.sim.now_ns

    def create_future(self) -> asyncio.Future[Any]:
        return Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Context | None = None, **options: Any) -> Any:
        factory: Any = self.get_task_factory()
        if factory is None and not options:
            # asyncio would number tasks through all loops of the interpreter: a name must not tell what ran before.
            return Task(coro, self, f"Task-{next(self._task_numbers)}" if name is None else name, context)
        if factory is None:
            return asyncio.Task(coro, loop=self, name=name, context=context, **options)
        if context is not None:
            options["context"] = context
        task = factory(self, coro, **options)
        if name is not None:
            task.set_name(name)
        return task

    def sleep_future(self, nanoseconds: int) -> Generator[Any, None, None]:
        """Our sleep for a task that the kernel does not step."""
        future = self.create_future()
        handle = self.call_later(nanoseconds / 1e9, _settle, future)
        try:
            yield from future
        finally:
            handle.cancel()

    if sys.version_info >= (3, 12):

        def get_debug(self) -> bool:
            """Every future and task asks this when it is made.

            An eager task takes its first steps inside those of another: from here on our sleep in the current step must
            not trust that it is the kernel which gets what it yields.
            """
            sim = self.sim
            if sim._current.__class__ is Task:
                sim._current = None
            return self._debug

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Remembered; no signals arrive in the tunnel."""
        self.signal_handlers[sig] = (callback, args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.signal_handlers.pop(sig, None) is not None

    # --- names -------------------------------------------------------------------------------------------------------
    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  (getaddrinfo calls it so)
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        return resolve(self.host, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        peer = self.host.network.host_at(str(sockaddr[0]), self.host)
        if peer is None or flags & socket.NI_NUMERICHOST:
            return str(sockaddr[0]), str(sockaddr[1])
        return peer.name, str(sockaddr[1])

    # --- sockets -----------------------------------------------------------------------------------------------------
    async def sock_connect(self, sock: Any, address: Any) -> None:
        own = self._unblocked(sock)
        try:
            own.connect(address)
        except BlockingIOError:
            assert own.end is not None
            await own.end.established

    async def sock_recv(self, sock: Any, nbytes: int) -> bytes:
        return cast(bytes, await self._patiently(sock, lambda own: own.recv(nbytes)))

    async def sock_recv_into(self, sock: Any, buf: Any) -> int:
        return cast(int, await self._patiently(sock, lambda own: own.recv_into(buf)))

    async def sock_recvfrom(self, sock: Any, bufsize: int) -> Any:
        return await self._patiently(sock, lambda own: own.recvfrom(bufsize))

    async def sock_recvfrom_into(self, sock: Any, buf: Any, nbytes: int = 0) -> Any:
        return await self._patiently(sock, lambda own: own.recvfrom_into(buf, nbytes))

    async def sock_sendall(self, sock: Any, data: Any) -> None:
        await self._patiently(sock, lambda own: own.send(data))

    async def sock_sendto(self, sock: Any, data: Any, address: Any) -> int:
        return self._unblocked(sock).sendto(data, address)

    async def sock_accept(self, sock: Any) -> Any:
        accepted, address = await self._patiently(sock, lambda own: own.accept())
        accepted.setblocking(False)
        return accepted, address

    def _unblocked(self, sock: Any) -> SimSocket:
        own = _own(sock)
        if self.get_debug() and own.gettimeout() != 0:
            raise ValueError("the socket must be non-blocking")
        return own

    async def _patiently(self, sock: Any, attempt: Callable[[SimSocket], T]) -> T:
        """Try again whenever something happened to the socket, until it would not block."""
        own = self._unblocked(sock)
        while True:
            try:
                return attempt(own)
            except BlockingIOError:
                news: Signal[None] = Signal(self.sim, repr(own))
                before = own.on_event

                def told(before: Any = before, news: Signal[None] = news) -> None:
                    news.set()
                    if before is not None:
                        before()

                own.on_event = told
                try:
                    await news
                finally:
                    if own.on_event is told:
                        own.on_event = before

    def _make_socket_transport(
        self, sock: Any, protocol: Any, waiter: Any = None, *, extra: Any = None, server: Any = None
    ) -> StreamTransport:
        return StreamTransport(self, _own(sock), protocol, waiter, extra, server)

    def _make_datagram_transport(
        self, sock: Any, protocol: Any, address: Address | None = None, waiter: Any = None, extra: Any = None
    ) -> DatagramTransport:
        return DatagramTransport(self, _own(sock), protocol, address, waiter, extra)

    def _start_serving(
        self, protocol_factory: Callable[[], Any], sock: Any, sslcontext: Any, server: Any, *_: Any
    ) -> None:
        """Accept connections as they come; `asyncio.Server` calls this."""
        if sslcontext is not None:
            refuse("TLS is not simulated; serve without it, the simulated network has no eavesdroppers.")
        own = _own(sock)

        def accept() -> None:
            while own.listener is not None and own.listener.queue:
                accepted, _ = own.accept()
                accepted.setblocking(False)
                StreamTransport(self, accepted, protocol_factory(), server=server)

        own.on_event = partial(self.call_soon, accept)

    def _stop_serving(self, sock: Any) -> None:
        _own(sock).close()

    async def create_connection(self, protocol_factory: Any, *args: Any, ssl: Any = None, **options: Any) -> Any:
        if ssl:
            refuse("TLS is not simulated; connect without it, the simulated network has no eavesdroppers.")
        return await super().create_connection(protocol_factory, *args, **options)


if not TYPE_CHECKING and native is not None:

    class HostLoop(native.HostLoopCore, HostLoop):
        __doc__ = HostLoop.__doc__
        # The compiled methods of these names do what is common, and come here for the rest.
        _call_soon, _call_later, _call_at, _time = (
            HostLoop.call_soon,
            HostLoop.call_later,
            HostLoop.call_at,
            HostLoop.time,
        )


def resolve(asker: Host, host: Any, port: Any, family: int, kind: int, proto: int, flags: int) -> list[Any]:
    """`getaddrinfo` on a simulated host: names of hosts, IPv4 addresses, localhost."""
    if isinstance(host, bytes):
        host = host.decode("idna")
    if family not in (socket.AF_UNSPEC, socket.AF_INET):
        raise socket.gaierror(socket.EAI_FAMILY, "ai_family not supported: only IPv4 in the tunnel")
    if host is None:
        ip: str | None = None if port is None else ANY if flags & socket.AI_PASSIVE else "127.0.0.1"
    else:
        ip = asker.network.lookup(str(host), asker)
    if ip is None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if isinstance(port, bytes):
        port = port.decode()
    try:
        number = SERVICES.get(port) or int(port or 0)
    except ValueError:
        raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype") from None
    if number < 0:
        raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype")
    kinds = [
        (each, number_of)
        for each, number_of in ((socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP))
        if kind in (0, each) and proto in (0, number_of)
    ]
    return [(socket.AF_INET, each, number_of, "", (ip, number & LAST_PORT)) for each, number_of in kinds]


def _own(sock: Any) -> SimSocket:
    if isinstance(sock, asyncio.trsock.TransportSocket):
        sock = sock._sock  # type: ignore[attr-defined]  # the socket inside
    if not isinstance(sock, SimSocket):
        refuse("Real sockets do not reach the tunnel; make the socket in code that runs on a host.")
    return sock


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
