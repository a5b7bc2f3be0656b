"""Three servers, a controller and the clients' machine: who leads, what servers say to each other, and what each has.

What a server's program has of the world is its desk. All that the one that leads does to others is a place at which it
may be struck: it is handed a batch, it gives another one what that one lacks, it tells a producer or a member.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NamedTuple, Protocol

from windtunnel import Stage
from windtunnel.blocks.ground import DiskFiles, Files, Refused
from windtunnel.catalogue.interview.q13_kafka.episodes import Flush
from windtunnel.parts import Peer
from windtunnel.sim import Signal

SERVERS = (0, 1, 2)
PARTITIONS = 2
BEAT_S, SESSION_S = 0.03, 0.09
"""How often a server says that it lives, and after how long without a word it is taken for dead."""
ASK_S = 0.1
"""So long one server waits for another's answer; a leader that has nothing new waits half of it."""
Given = list[tuple[int, int, bytes]]
"""Partition, offset and value of each record that a member is handed."""


class Verdict(NamedTuple):
    """Who leads, since which epoch, and who is in sync, as the controller has it.

    Args:
        version: of all that; a proposal that was made under an earlier one is not taken (KIP-497).
    """

    epoch: int
    leader: int
    in_sync: tuple[int, ...]
    version: int


class Program(Protocol):
    """What runs on each of the three servers, from its start to its end.

    Attributes:
        acks: whom a producer waits for: -1 all in sync, 1 the leader, 0 nobody.
        idempotent: producers have a name and number their batches.
        alone: only server 0 ever leads.
    """

    acks: int
    idempotent: bool
    alone: bool

    def boot(self, desk: Desk) -> None:
        """It has started; what another life of it knew is on its disk."""

    async def run(self) -> None:
        """What it does besides, until its end."""

    def hear(self, verdict: Verdict) -> None:
        """What the controller says; again and again."""

    def proposed(self) -> frozenset[int] | None:
        """Of the one that leads: who should be in sync; None for no change."""

    async def append(self, partition: int, batch: bytes) -> None:
        """A producer sends a batch; when this returns, it is told that it is there. A Refused: certainly not."""

    async def poll(self, member: str, generation: int, handled: dict[int, int]) -> tuple[int, Given]:
        """A member has handled all below these offsets, by partition, and asks for more; a Refused: begin anew."""

    async def read(self, partition: int, offset: int) -> list[tuple[int, bytes]]:
        """Somebody else reads from this offset on: offsets and values; none at the end; Refused if unknown."""

    async def answer(self, asked: Any) -> Any:
        """Another server asks."""


class Desk:
    """What one life of a program has.

    Attributes:
        me: its number, 0 to 2.
        files: its own disk, which outlives it.
        flush: when it should sync.
        min_in_sync: below so many in sync, nothing is taken that all should have.
    """

    def __init__(self, seat: Seat, flush: Flush, min_in_sync: int) -> None:
        self._seat, self.me, self.flush, self.min_in_sync = seat, seat.me, flush, min_in_sync
        self.files: Files = DiskFiles("data")

    @property
    def now_ms(self) -> float:
        """Of a clock that does not go back."""
        return self._seat.sim.now * 1e3

    def signal(self) -> Signal[Any]:
        """Something that happens once: `set()` it, `await` it, or wait `within` so many seconds."""
        return self._seat.sim.signal()

    async def sleep(self, ms: float) -> None:
        """Wait."""
        await self._seat.sim.sleep(ms / 1e3)

    async def ask(self, server: int, asked: Any) -> Any:
        """Another server's answer. Raises ConnectionError where there is none in time, or it has refused."""
        return await self._seat.ask_another(server, asked)

    async def synced(self) -> None:
        """Wait for as long as an fsync takes, one after the other on one disk; what is to be synced comes after."""
        await self._seat.disk_turn()


