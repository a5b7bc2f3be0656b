"""What tries a design: gateways and phones that run it, people who type, and what goes wrong while they do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.catalogue.interview.q04_whatsapp.crowd import Crowd
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Gateway, Machine, Tables, World
from windtunnel.catalogue.interview.q04_whatsapp.phones import AIR_S, App, Phone
from windtunnel.catalogue.interview.q04_whatsapp.talk import chats_of, devices_of
from windtunnel.engines import Row
from windtunnel.parts import programs

WAIT_S = 30.0
"""For so long a tick is waited for, and phones when all begins."""
QUIET_S = 4.0
"""When all is mended and no phone has shown anything for so long, beside the longest that a design waits, it is
over."""
LOOK_S = 0.25


class Design(Gateway, App, Protocol):
    """What is tried: made anew for each life of each gateway, and for each phone."""

    tables: Tables


def directory(chats: Sequence[Sequence[int]]) -> dict[str, tuple[dict[str, type], list[Row]]]:
    """What is in the database before anybody talks: columns and rows by table."""
    receipts: list[Row] = [
        {"id": f"{sender}/{chat}/{reader}/{what}", "sender": sender, "chat": chat, "reader": reader, "what": what}
        for chat, users in enumerate(chats)
        for sender in users
        for reader in users
        for what in ("delivered", "read")
        if reader != sender
    ]
    receipts = [{**row, "seq": 0} for row in receipts]
    columns = {"id": str, "sender": int, "chat": int, "reader": int, "what": str, "seq": int}
    last: list[Row] = [{"id": chat, "last": 0} for chat in range(len(chats))]
    return {"chat": ({"id": int, "last": int}, last), "receipt": (columns, receipts)}


class Rig:
    """Tries one design."""

    def __init__(self, design: Design, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p
        users, chats = devices_of(p), chats_of(p)
        self.talkers = len(users)
        idle = [p.users + number for number in range(int(p.idle))]
        self.world = World(stage, p, [*users, *idle], chats)
        self.world.act = self.act
        self.db = stage.database("db", connections=64)
        self.machines = [Machine(self.world, number, self.db, self.program) for number in range(int(p.gateways))]
        self.phones = [
            Phone(self.world, device, user, user not in self.world.users[:device], self.program)
            for device, user in enumerate(self.world.users)
        ]
        self.crowd = Crowd(stage, p)
        self.strike: tuple[str, int] = ("", 0)
        """What is to happen, and before which effect from now on."""
        self.struck: list[tuple[str, str]] = []
        self.fell = stage.signal()
        self.down: list[Machine | Phone] = []
        self.storm_s = -1.0

    def program(self) -> Design:
        """What runs somewhere when it starts: the design anew, without what it knew, at its class too."""
        return self.made(type(programs(self.made(type(self.design)), self.stage, self.p)[1]))

    def made(self, kind: type[Design]) -> Design:
        """It, just made."""
        return kind(self.stage, self.p)  # type: ignore[call-arg]  # a design takes these two

    async def start(self) -> None:
        for name, (columns, rows) in directory(self.world.chats).items():
            await self.db.create_table(name, columns, rows)
        for name, kept in self.design.tables.items():
            await self.db.create_table(name, kept)
        for machine in self.machines:
            machine.start()
        for phone in self.phones:
            if phone.host is not None:
                for machine in self.machines:
                    assert machine.host is not None
                    self.stage.network.connect(phone.host, machine.host, latency=AIR_S)
            phone.start()
            await asyncio.sleep(self.p.login_ms / 1000)  # they did not all come at once
        self.keeper = asyncio.create_task(self.keep())
        for _ in range(int(WAIT_S / LOOK_S)):
            if all(phone.ups for phone in self.phones):
                break
            await asyncio.sleep(LOOK_S)
        self.looked()
        self.world.done.clear()
        self.began_s = self.stage.clock()

    def looked(self) -> None:
        """Raise what a program has raised that no connection may raise."""
        if self.world.broken is not None:
            raise self.world.broken

    # --- what goes wrong -----------------------------------------------------------------------------------------
    def act(self, desk: Desk | None, what: str, phone: int | None) -> None:
        """A gateway is about to do this, for a phone or not; or a phone, for which no gateway dies."""
        how, place = self.strike
        if how == "vanish" and phone is not None and phone < self.talkers and not self.phones[phone].away:
            gone: Machine | Phone = self.phones[phone]
        elif how == "kill" and desk is not None:
            gone = desk.machine
        else:
            return
        self.strike = how, place - 1
        if place > 1:
            return
        self.strike = ("", 0)
        self.struck.append((how, what))
        if isinstance(gone, Machine):
            self.kill(gone)
        else:
            gone.vanish()
            self.fall(gone)

    def kill(self, machine: Machine) -> None:
        """Its process dies; or the power of the room fails in which all gateways and the database stand."""
        power = self.stage.name == "sim" and self.p.dies == "power"
        for one in self.machines if power else (machine,):
            one.crash(power=power)
            self.fall(one)
        if power:
            self.stage.sim.host("db").crash()

    def fall(self, gone: Machine | Phone) -> None:
        """Let it come back, after its time."""
        self.down.append(gone)
        fell, self.fell = self.fell, self.stage.signal()
        fell.set()

    async def keep(self) -> None:
        """Start again what is down, and let phones appear, each after its time."""
        pending: set[asyncio.Task[None]] = set()
        while True:
            await self.fell
            while self.down:
                task = asyncio.create_task(self.back(self.down.pop()))
                pending.add(task)
                task.add_done_callback(pending.discard)

    async def back(self, gone: Machine | Phone) -> None:
        """After its time."""
        await asyncio.sleep(self.p.down_s if isinstance(gone, Machine) else self.p.away_s)
        if isinstance(gone, Machine):
            if self.stage.name == "sim" and self.stage.sim.host("db").down:
                self.stage.sim.host("db").restart()
            gone.restart()
        else:
            gone.appear()

    # --- what is asked -------------------------------------------------------------------------------------------
    async def say(self, device: int, chat: int, text: str, how: str, place: int) -> float:
        """Somebody types a message; when it was ticked as sent. What goes wrong with it, and before which effect of
        gateways behind that, is told as well."""
        self.looked()
        if how:
            self.strike = (how, place)
        sent = self.phones[device].type(chat, text)
        async with asyncio.timeout(WAIT_S):
            await sent
        return self.stage.clock() - self.began_s

    async def storm(self) -> float:
        """Some phones of the first gateway vanish, and it dies, with all that it holds; after how many seconds the last
        of the others is back."""
        machine = self.machines[0]
        held = [phone for phone in self.phones if phone.gateway == machine.number]
        for phone in [phone for phone in held if not phone.away][::-1][: int(self.p.leave)]:
            held.remove(phone)
            phone.vanish()
            self.fall(phone)
        self.storm_s = began_s = self.stage.clock()
        machine.crash()
        self.fall(machine)
        for _ in range(int(WAIT_S / LOOK_S)):
            if all(phone.ups[-1:] > [began_s] for phone in held):
                break
            await asyncio.sleep(LOOK_S)
        back = [next((up for up in phone.ups if up >= began_s), began_s + WAIT_S) for phone in held]
        return max(back, default=began_s) - began_s

    async def masses(self, users: int) -> Mapping[str, Any] | None:
        """So many light phones, each with its forty messages a day; None where nothing is simulated."""
        return await self.crowd.spent(getattr(self.design, "way", "holds"), users)

    # --- the end -------------------------------------------------------------------------------------------------
    def complete(self) -> bool:
        """Whether nothing is left to be told."""
        if any(phone.outbox for phone in self.phones):
            return False
        typed = Counter(one for phone in self.phones for one in phone.said)
        for device, user in enumerate(self.world.users[: self.talkers]):
            shown = Counter((chat, text) for _, chat, text in self.phones[device].shown)
            if any(shown[one] < much for one, much in typed.items() if user in self.world.chats[one[0]]):
                return False
        return True

    async def report(self) -> Mapping[str, object]:
        """Wait until all is told that ever will be, and tell what phones have shown."""
        done = dict(self.world.done)
        spent_s = self.stage.clock() - self.began_s
        await asyncio.sleep(max(self.p.down_s, self.p.away_s))
        last, since_s = -1, self.stage.clock()
        quiet_s = QUIET_S + self.p.poll_s + self.p.hold_s + self.p.spread_s
        if self.p.dies == "power":  # a phone with nothing to say learns by its next ping that nobody is there
            quiet_s += 2 * self.p.ping_s
        while not self.complete() and self.stage.clock() < since_s + quiet_s:
            now = sum(len(phone.shown) for phone in self.phones)
            if now != last:
                last, since_s = now, self.stage.clock()
            await asyncio.sleep(LOOK_S)
        await asyncio.sleep(QUIET_S + self.p.spread_s)  # for receipts, and for what comes twice
        self.looked()
        now_s = self.stage.clock()
        self.keeper.cancel()
        for phone in self.phones:
            if phone.task is not None:
                phone.task.cancel()
        if self.stage.name != "sim":
            for machine in self.machines:
                machine.crash()
        return {
            "shown": [[(at - self.began_s, *rest) for at, *rest in phone.shown] for phone in self.phones],
            "ticks": [[(at - self.began_s, *rest) for at, *rest in phone.ticks] for phone in self.phones],
            "tries": [[at - self.storm_s for at in phone.tries if at >= self.storm_s >= 0] for phone in self.phones],
            "struck": self.struck,
            "leaked": self.world.leaked,
            "held": sum(phone.line is not None for phone in self.phones),
            "open": [phone.open for phone in self.phones],
            "owners": self.world.users,
            "seen": [[(at - self.began_s, *rest) for at, *rest in phone.seen] for phone in self.phones],
            "out": [[[min(at, now_s) - self.began_s for at in one] for one in phone.out] for phone in self.phones],
            "told": self.world.done["down"],
            "logins": sum(at >= self.began_s for phone in self.phones for at in phone.ups),
            "over_s": now_s - self.began_s,
            "done": done,
            "spent_s": spent_s,
        }
