"""Five servers, how a client asks one of them, and the state that they keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.ground import Refused
from windtunnel.parts import Peer
from windtunnel.sim import Signal

SERVERS = 5
SMALL, LARGE = (0, 1), (2, 3, 4)
"""Which of them stand in either data centre."""
PATIENCE_S = 0.4
"""So long a client waits."""
TRY_S = 0.15
"""So long a server waits for the one that leads, before it asks again."""
LOOK_S = 0.01  # unclaimed: nobody leads for ten times as long
"""After so long a server that knows of no leader looks again, and who looks after servers waits no longer for one."""
Answer = tuple[bool, Any]
"""Whether it was done, and what came of it or who leads instead."""


class Setting(Protocol):
    """What designs need of the parameters."""

    @property
    def trouble(self) -> str: ...
    @property
    def timeout_ms(self) -> float: ...
    @property
    def spread_ms(self) -> float: ...
    @property
    def disk_ms(self) -> float: ...
    @property
    def hand_s(self) -> float: ...
    @property
    def crashes(self) -> int: ...


def sync_s(disk_ms: float) -> Callable[[Random], float]:
    """How long a disk takes: exponential, as in the trial that came nearest to the paper's curves."""
    return lambda luck: luck.expovariate(1e3 / disk_ms)


def apply(state: dict[str, Any], command: Sequence[Any]) -> Any:
    """Do `[what, key, value, request]` to a state: once for each request, however often it stands in the log."""
    what, key, value, request = command
    done = state.setdefault("done", {})
    if request not in done:
        if what == "put":
            state.setdefault("values", {})[key] = value
            state.setdefault("order", []).append(value)
        done[request] = value if what == "put" else look(state, what, key)
    return done[request]


def look(state: Mapping[str, Any], what: str, key: str) -> Any:
    """What a state shows: the value of a key, or all values in their order."""
    return list(state.get("order", ())) if what == "everything" else state.get("values", {}).get(key)


class Asked(Peer):
    """A server that carries a command to whoever leads. It has to know who that is, and `command`."""

    servers: Mapping[str, Asked]
    """All, by their names."""
    on_lead: Callable[[], None] = staticmethod(lambda: None)
    """To be called when it begins to lead."""

    @property
    def leads(self) -> bool:
        """Whether it leads, as far as it knows."""
        raise NotImplementedError

    @property
    def leader_name(self) -> str | None:
        """Who leads, as far as this one knows."""
        raise NotImplementedError

    async def want(self, command: list[Any]) -> Answer:
        """What a client of this server wants; refused where it was given to nobody, else tried until it is known."""
        end, given = self.sim.now + PATIENCE_S, False
        while self.sim.now < end:
            name = self.leader_name
            if name is not None:
                answer: Signal[Answer] = self.ask(self.servers[name], "command", command)
                if not await answer.within(TRY_S):
                    given = True
                elif answer.result()[0]:
                    return answer.result()
            await self.sim.sleep(LOOK_S)
        if given:
            await self.sim.sleep(PATIENCE_S)  # nobody knows, so nothing is said; the client has gone
        return False, None

    async def command(self, command: list[Any]) -> Answer:
        """Carry it out, if this one leads."""
        raise NotImplementedError


class Cluster:
    """Five servers, and clients beside each of them."""

    servers: Sequence[Asked]

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.sim, self.p = stage, stage.sim, p
        self.gate = Peer(stage, "gate")
        self.servers = self.make()
        for one in self.servers:
            one.servers = {other.host.name: other for other in self.servers}

    def make(self) -> Sequence[Asked]:
        """The servers."""
        raise NotImplementedError

    @process
    async def put(self, at: int, key: str, value: str) -> None:
        """Give a key this value."""
        await self.served(at, "put", key, value)

    @process
    async def get(self, at: int, key: str) -> Any:
        """The key's value."""
        return await self.served(at, "get", key)

    @process
    async def everything(self, at: int) -> list[str]:
        """All values that were ever put, in their order."""
        found: list[str] = await self.served(at, "everything", "")
        return found

    async def served(self, at: int, what: str, key: str, value: str = "") -> Any:
        """Ask the server beside the client. Raises Refused: it was not done; TimeoutError: it may have been."""
        command = [what, key, value, self.stage.request]
        done, found = await self.gate.call(self.servers[at], "want", command, within_s=PATIENCE_S + LOOK_S)
        if not done:
            raise Refused("There is no leader.")
        return found

    def report(self) -> Mapping[str, object]:
        syncs = sum(one.host.disk.syncs for one in self.servers)
        return {"syncs": syncs}
