"""Gateways: what a design's program has there, and how it dies.

In the tunnel each is a host of its own, elsewhere all that runs for it in this process. What it does to the world is a
commit, a frame, an answer, a word to another gateway: between two of them it changes nothing but its memory, which dies
with it, so dying before each of them is dying anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.catalogue.interview.q04_whatsapp.wire import QUIET, Frame, Line, counted, heard, packed, response
from windtunnel.engines import DatabasePort, Statements
from windtunnel.parts import WatchedStatements

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.asyncio.server import Server, ServerConnection

    from windtunnel.sim import Host

T = TypeVar("T")
Tables = Mapping[str, Mapping[str, type]]
"""What a design keeps in the database, beside the directory: columns by table."""
WEB, HTTP = 80, 81
RELINK_S = 0.25
"""After so long a gateway calls another one again that does not answer."""
FRAME_S = 0.0001
"""Seconds of a gateway's core for a frame, or a request; one that comes while phones log in waits for them."""


class Gateway(Protocol):
    """What a design is at a gateway."""

    async def gateway(self, here: Desk) -> None: ...


class Core:
    """A core of a gateway, first come first served (Lindley): who has given up is worked for all the same."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.free_at_s = clock, 0.0
        self.work_s = 0.0

    async def work(self, seconds: float) -> None:
        """Until it has been done."""
        now_s = self.clock()
        self.free_at_s = max(now_s, self.free_at_s) + seconds
        self.work_s += seconds
        await asyncio.sleep(self.free_at_s - now_s)

    @property
    def behind(self) -> bool:
        """Whether somebody waits for it."""
        return self.free_at_s > self.clock()


class World:
    """What all share: who is in which chat, where gateways are, what was counted; and what goes wrong.

    Attributes:
        users: the user of each device.
        chats: the users of each chat.
        where: hosts and ports of gateways.
        ports: those that each has to take on this machine, where it may not take any.
        said: the chats in which each text was typed.
        leaked: messages that came to a phone that is in no such chat.
    """

    def __init__(self, stage: Stage, p: Any, users: Sequence[int], chats: Sequence[Sequence[int]]) -> None:
        self.stage, self.p, self.users, self.chats = stage, p, users, chats
        self.where: dict[int, tuple[str, int, int]] = {}
        self.ports: dict[int, tuple[int, int]] = {}
        self.done: Counter[str] = Counter()
        self.said: defaultdict[str, set[int]] = defaultdict(set)
        self.leaked = 0
        self.broken: BaseException | None = None
        self.act: Callable[[Desk | None, str, int | None], None] = lambda desk, what, to: None

    def devices(self, chat: int) -> list[int]:
        """Those on which a chat is shown."""
        return [device for device, user in enumerate(self.users) if user in self.chats[chat]]

    def count(self, what: str, much: int = 1) -> None:
        """Count it."""
        self.done[what] += much

    def forgive(self, error: BaseException) -> None:
        """What ends a connection; what else a program raises is its own fault, and told."""
        if not isinstance(error, OSError) and not getattr(error, "outcome", ""):
            self.broken = self.broken or error


class Machine:
    """A gateway: started, killed, started again."""

    def __init__(self, world: World, number: int, db: DatabasePort, program: Callable[[], Gateway]) -> None:
        self.world, self.number, self.db, self.program = world, number, db, program
        self.name = f"gateway-{number}"
        self.desk: Desk | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.host: Host | None = None
        self.core = Core(world.stage.clock)
        if world.stage.name == "sim":
            self.host = world.stage.host(self.name)

    def start(self) -> None:
        """Let it run, from now on."""
        if self.host is not None:
            self.host.start(self.main)
        else:
            self.spawn(self.main())

    def spawn(self, work: Any) -> None:
        """A task that dies with it."""
        self.keep(asyncio.get_running_loop().create_task(work))

    def keep(self, task: asyncio.Task[Any] | None) -> None:
        """Let it die with the gateway."""
        if task is not None:
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def main(self) -> None:
        """Its life."""
        if self.desk is not None:
            self.desk.dead = True
        self.core = Core(self.world.stage.clock)
        self.desk = Desk(self)
        try:
            await self.program().gateway(self.desk)
        except Exception as error:
            self.world.forgive(error)

    def crash(self, *, power: bool = False) -> None:
        """`kill -9`: the system closes its connections, and nothing of it goes on. Without power it closes none."""
        if self.desk is None:
            return
        self.desk.dead = True
        if self.host is not None:
            self.host.crash(process_only=not power)
            return
        self.world.where.pop(self.number, None)
        self.desk.close()
        for task in [*self.tasks]:
            task.cancel()

    def restart(self) -> None:
        """It runs again, and knows nothing."""
        if self.host is None:
            self.spawn(self.main())
        elif self.host.down:
            self.host.restart()


class Desk:
    """What a gateway's program can do, from one start to the next death.

    Attributes:
        db: the database that all gateways share.
        users, chats: who owns each device, and who is in each chat.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine, self.world = machine, machine.world
        self.users, self.chats = self.world.users, self.world.chats
        self.devices = self.world.devices
        self.dead = False
        self.db = Database(self, machine.db)
        self.links: dict[int, ClientConnection] = {}
        self.servers: list[Server | asyncio.Server] = []
        self.open_ends: set[Any] = set()

    async def here(self, what: str, to: int | None = None) -> None:
        """A place: this is about to be done, for this device. Who dies here does not come back."""
        never = asyncio.get_running_loop().create_future()
        if not self.dead:
            self.world.act(self, what, to)
        if self.dead:
            await never

    async def open(
        self,
        talk: Callable[[Line], Awaitable[None]] | None = None,
        ask: Callable[[int, Frame], Awaitable[Frame]] | None = None,
        heard: Callable[[Frame | None], None] | None = None,
    ) -> None:
        """Serve until death.

        Args:
            talk: called with each WebSocket of a phone; it ends with it.
            ask: called with each request of a phone, and whose it is.
            heard: called with what other gateways `tell`; with None where something may have been missed.
        """
        from websockets.asyncio.server import ServerConnection, serve

        self.talk, self.ask, self.heard = talk, ask, heard
        real = self.machine.host is None
        name = "127.0.0.1" if real else "0.0.0.0"
        ports = self.world.ports.get(self.machine.number, (0, 0)) if real else (WEB, HTTP)
        ping_s = float(self.world.p.ping_s)
        web = await serve(
            self._web,
            name,
            ports[0],
            process_request=self._login,
            create_connection=counted(ServerConnection, lambda size: self.world.count("bytes", size)),
            compression=None,
            server_header=None,
            ping_interval=ping_s,
            ping_timeout=ping_s,
            logger=QUIET,
        )
        http = await asyncio.start_server(self._http, name, ports[1])
        self.servers = [web, http]
        taken = [next(iter(server.sockets)).getsockname()[1] for server in (web, http)]
        self.world.where[self.machine.number] = (name if real else self.machine.name, taken[0], taken[1])
        for other in range(int(self.world.p.gateways)):
            if other != self.machine.number and heard is not None:
                self.machine.spawn(self._link(other))
        await asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """What the system does for a process that has died, where it is none."""
        for server in self.servers:
            server.close()
        for end in [*self.open_ends]:
            end.abort()

    # --- phones --------------------------------------------------------------------------------------------------
    async def _login(self, *_: Any) -> None:
        """What a connection costs before it is one, whoever waits for it."""
        if self.world.p.login_ms and self.machine.host is not None:
            await self.machine.core.work(self.world.p.login_ms / 1000)

    async def _web(self, socket: ServerConnection) -> None:
        self.machine.keep(asyncio.current_task())
        self.open_ends.add(socket.transport)
        assert socket.request is not None
        kind, _, number = socket.request.path[1:].partition("/")
        if kind == "gateway":
            await self._linked(socket)
            return
        line = Line(socket, int(number), self._before)
        try:
            if self.talk is not None:
                await self.talk(line)
        except Exception as error:
            self.world.forgive(error)
        finally:
            self.open_ends.discard(socket.transport)
            line.end()

    async def _before(self, line: Line, frame: Frame) -> None:
        await self.here("frame", line.device)
        self.world.count("down")

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.machine.keep(asyncio.current_task())
        self.open_ends.add(writer.transport)
        try:
            await self._login()
            while True:
                head, frame, size = await heard(reader)
                self.world.count("bytes", size)
                device = int(head["Authorization"].removeprefix("Bearer "))
                await self.turn()
                assert self.ask is not None
                answer = response(await self.ask(device, frame))
                await self.here("answer", device)
                writer.write(answer)
                await writer.drain()
        except asyncio.CancelledError:
            if not self.dead:
                raise
        except Exception as error:
            self.world.forgive(error)
        finally:
            self.open_ends.discard(writer.transport)
            writer.transport.abort()

    async def turn(self) -> None:
        """Wait for the core, where phones are logging in."""
        if self.machine.core.behind:
            await self.machine.core.work(FRAME_S)

    # --- other gateways ------------------------------------------------------------------------------------------
    async def tell(self, frame: Frame) -> None:
        """Tell the other gateways, as far as they can be reached."""
        for link in [*self.links.values()]:
            await self.here("tell")
            with contextlib.suppress(Exception):  # it has gone; who comes back hears that it has missed something
                await link.send(packed(frame).decode())

    async def _link(self, other: int) -> None:
        from websockets.asyncio.client import connect

        while True:
            with contextlib.suppress(Exception):  # whatever ends it, it is made again
                name, port, _ = self.world.where[other]
                async with connect(
                    f"ws://{name}:{port}/gateway/{self.machine.number}",
                    compression=None,
                    user_agent_header=None,
                    proxy=None,
                    open_timeout=1.0,
                    ping_interval=float(self.world.p.ping_s),
                    ping_timeout=float(self.world.p.ping_s),
                    logger=QUIET,
                ) as link:
                    self.links[other] = link
                    self.open_ends.add(link.transport)
                    await link.wait_closed()
            self.links.pop(other, None)
            await asyncio.sleep(RELINK_S)

    async def _linked(self, socket: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        assert self.heard is not None
        self.heard(None)
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                self.heard(json.loads(text))
        self.heard(None)


class Said(WatchedStatements):
    """Statements on their way to the database or to one of its transactions."""

    def __init__(self, desk: Desk, to: Statements, alone: bool) -> None:
        super().__init__(to)
        self._desk, self._alone = desk, alone
        self.wrote = False

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        self._desk.world.count("reads")
        return await do()

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        if self._alone:
            await self._desk.here("commit")
            self._desk.world.count("commits")
        self.wrote = True
        if what.startswith("insert"):
            self._desk.world.count("rows")
        return await do()


class Database(Said):
    """The database, as a gateway sees it: each commit is a place."""

    def __init__(self, desk: Desk, db: DatabasePort) -> None:
        super().__init__(desk, db, alone=True)
        self._db = db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Said]:
        """Statements that happen together."""
        async with self._db.transaction() as t:
            said = Said(self._desk, t, alone=False)
            yield said
            if said.wrote:
                await self._desk.here("commit")
                self._desk.world.count("commits")