class Hub(Protocol):
    """What servers need of who runs the episode."""

    number: int
    alone: bool
    unclean: bool
    min_in_sync: int
    cost: Counter[str]

    @property
    def now_s(self) -> float: ...
    def seat(self, server: int) -> Seat: ...
    def made(self, seat: Seat) -> tuple[Program, Desk] | None: ...
    async def place(self, seat: Seat, what: str) -> None: ...
    @property
    def controller(self) -> Controller: ...


class Seat(Peer):
    """One server: it starts its program, carries what others ask of it, and tells the controller that it lives."""

    def __init__(self, hub: Hub, stage: Stage, me: int) -> None:
        self.hub, self.me = hub, me
        self.program: Program | None = None
        self._disk_free_s = 0.0
        self._version = -1
        super().__init__(stage, f"broker {me}")

    def boot(self) -> None:
        """Begin, or begin again."""
        found = self.hub.made(self)
        self.program = None
        self._disk_free_s = 0.0
        if found is not None:
            self.program, desk = found
            self.program.boot(desk)
            self.background(self.program.run())
            self.background(self._live(self.hub.number))

    async def _live(self, number: int) -> None:
        assert self.program is not None
        while number == self.hub.number:
            wanted = self.program.proposed()
            found = await self._beat(number, wanted)
            if found is not None:
                self.program.hear(found)
            await self.sim.sleep(BEAT_S)

    async def _beat(self, number: int, wanted: frozenset[int] | None) -> Verdict | None:
        try:
            told = None if wanted is None else (self._version, tuple(sorted(wanted)))
            found: Verdict | None = await self.call(
                self.hub.controller, "beat", number, self.me, self.host.boots, told, within_s=BEAT_S
            )
            self._version = found.version if found is not None else -1
            return found
        except TimeoutError:
            return None

    async def disk_turn(self) -> None:
        """So long an fsync takes, after those that came before."""
        self._disk_free_s = max(self._disk_free_s, self.sim.now) + self.host.disk.fsync_s
        await self.sim.sleep(self._disk_free_s - self.sim.now)

    async def ask_another(self, server: int, asked: Any) -> Any:
        """See `Desk.ask`."""
        try:
            found = await self.call(self.hub.seat(server), "asked", self.hub.number, asked, within_s=ASK_S)
        except TimeoutError:
            raise ConnectionError(f"Server {server} does not answer.") from None
        return _plain(found)

    # What others ask: a pair of whether it went well, and the answer or why not.

    async def asked(self, number: int, asked: Any) -> Any:
        """Another server asks."""
        found = await self._done(number, lambda program: program.answer(asked))
        if found[0] and found[1]:
            size = sum(len(one.batches) for one in found[1][:PARTITIONS] if hasattr(one, "batches"))
            if size:
                await self.hub.place(self, "gives")
                self.hub.cost["copied"] += size
        return found

    async def append(self, number: int, partition: int, batch: bytes) -> Any:
        """A producer sends a batch."""
        await self.hub.place(self, "is handed")
        found = await self._done(number, lambda program: program.append(partition, batch))
        if found[0]:
            await self.hub.place(self, "tells")
        return found

    async def poll(self, number: int, member: str, generation: int, handled: dict[int, int]) -> Any:
        """A member asks for more."""
        found = await self._done(number, lambda program: program.poll(member, generation, handled))
        if found[0] and found[1][1]:
            await self.hub.place(self, "hands out")
        return found

    async def read(self, number: int, partition: int, offset: int) -> Any:
        """Somebody reads."""
        return await self._done(number, lambda program: program.read(partition, offset))

    async def _done(self, number: int, ask: Callable[[Program], Awaitable[Any]]) -> tuple[bool, Any]:
        program = self.program
        if program is None or number != self.hub.number:
            return False, "not there"
        try:
            return True, await ask(program)
        except (Refused, OSError) as error:
            return False, type(error).__name__


def _plain(found: tuple[bool, Any]) -> Any:
    if not found[0]:
        raise ConnectionError(f"It was refused: {found[1]}.")
    return found[1]


