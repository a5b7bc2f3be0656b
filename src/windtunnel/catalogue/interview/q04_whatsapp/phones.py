"""Phones: what a design's program has there, what people type and see, and how a phone vanishes.

A phone keeps what it is told to keep, also when its program starts again. When it vanishes under the radio, what is on
its way to it is lost, its connections are dead when it is back, and no gateway is told; half of the programs have been
ended by then.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from windtunnel.catalogue.interview.q04_whatsapp.machines import World
from windtunnel.catalogue.interview.q04_whatsapp.talk import TEXT, named
from windtunnel.catalogue.interview.q04_whatsapp.wire import QUIET, Frame, Line, counted, heard, request

if TYPE_CHECKING:
    from windtunnel.sim import Host

AIR_S = 0.04
"""One way between a phone and a gateway."""
NEVER = float("inf")
PATIENCE_S = 2.0
"""For so long a phone waits for a connection, or for an answer that nobody holds back."""


class App(Protocol):
    """What a design is on a phone."""

    async def phone(self, me: Phone) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody has typed.

    Attributes:
        number: counts what was typed on this phone.
    """

    number: int
    chat: int
    text: str


class Phone:
    """A device of a user.

    Attributes:
        device, user: its number, and whose it is.
        kept: what lasts.
        open: whose chats are on the screen, and whether they are online.
        luck: its own stream.
    """

    def __init__(self, world: World, device: int, user: int, first: bool, program: Callable[[], App]) -> None:
        self.world, self.device, self.user, self.first, self.program = world, device, user, first, program
        self.name = f"phone-{device}"
        self.kept: dict[Any, Any] = {}
        self.luck, self.rest = world.stage.random(self.name), world.stage.random(f"{self.name} rests")
        self.outbox: list[Message] = []
        """What was typed, and is not known to be sent."""
        self.said: list[tuple[int, str]] = []
        """Chat and text of what was typed."""
        self.sent: dict[int, Any] = {}
        """By number, what happens when it is ticked as sent."""
        self.shown: list[tuple[float, int, str]] = []
        self.ticks: list[tuple[float, str, str]] = []
        self.open = [(user + 1) % (max(world.users) + 1)] if world.p.watch else []
        self.seen: list[tuple[float, int, bool]] = []
        """When which of these was said to be online, or to be no longer."""
        self.out: list[list[float]] = []
        """From when to when it was without radio."""
        self.news = world.stage.signal()
        self.away = False
        self.air = world.stage.signal()
        self.line: Line | None = None
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.open_ends: dict[Any, int] = {}
        """Its connections, and the gateway of each."""
        self.gateway = device % int(world.p.gateways)
        self.tries: list[float] = []
        self.ups: list[float] = []
        """When it tried to get to a gateway, and when it got there."""
        self.heal: Callable[[], None] | None = None
        """Ends what cuts it off, in the tunnel."""
        self.host: Host | None = None
        self.task: asyncio.Task[None] | None = None
        if world.stage.name == "sim":
            self.host = world.stage.host(self.name)
        self.own: frozenset[str] = frozenset()
        self.own = frozenset(vars(self))

    def start(self) -> None:
        """Let its program run."""
        if self.host is not None:
            self.host.start(self.main)
        else:
            self.task = asyncio.get_running_loop().create_task(self.main())

    async def main(self) -> None:
        """The life of its program: what the one before has hung up here, and not kept, is gone."""
        for name in vars(self).keys() - self.own:
            delattr(self, name)
        self.line, self.idle = None, []
        self.open_ends.clear()
        try:
            await self.program().phone(self)
        except Exception as error:
            self.world.forgive(error)

    # --- people --------------------------------------------------------------------------------------------------
    def type(self, chat: int, text: str) -> Any:
        """Somebody types a message; what happens when it is ticked as sent."""
        self.said.append((chat, text))
        self.world.said[text].add(chat)
        number = len(self.said)
        self.outbox.append(Message(number, chat, text))
        self.sent[number] = sent = self.world.stage.signal()
        news, self.news = self.news, self.world.stage.signal()
        news.set()
        return sent

    async def typed(self, beyond: int) -> list[Message]:
        """What was typed behind this number and is not ticked yet, as soon as there is any."""
        while not (found := [message for message in self.outbox if message.number > beyond]):
            await self.news
        return found

    def tick(self, number: int, what: str = "sent") -> None:
        """Show a tick beside a message that was typed here: "sent", "delivered" or "read"."""
        if what == "sent":
            self.outbox = [message for message in self.outbox if message.number != number]
            if not self.sent[number].done():
                self.sent[number].set()
        self.ticks.append((self.world.stage.clock(), named(self.said[:number])[-1], what))

    def others(self, chat: int) -> list[int]:
        """The other users in a chat."""
        return [user for user in self.world.chats[chat] if user != self.user]

    def show(self, chat: int, text: str) -> bool:
        """Show a message at the end of its chat; whether its owner looks, which he does at his first device alone."""
        self.shown.append((self.world.stage.clock(), chat, text))
        return self.first

    def see(self, user: int, online: bool) -> None:
        """Show that somebody is online, or is not."""
        self.seen.append((self.world.stage.clock(), user, online))

    # --- radio ---------------------------------------------------------------------------------------------------
    def vanish(self) -> None:
        """The radio is gone. What a phone has lost on the way it does not know; its connections will be dead."""
        if not self.away:
            self.out.append([self.world.stage.clock(), NEVER])
        self.away = True
        self.air = self.world.stage.signal()
        if self.host is not None:
            self.heal = self.world.stage.network.partition(self.name).heal
            self.hang_up()
        else:
            for end in self.open_ends:
                end.pause_reading()

    def appear(self) -> None:
        """And back: half of them were put away meanwhile, and their program starts again."""
        if self.heal is not None:
            self.heal()
        elif self.host is None:
            self.hang_up()
        self.away = False
        self.out[-1][1] = self.world.stage.clock()
        if self.rest.random() < 0.5:
            self.again()
        self.air.set()

    def again(self) -> None:
        """Its program starts again, and knows what is kept."""
        if self.line is not None:
            self.line.end()
        if self.host is not None:
            self.host.crash(process_only=True)
            self.host.restart()
        elif self.task is not None:
            self.task.cancel()
            self.start()

    def hang_up(self) -> None:
        """All its connections are dead."""
        for end in [*self.open_ends]:
            end.abort()
        self.open_ends.clear()
        self.idle.clear()

    # --- gateways ------------------------------------------------------------------------------------------------
    async def reach(self) -> tuple[str, int, int]:
        """Where a gateway is: the same as before, unless that one was not there. Raises ConnectionError."""
        if self.away:
            await self.air
        if self.gateway not in self.world.where:
            raise ConnectionRefusedError("Nobody is there.")
        return self.world.where[self.gateway]

    def other(self) -> None:
        """Try the next gateway from now on."""
        self.gateway = (self.gateway + 1) % int(self.world.p.gateways)

    def balanced(self) -> None:
        """Try any gateway from now on, as who balances load would have it: else all stay where none has died last."""
        self.gateway = self.rest.randrange(int(self.world.p.gateways))

    async def connect(self) -> Line:
        """A WebSocket to the first gateway that does not refuse, as soon as there is a radio; the one before is over.

        Raises OSError: nobody is there, or nobody has answered in time.
        """
        from websockets.asyncio.client import ClientConnection, connect
        from websockets.exceptions import WebSocketException

        if self.line is not None:
            self.line.end()
            self.line = None
            self.balanced()
        for left in reversed(range(int(self.world.p.gateways))):
            try:
                name, port, _ = await self.reach()
                self.tries.append(self.world.stage.clock())
                socket = await connect(
                    f"ws://{name}:{port}/phone/{self.device}",
                    create_connection=counted(ClientConnection, lambda size: self.world.count("bytes", size)),
                    compression=None,
                    user_agent_header=None,
                    proxy=None,
                    open_timeout=PATIENCE_S,
                    ping_interval=float(self.world.p.ping_s),
                    ping_timeout=float(self.world.p.ping_s),
                    logger=QUIET,
                )
                break
            except (OSError, WebSocketException, EOFError) as error:
                self.other()
                if not left or isinstance(error, TimeoutError):
                    raise ConnectionRefusedError(str(error)) from error
        self.ups.append(self.world.stage.clock())
        self.line = Line(socket, self.device, self._before, self.came)
        self.open_ends[socket.transport] = self.gateway
        if self.away:
            self.vanish()
        return self.line

    async def _before(self, line: Line, frame: Frame) -> None:
        self._leaves()

    def _leaves(self) -> None:
        """Something leaves the phone, or would. Raises ConnectionError where the radio is gone."""
        self.world.act(None, "word", self.device)
        if self.away:
            raise ConnectionResetError("There is no radio.")
        self.world.count("up")

    def came(self, frame: str) -> None:
        """Count the messages in it, and those that are for nobody here, whether they are shown or not."""
        for text in TEXT.findall(frame):
            self.world.count("came")
            self.world.leaked += not any(self.user in self.world.chats[chat] for chat in self.world.said[text])

    async def ask(self, frame: Frame, held_s: float = 0.0) -> Frame:
        """A request, and its answer. Raises OSError: it may have been heard.

        Args:
            held_s: for so long a gateway may hold the answer back.
        """
        ends, known = None, bool(self.idle)
        try:
            await self.reach()
            async with asyncio.timeout(PATIENCE_S + held_s):
                ends = self.idle.pop() if self.idle else await self._opened()
                self.open_ends[ends[1].transport] = self.gateway
                self._leaves()
                self.world.count("asks")
                ends[1].write(request(self.device, frame))
                _, answer, size = await heard(ends[0])
        except OSError:
            if known:
                self.balanced()
            else:
                self.other()
            for _, writer in [*([ends] if ends is not None else []), *self.idle]:
                self.open_ends.pop(writer.transport, None)
                writer.transport.abort()
            self.idle.clear()
            raise
        self.world.count("bytes", size)
        self.world.count("down")
        self.came(json.dumps(answer))
        self.ups.append(self.world.stage.clock())
        self.idle.append(ends)
        return answer

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first gateway that does not refuse."""
        for _ in range(int(self.world.p.gateways) - 1):
            name, _, port = await self.reach()
            self.tries.append(self.world.stage.clock())
            try:
                return await asyncio.open_connection(name, port)
            except ConnectionRefusedError:
                self.other()
        name, _, port = await self.reach()
        self.tries.append(self.world.stage.clock())
        return await asyncio.open_connection(name, port)
