"""A modelled engine that answers one request after another on each connection; what models of ports have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from windtunnel.engines.shared.wire import Wire, Wires, asker
from windtunnel.sim.kernel import Process, Simulator

if TYPE_CHECKING:
    from windtunnel.sim.host import Host

T = TypeVar("T")


class OnHost:
    """What befalls the program that is all that runs on a host befalls the host."""

    host: Host

    def crash(self, *, process_only: bool = True) -> None:
        """Die; every connection is lost.

        Args:
            process_only: the program died and its host lives: clients see the end of their connections. Otherwise the
                power of the host fails, and they hear nothing.
        """
        self.host.crash(process_only=process_only)

    def restart(self) -> None:
        """Come back with what lasts."""
        self.host.restart()

    def pause(self, seconds: float | None = None) -> None:
        """Stand still for a while, or until `resume`; nothing is lost."""
        self.host.pause(seconds)

    def resume(self) -> None:
        """Go on."""
        self.host.resume()

    def slow_to(self, share: float) -> None:
        """Requests are worked on at this part of the speed; 1 is all of it."""
        self.host.slow_to(share)

    def skew_to(self, by_s: float, rate: float) -> None:
        """The clocks of the host are wrong; as `Host.skew_to`."""
        self.host.skew_to(by_s, rate)

    def lose_replies(self, yes: bool) -> None:
        """Requests are carried out, and the connection breaks in place of the answer; or no longer."""
        self.host.lose_replies(yes)


class ModelService(OnHost):
    """A program on a host of its own, which clients reach over the network.

    A client that gives up does not stop its request, and what it cannot know it does not learn: the answer is lost with
    the connection.

    Args:
        name: of the service, and of its host.
        port: on which it listens.
        connections: of each client host; who finds them all in use waits in the order of coming.
        cores: requests that are worked on at once.
        round_trip_s: mean seconds there and back (half each way, exponential), over links that nobody has set.
        request_s: seconds of a core for each request.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str,
        port: int,
        *,
        connections: int,
        cores: int,
        round_trip_s: float,
        request_s: float,
    ) -> None:
        self.sim = sim
        self.name = name
        self.host = sim.host(name, cores=cores)
        self.request_s = request_s
        self._wires = Wires(self.host, port, connections, round_trip_s, self._accept)
        self.host.start(self._start, light=True)

    # --- for those who build on it -------------------------------------------------------------------------------
    async def recover(self) -> None:
        """The first thing after each start, before clients may come."""

    async def ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """Let the program do something for the caller, there, and wait for its answer.

        Raises:
            Unavailable: there was no connection, so nothing was done.
            ConnectionResetError: the connection broke off: nobody can tell.
        """
        async with self._wires.connection() as wire:
            return await wire.ask(self, work)

    def reach(self) -> None:
        """Make the caller's links to us what they shall be, before the run begins."""
        self._wires.reach(asker(self.sim))

    async def close(self) -> None:
        self._wires.close()

    async def _start(self) -> None:
        await self.recover()
        self._wires.listen()

    def _accept(self, wire: Wire) -> None:
        served: list[Process[None]] = []
        served.append(self.host.spawn(self._serve(wire, served), f"{self.name}.connection", daemon=True))

    async def _serve(self, wire: Wire, me: list[Process[None]]) -> None:
        while True:
            try:
                (work,) = await wire.receive()
            except ConnectionResetError:
                break
            me[0].request = wire.end.request  # the luck is that of the request which asks
            value, error = None, None
            try:
                if self.request_s:
                    await self.host.cpu.work(self.request_s)
                value = await work()
            except Exception as raised:
                error = raised
            wire.send((value, error))
        wire.close()
