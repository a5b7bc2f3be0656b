"""What tries a design: episodes one after the other, each on empty disks, and what clients were told in each.

Two producers send batches to both partitions by turns, and again until they are told, as far as their `acks` has it.
Two members of a group read while they do. When all is over and everybody is back, members go on until nothing new
comes, and somebody else reads each partition from its beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from windtunnel import Stage, process, slow
from windtunnel.blocks.broker import encode_batch
from windtunnel.catalogue.interview.q13_kafka.episodes import NEXT, Episode, Setting, Strike, name_of, values
from windtunnel.catalogue.interview.q13_kafka.machines import (
    BEAT_S,
    PARTITIONS,
    SERVERS,
    Controller,
    Desk,
    Program,
    Seat,
)
from windtunnel.parts import Peer
from windtunnel.sim import Disk, LinkSpec, uniform

WAY = LinkSpec(uniform(0.0004, 0.0006))
"""From any machine to any other."""
GAP_S = 0.004
"""Between two batches of a producer."""
PATIENCE_S, LONG_PATIENCE_S = 0.06, 1.0
"""So long a client waits for an answer; and so long one does that waits until a leader is back that leads no more."""
AGAIN_S = 0.01
"""Before somebody asks again."""
GIVES_UP_S = 3.0
"""A producer that was not told for so long gives up."""
REST_S, EACH_S = 0.02, 0.001
"""Of a member between two questions, and for each record."""
SLOW_S = 0.02
"""Longer on a way that is slow."""
FROZEN_S = 0.3
"""A member that stands still does so past its session."""
QUIET_S, LIMIT_S = 0.22, 5.0
"""For so long nothing new has come when all is over; and an episode lasts at most so long."""


class Made(Program, Protocol):
    """A design, which is made anew for each life of a server."""

    def __init__(self, stage: Stage, p: Any) -> None: ...


class Rig:
    """Tries one design."""

    def __init__(self, design: Made, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.sim = stage.sim
        self.number = 0
        """Of the episode; messages of an earlier one find nobody."""
        self.episode_now: Episode | None = None
        self.alone, self.unclean, self.min_in_sync = bool(design.alone), bool(p.unclean), p.min_in_sync
        self.cost: Counter[str] = Counter()
        self.controller = Controller(self, stage)
        self.seats = [Seat(self, stage, me) for me in SERVERS]
        self.clients = Peer(stage, "clients")
        stage.network.default = WAY
        self.counting = False
        self.until_s = self.last_s = 0.0
        """When the last trouble is over; when anything new came last."""

    @property
    def now_s(self) -> float:
        """Of the tunnel's clock."""
        return self.sim.now

    def seat(self, server: int) -> Seat:
        """One of the three."""
        return self.seats[server]

    def made(self, seat: Seat) -> tuple[Program, Desk] | None:
        """The program of a server that has just started, and its desk; None where it has none, or between episodes."""
        if self.episode_now is None or (self.alone and seat.me):
            return None
        return type(self.design)(self.stage, self.p), Desk(seat, self.episode_now.flush, self.min_in_sync)

    def new_disk(self, seat: Seat) -> None:
        """An empty one. What was not synced is lost with the power; some of it, torn, where troubles come by lot."""
        drawn = self.episode_now is not None and self.episode_now.kind == "drawn"
        seat.host.disk = Disk(self.sim, seat.host.name, after_power_loss="sectors" if drawn else "nothing")

    # --- what goes wrong ---------------------------------------------------------------------------------------------
    async def place(self, seat: Seat, what: str) -> None:
        """Somebody is about to do this; it may be the last that it does."""
        life = seat.me, seat.host.boots
        if not self.counting or seat.me != self.controller.leader or life in self.doomed:
            return
        self.reached += 1
        if not self.left or not 0 < self.left[0].place <= self.reached:
            return
        strike = self.left.pop(0)
        self.before.append(what)
        whom = self.struck(strike, seat)
        for one in whom:
            self.sim.call_after(0, self.hit, one, strike)
        self.until_s = max(self.until_s, self.sim.now + strike.for_ms / 1e3)
        if self.left and not self.left[0].place:
            wait_s = (strike.for_ms + self.left[0].after_ms) / 1e3
            self.until_s = max(self.until_s, self.sim.now + wait_s + self.left[0].for_ms / 1e3)
            self.sim.call_after(round(wait_s * 1e9), self.second, self.number)
        if seat in whom and strike.what not in ("stands", "cut", "slow"):
            self.doomed.add(life)
            await self.sim.signal()  # its last line
        await self.sim.sleep(0)

    def second(self, number: int) -> None:
        """The blow that comes after another one is over, to whom it is due then."""
        if number == self.number and self.controller.leader >= 0:
            strike = self.left.pop(0)
            self.before.append("is over")
            for one in self.struck(strike, self.seats[self.controller.leader]):
                self.hit(one, strike)

    def struck(self, strike: Strike, leader: Seat) -> list[Seat]:
        """Whom it strikes."""
        others = [one for one in self.seats if one is not leader]
        outsider = others[-1]
        return {
            "leader": [leader],
            "others": others,
            "heir": others[:1],
            "outsider": [outsider],
            "insiders": [one for one in self.seats if one is not outsider],
            "all": self.seats,
        }[strike.whom]

    def hit(self, seat: Seat, strike: Strike) -> None:
        """The blow, and when it is over."""
        after_s = strike.for_ms / 1e3
        if strike.what == "stands":
            seat.host.pause(after_s)
        elif strike.what == "cut":
            rest = [one.host for one in (*self.seats, self.controller) if one is not seat]
            cut = self.stage.network.partition(seat.host, rest)
            self.sim.call_after(round(after_s * 1e9), cut.heal)
        elif strike.what == "slow":
            others = [one.host.name for one in self.seats if one is not seat]
            self.sim.faults.add(slow(seat.host.name, others, by_s=SLOW_S, at_s=0.0, for_s=after_s), self.sim.now_ns)
        else:
            seat.host.crash(process_only=strike.what == "dies")
            if strike.what == "gone":
                self.new_disk(seat)
            self.sim.call_after(round(after_s * 1e9), self.back, seat)

    def back(self, seat: Seat) -> None:
        """It starts again."""
        if seat.host.down:
            seat.host.restart()

    # --- an episode --------------------------------------------------------------------------------------------------
    @process
    async def episode(
        self,
        number: int,
        kind: str,
        strikes: Sequence[Sequence[Any]],
        reads: int,
        batches: int,
        records: int,
        flush: str,
        producers: int,
    ) -> Mapping[str, Any] | None:
        """One, and what came of it; None where nobody comes to its place, which is known from one before."""
        e = Episode(number, kind, [Strike(*one) for one in strikes], reads, batches, records, flush, producers)  # type: ignore[arg-type]
        self.begin(e)
        began_s = self.sim.now
        while self.controller.leader < 0 and self.sim.now < began_s + LIMIT_S:
            await self.sim.sleep(0.01)
        await self.sim.sleep(2 * BEAT_S)
        syncs = sum(seat.host.disk.syncs for seat in self.seats)
        self.counting = True
        start_s = self.sim.now
        those = [self.clients.work(self.produce(e, i)) for i in range(producers)]
        if producers == 1:
            for i in range(PARTITIONS):
                self.clients.work(self.follow(e, i))
        if kind != "pour":
            for name in ("a", "b"):
                self.clients.work(self.member(e, name, reads if name == "a" else 0))
        for one in those:
            await one
        done_s = self.sim.now
        self.cost["syncs"] = sum(seat.host.disk.syncs for seat in self.seats) - syncs
        self.counting = False
        while self.sim.now < self.until_s:
            await self.sim.sleep(0.01)
        for seat in self.seats:
            self.back(seat)
        if kind in NEXT:  # what came before the last blow does not tell what came of that
            self.last_s = max(self.last_s, self.until_s)
        while self.sim.now < began_s + LIMIT_S and self.sim.now < self.quiet_s and kind != "pour":
            await self.sim.sleep(0.02)
        log = [await self.audit(e, i, began_s + 2 * LIMIT_S) for i in range(PARTITIONS)] if kind != "pour" else []
        found = {
            "hit": not self.left and self.reads_left <= 0,
            "before": self.before,
            "sent": self.sent,
            "handled": self.handled,
            "fenced": self.fenced,
            "log": [[(offset, name_of(value)) for offset, value in found] for found in log],
            "shown_ms": [1e3 * (at_s - self.began_s[name]) for name, at_s in self.shown_s.items()],
            "cost": dict(self.cost),
            "took_s": done_s - start_s,
        }
        self.end()
        return found

    @property
    def quiet_s(self) -> float:
        """Until then something may come."""
        return max(self.last_s + QUIET_S, self.until_s)

    def begin(self, e: Episode) -> None:
        """Empty disks, and everybody starts."""
        self.number, self.episode_now = e.number, e
        self.left, self.reached, self.before = list(e.strikes), 0, list[str]()
        self.reads_left = e.reads
        self.doomed: set[tuple[int, int]] = set()
        """Servers, each in one life, that have been struck and do nothing any more."""
        self.until_s = self.last_s = self.sim.now
        self.sent: list[tuple[int, list[str], bool, float, int]] = []
        self.handled: list[tuple[str, int, int, int, str, float]] = []
        self.began_s: dict[str, float] = {}
        self.shown_s: dict[str, float] = {}
        """When the first record of a batch was sent, and when one saw it who follows."""
        self.fenced = 0
        self.cost = Counter()
        self.controller.begin()
        for seat in self.seats:
            seat.host.crash()
            self.new_disk(seat)
            seat.host.restart()

    def end(self) -> None:
        """Nobody goes on."""
        self.number, self.episode_now = -self.number, None

    # --- clients -----------------------------------------------------------------------------------------------------
    async def leader(self, e: Episode) -> Seat | None:
        """Who leads, as the controller says."""
        try:
            found = await self.clients.call(self.controller, "who", e.number, within_s=PATIENCE_S)
        except TimeoutError:
            return None
        return self.seats[found] if found >= 0 else None

    async def ask(self, seat: Seat, what: str, *args: Any, within_s: float = PATIENCE_S) -> tuple[bool, Any]:
        """Whether it went well, and the answer."""
        try:
            found: tuple[bool, Any] = await self.clients.call(seat, what, self.number, *args, within_s=within_s)
        except TimeoutError:
            return False, "silence"
        return found

    async def produce(self, e: Episode, producer: int) -> None:
        """One producer, from its first batch to its last; partitions have turns, of one batch or of two."""
        design, leader, numbers = self.design, await self.leader(e), [0] * PARTITIONS
        asked_s = self.sim.now
        for i, batch in enumerate(values(e, producer)):
            partition = i // (1 + producer) % PARTITIONS  # now and then both have the same
            data = encode_batch(
                [(None, value) for value in batch],
                0,
                producer_id=producer + 1 if design.idempotent else -1,
                producer_epoch=0,
                base_sequence=numbers[partition] if design.idempotent else -1,
            )
            numbers[partition] += len(batch)
            self.cost["bytes"] += len(data)
            self.cost["batches"] += 1
            began_s, told, tries = self.sim.now, False, 0
            self.began_s[name_of(batch[0])] = began_s
            if design.acks == 0:  # it sends, and that is all; now and then it asks who leads
                if leader is None or self.sim.now > asked_s + PATIENCE_S:
                    leader, asked_s = await self.leader(e) or leader, self.sim.now
                if leader is not None:
                    self.clients.ask(leader, "append", e.number, partition, data)
                told, tries = True, 1
            while not told and self.sim.now < began_s + GIVES_UP_S:
                tries += 1
                if leader is not None:
                    patience_s = LONG_PATIENCE_S if e.kind == "returns" and not producer else PATIENCE_S
                    told, _ = await self.ask(leader, "append", partition, data, within_s=patience_s)
                if not told:
                    await self.sim.sleep(AGAIN_S)
                    leader = await self.leader(e)
            self.sent.append((partition, [*map(name_of, batch)], told, self.sim.now - began_s, tries))
            self.last_s = self.sim.now
            if e.kind != "pour":
                await self.sim.sleep(GAP_S)

    async def member(self, e: Episode, name: str, reads: int) -> None:
        """One member: it asks for records, handles them, and says so with its next question."""
        generation, done, leader = -1, dict[int, int](), await self.leader(e)
        while self.number == e.number:
            told: tuple[bool, Any] = (False, "")
            if leader is not None:
                told = await self.ask(leader, "poll", name, generation, done)
            if not told[0]:
                self.fenced += told[1] == "Fenced"
                generation, done = -1, {}
                await self.sim.sleep(AGAIN_S)
                leader = await self.leader(e)
                continue
            generation, given = told[1]
            done = {}
            for partition, offset, value in given:
                await self.sim.sleep(EACH_S)
                if reads:
                    reads -= 1
                    self.reads_left = reads
                    if not reads and e.kind != "reader_stands":
                        self.before.append("handles")
                        self.clients.work(self.member(e, name + "'", 0))  # another one takes its place
                        return
                    if not reads:
                        self.before.append("handles")
                        self.until_s = max(self.until_s, self.sim.now + FROZEN_S)
                        await self.sim.sleep(FROZEN_S)
                if self.number != e.number:
                    return
                self.handled.append((name, generation, partition, offset, name_of(value), self.sim.now))
                self.last_s = self.sim.now
                done[partition] = offset + 1
            await self.sim.sleep(REST_S)

    async def follow(self, e: Episode, partition: int) -> None:
        """One who reads a partition while it grows, and asks again at once."""
        leader, offset = await self.leader(e), 0
        while self.number == e.number:
            well, told = (False, ()) if leader is None else await self.ask(leader, "read", partition, offset)
            if not well:
                await self.sim.sleep(AGAIN_S)
                leader = await self.leader(e)
                continue
            offset += len(told)
            self.shown_s |= {name: self.sim.now for _, value in told if (name := name_of(value)) in self.began_s}

    async def audit(self, e: Episode, partition: int, until_s: float) -> list[tuple[int, bytes]]:
        """All that somebody else reads of a partition."""
        found: list[tuple[int, bytes]] = []
        while self.sim.now < until_s:
            leader = await self.leader(e)
            if leader is not None:
                well, told = await self.ask(leader, "read", partition, found[-1][0] + 1 if found else 0)
                if well and not told:
                    return found
                if well:
                    found += told
                    continue
            await self.sim.sleep(AGAIN_S)
        return found
