"""How clients in the tunnel reach a modelled engine: a pool of connections, over the simulated network's TCP.

Messages are Python objects. What travels for each are bytes of the network, so whatever happens to those happens to
them: a cut holds them up until it is healed or TCP gives up, a lost segment is sent again, a host that loses its power
is silent, and one whose program died closes what it had.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from windtunnel.engines.errors import Unavailable
from windtunnel.sim.kernel import Signal, Simulator
from windtunnel.sim.link import exponential
from windtunnel.sim.network import CLIENTS
from windtunnel.sim.ports import ANY, Address
from windtunnel.sim.tcp import End

if TYPE_CHECKING:
    from windtunnel.sim.host import Host

T = TypeVar("T")
BACKLOG: Final = 128
MESSAGE: Final = bytes(200)
"""What a statement or an answer is on the network: about one small packet."""


class Wire:
    """One end of a connection that carries objects in their order.

    Attributes:
        end: the TCP connection, as this host sees it.
        over: nothing more will come or go.
    """

    __slots__ = ("_arrival", "_closed", "_gets", "_have_bytes", "_name", "_sends", "end")

    def __init__(self, end: End, sends: deque[Any], gets: deque[Any], name: str) -> None:
        self.end = end
        self._sends = sends
        self._gets = gets
        self._name = name
        self._have_bytes = 0
        self._arrival: Signal[None] | None = None
        self._closed = False
        end.on_event = self._tell

    @property
    def over(self) -> bool:
        return self._closed or self.end.dead or self.end.got_eof

    def send(self, message: Any) -> None:
        """Send a message; nobody is told whether it arrives."""
        if not self.end.dead:
            self._sends.append(message)
            self.end.write(MESSAGE)

    @types.coroutine
    def receive(self) -> Generator[Any, None, Any]:
        """Wait for the next message.

        Raises:
            ConnectionResetError: there will be none.
        """
        end = self.end
        while True:
            if end.unread:
                self._have_bytes += len(end.read(len(MESSAGE) - self._have_bytes))
                if self._have_bytes == len(MESSAGE):
                    self._have_bytes = 0
                    return self._gets.popleft()
            elif self.over:
                raise ConnectionResetError(f"The connection broke off: {self._name} will not come.")
            else:
                arrival: Signal[None] = Signal(end.sim, self._name)
                self._arrival = arrival
                yield from arrival.__await__()

    async def ask(self, service: object, work: Callable[[], Awaitable[T]], *before: object) -> T:
        """Send some work, behind what belongs to it, and wait for what it returns or raises at the service.

        Who stops waiting stops only itself.

        Raises:
            ConnectionResetError: the connection broke off: nobody can tell.
        """
        trace = self.end.sim.trace
        if trace is not None:
            work = trace.asked(service, work)
        self.send((*before, work))
        try:
            value, error = await self.receive()
        except BaseException:
            if trace is not None:
                trace.gave_up(work)
            self.close()  # an answer that comes later must not be taken for that of the next request
            raise
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]  # what `work` returned at the other end

    def close(self) -> None:
        """Send no more; the other side learns of it after what was sent before."""
        self._closed = True
        self.end.close()

    def _tell(self) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.set()


class Wires:
    """The connections to one modelled engine, on both sides.

    Each host that asks has a pool of its own, as each program has. A connection is made when it is first needed, and
    used again by whoever comes next.

    Args:
        host: where the engine runs.
        port: on which it listens.
        connections: of one pool; who finds them all in use waits in the order of coming.
        round_trip_s: mean seconds there and back, of links that nobody has set (half each way, exponential).
        serve: told of every new connection.

    Attributes:
        most_in_use: connections that clients had in their hands at one moment, all pools together.
    """

    def __init__(
        self, host: Host, port: int, connections: int, round_trip_s: float, serve: Callable[[Wire], object]
    ) -> None:
        self.host = host
        self.port = port
        self._connections = connections
        self._latency = exponential(round_trip_s / 2) if round_trip_s else 0.0
        self._serve = serve
        self._pools: dict[tuple[str, int], _Pool] = {}
        self._coming: dict[Address, tuple[deque[Any], deque[Any]]] = {}
        self._in_use = 0
        self.most_in_use = 0

    def listen(self) -> None:
        """Take connections, from now until the host crashes."""
        listener = self.host.ports.listen((ANY, self.port), BACKLOG)

        def accept() -> None:
            while listener.queue:
                end = listener.queue.popleft()
                gets, sends = self._coming.pop(end.remote)
                self._serve(Wire(end, sends, gets, f"a message to {self.host.name}"))

        listener.on_event = accept

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Wire]:
        """A connection for whoever asks, for as long as the block lasts.

        Raises:
            Unavailable: there was none to be had.
        """
        client = asker(self.host.sim)
        pool = self._pools.get((client.name, client.boots))
        if pool is None:
            pool = self._pools[client.name, client.boots] = _Pool(self._connections)
        wire = await pool.take(client.sim, self.host.name)
        self._in_use += 1
        self.most_in_use = max(self.most_in_use, self._in_use)
        try:
            if wire is None or wire.over:
                wire = None
                wire = await self._open(client)
            yield wire
        finally:
            self._in_use -= 1
            pool.give_back(None if wire is None or wire.over else wire)

    def reach(self, client: Host) -> None:
        """Make the links to a host what ours are like, where nobody has set them."""
        network = client.network
        for link in (network.link(client, self.host), network.link(self.host, client)):
            if client is not self.host and link.spec is network.default:
                link.spec = replace(link.spec, latency=self._latency)

    def close(self) -> None:
        """Close the connections that nobody uses; who comes next makes a new one."""
        for pool in self._pools.values():
            for place, wire in enumerate(pool.free):
                if wire is not None and not wire.over:
                    wire.close()
                pool.free[place] = None

    async def _open(self, client: Host) -> Wire:
        self.reach(client)
        name = self.host.name
        end = End.begin(client.ports, (self.host.address, self.port))
        there: deque[Any] = deque()
        back: deque[Any] = deque()
        self._coming[end.local] = (there, back)
        try:
            await end.established
        except OSError as error:
            raise Unavailable(f"No connection to {name}: {error.strerror}.") from error
        except BaseException:
            end.abort()
            raise
        return Wire(end, there, back, f"an answer from {name}")


class _Pool:
    """The places for connections of one client; None where a place has no connection yet."""

    def __init__(self, connections: int) -> None:
        self.free: list[Wire | None] = [None] * connections
        self._connections = connections
        self._queue: deque[Signal[Wire | None]] = deque()

    async def take(self, sim: Simulator, name: str) -> Wire | None:
        if self.free:
            return self.free.pop()
        turn: Signal[Wire | None] = sim.signal(f"a connection to {name} ({self._connections} are in use)")
        self._queue.append(turn)
        try:
            return await turn
        except BaseException:
            if turn.done():
                self.give_back(turn.result())
            else:
                self._queue.remove(turn)
            raise

    def give_back(self, wire: Wire | None) -> None:
        if self._queue:
            self._queue.popleft().set(wire)
        else:
            self.free.append(wire)


def asker(sim: Simulator) -> Host:
    """The host of the task or process that runs now; "clients" for those that are on none."""
    return sim.here or sim.host(CLIENTS)