class Controller(Peer):
    """Says who leads and who is in sync; what it has said is on a disk that nothing befalls.

    Who was not heard for a session is dead. Of those in sync one leads; or of the eligible, who left the set when it
    fell below the minimum: since then nothing was told (KIP-966). Who has started anew may have lost what it had, so
    it is neither any more, unless it is the last. Nobody else leads, unless it is told that any may.
    """

    def __init__(self, hub: Hub, stage: Stage) -> None:
        self.hub = hub
        self.begin()
        super().__init__(stage, "controller")
        self.chosen: Signal[None] = self.sim.signal()
        """Set when somebody leads; then there is another one."""

    def begin(self) -> None:
        """An episode begins: all are in sync, nobody leads yet."""
        self.epoch, self.leader, self.in_sync, self.version = 0, -1, set(SERVERS), 0
        self.eligible: set[int] = set()
        self.patient_until_s = self.hub.now_s + 4 * SESSION_S
        """Until then nobody is chosen before all were heard once."""
        self.heard: dict[int, tuple[float, int]] = {}
        """By server: when it was heard last, and in which life."""

    def boot(self) -> None:
        """Go on."""
        self.background(self._watch())

    @property
    def verdict(self) -> Verdict:
        """As of now."""
        return Verdict(self.epoch, self.leader, tuple(sorted(self.in_sync)), self.version)

    def beat(self, number: int, server: int, life: int, wanted: tuple[int, Sequence[int]] | None) -> Verdict | None:
        """A server lives; the one that leads may propose who is in sync, as of the version that it knows."""
        if number != self.hub.number:
            return None
        _, before = self.heard.get(server, (0.0, life))
        self.heard[server] = self.sim.now, life
        if life != before:
            self.version += 1
            if (self.in_sync | self.eligible) - {server}:
                self.in_sync, self.eligible = self.in_sync - {server}, self.eligible - {server}
            self.leader = -1 if self.leader == server else self.leader
        elif server == self.leader and wanted is not None and wanted[0] == self.version:
            self.in_sync_is({one for one in wanted[1] if one in self.live()} | {server})
        self.elect()
        return self.verdict

    def in_sync_is(self, servers: set[int]) -> None:
        """These are in sync; who leaves them while they are too few stays eligible."""
        few = len(servers) < self.hub.min_in_sync
        self.eligible = (self.eligible | self.in_sync) - servers if few else set()
        self.in_sync = servers
        self.version += 1

    async def who(self, number: int) -> int:
        """Who leads, -1 for nobody; while nobody does, the answer waits a little for somebody."""
        if self.leader < 0:
            await self.chosen.within(ASK_S / 2)
        return self.leader if number == self.hub.number else -1

    def live(self) -> set[int]:
        """Who was heard lately."""
        return {server for server, (at_s, _) in self.heard.items() if self.sim.now - at_s <= SESSION_S}

    def elect(self) -> None:
        """See that somebody leads who may."""
        if len(self.heard) < (1 if self.hub.alone else len(SERVERS)) and self.sim.now < self.patient_until_s:
            return
        live = self.live()
        if self.leader not in live:
            self.leader = -1
        if self.in_sync & live and not self.in_sync <= live:
            self.in_sync_is(self.in_sync & live)
        if self.leader < 0:
            able = {0} & live if self.hub.alone else self.in_sync & live or self.eligible & live
            if not able and self.hub.unclean and not self.hub.alone:
                able = live
            if able:
                self.leader = min(able)
                self.epoch, self.version = self.epoch + 1, self.version + 1
                if self.leader not in self.in_sync:
                    self.in_sync_is({self.leader})
                told, self.chosen = self.chosen, self.sim.signal()
                told.set()

    async def _watch(self) -> None:
        while True:
            self.elect()
            await self.sim.sleep(BEAT_S)


Work = Coroutine[Any, Any, None]
