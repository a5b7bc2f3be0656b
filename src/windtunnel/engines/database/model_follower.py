"""How a standby of the tunnel follows its primary: commits are sent in order, written down there, and applied later.

What was written down lasts over a crash of the standby, and so does what was applied. Where a commit is answered only
then, the standby reports both to the primary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from windtunnel.engines.database.model_session import Key
from windtunnel.engines.database.port import Row
from windtunnel.engines.errors import Unavailable
from windtunnel.engines.shared.wire import Wire, Wires, asker
from windtunnel.sim.kernel import Signal, Simulator

if TYPE_CHECKING:
    from windtunnel.sim.host import Host

PORT = 5433
RECONNECT_S = 1.0
"""Until a primary looks again for a standby that it has lost."""
Commit = tuple[int, int, Mapping[Key, Row | None]]
"""Its number, when it was made (nanoseconds), and the rows as they are after it."""
Report = tuple[int, int]
"""How many commits a standby has written down, and how many it has applied."""


class Applies(Protocol):
    """What a follower changes."""

    host: Host
    name: str

    def apply(self, clock: int, writes: Mapping[Key, Row | None]) -> None:
        """One commit of the primary."""


class Follower:
    """Between a primary and its standby.

    Args:
        lag_s: seconds after a commit was made until it is applied.
        told: called at the primary when the standby has told what it has written down and applied; None: it does not.

    Attributes:
        ended: it follows nobody any more.
    """

    def __init__(
        self,
        sim: Simulator,
        standby: Applies,
        round_trip_s: float,
        lag_s: float,
        told: Callable[[], None] | None = None,
    ) -> None:
        self._sim = sim
        self._standby = standby
        self._told = told
        self.ended = False
        self._reported: Report = (0, 0)
        """The last that the primary was told."""
        self._here: Wire | None = None
        """The primary's end of the connection over which it was told so."""
        self._there: Wire | None = None
        """The standby's end of the connection, where it reports."""
        self._lag_ns = round(lag_s * 1e9)
        self._made: list[Commit] = []
        """Every commit of the primary; the one of number n stands at n - 1."""
        self._heard: list[Commit] = []
        """Those of them that the standby has written down."""
        self._applied = 0
        self._held = self._parted = False
        self._waiting: list[Signal[None]] = []
        self._wires = Wires(standby.host, PORT, 1, round_trip_s, self._accept)

    # --- on the primary ----------------------------------------------------------------------------------------------
    def tell(self, number: int, writes: Mapping[Key, Row | None]) -> None:
        """The primary has committed."""
        self._made.append((number, self._sim.now_ns, writes))
        self._wake()

    async def lead(self) -> None:
        """Send every commit, for as long as the primary lives."""
        while not self.ended:
            try:
                async with self._wires.connection() as wire:
                    self._note(await wire.receive())
                    self._here, sent = wire, self._reported[0]
                    asker(self._sim).spawn(self._watch(wire), f"{self._standby.name}.watch", daemon=True)
                    while not wire.over and not self.ended:
                        if sent < len(self._made) and not self._parted:
                            wire.send(self._made[sent])
                            sent += 1
                        else:
                            await self._news()
                    wire.close()
            except (Unavailable, ConnectionError):
                pass
            await self._sim.sleep(RECONNECT_S)

    async def _watch(self, wire: Wire) -> None:
        """Hear the standby's reports; let the primary look again where its connection is lost."""
        with suppress(ConnectionResetError):
            while True:
                self._note(await wire.receive())
        self._wake()

    def _note(self, report: Report) -> None:
        self._reported = report
        if self._told is not None:
            self._told()

    def acknowledges(self, number: int, applied: bool) -> bool:
        """Whether it has told that it has a commit, and is still there: who is away counts for nothing."""
        there = self._here is not None and not self._here.over and not self._parted
        return there and self._reported[applied] >= number

    # --- on the standby ----------------------------------------------------------------------------------------------
    def listen(self) -> None:
        """The first thing after each start of the standby."""
        self._wires.listen()
        self._standby.host.spawn(self._replay(), f"{self._standby.name}.replay", daemon=True)

    def _accept(self, wire: Wire) -> None:
        self._standby.host.spawn(self._hear(wire), f"{self._standby.name}.receive", daemon=True)

    async def _hear(self, wire: Wire) -> None:
        self._there = wire
        wire.send((len(self._heard), self._applied))
        while True:
            try:
                commit: Commit = await wire.receive()
            except ConnectionResetError:
                wire.close()
                return
            if commit[0] == len(self._heard) + 1:  # else it came over a connection that was lost meanwhile
                self._heard.append(commit)
                self._report()
                self._wake()

    async def _replay(self) -> None:
        while not self.ended:
            if self._held or self._applied == len(self._heard):
                await self._news()
                continue
            due_ns = self._heard[self._applied][1] + self._lag_ns
            if due_ns > self._sim.now_ns:
                await self._sim.sleep_ns(due_ns - self._sim.now_ns)
            elif not self.ended:
                self._apply_next()

    def _apply_next(self) -> None:
        number, _, writes = self._heard[self._applied]
        self._applied += 1
        self._standby.apply(number, writes)
        self._report()

    def _report(self) -> None:
        if self._told is not None and self._there is not None and not self._there.over and not self._parted:
            self._there.send((len(self._heard), self._applied))

    @property
    def heard(self) -> int:
        """How many commits the standby has written down."""
        return len(self._heard)

    # --- what is done to it --------------------------------------------------------------------------------------
    def hold(self, yes: bool) -> None:
        """Apply nothing; or go on."""
        self._held = yes
        self._wake()

    def part(self, yes: bool) -> None:
        """Hear nothing, and be heard by nobody; or hear again."""
        self._parted = yes
        self._report()
        self._wake()

    def apply_all(self) -> None:
        """Apply what has been heard, at once: what a promotion begins with."""
        while self._applied < len(self._heard):
            self._apply_next()

    def end(self) -> None:
        """Follow nobody any more."""
        self.ended = True
        self._wake()

    async def _news(self) -> None:
        woken: Signal[None] = self._sim.signal(f"a commit for {self._standby.name}")
        self._waiting.append(woken)
        await woken

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for woken in waiting:
            woken.set()
