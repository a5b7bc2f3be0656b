"""Peers that call each other by messages, and a journal on a host's disk: what protocols are made of.

A peer is a program on a simulated host. What it knows goes with a crash, but for what its journal has synced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any, Protocol

from windtunnel.sim import Host, LinkSpec, Network, Process, Signal, Simulator, lognormal

CALL_S = 0.01
"""How long a caller waits for an answer; a round trip takes a millisecond."""
LONGEST_S = 0.16
"""How long it waits at most before it asks again."""
DECODER = json.JSONDecoder()
LATENCY = LinkSpec(lognormal(0.0005, 0.003))
"""What all links are like: some messages overtake others."""


class Place(Protocol):
    """Where peers live: a stage in the tunnel."""

    @property
    def sim(self) -> Simulator: ...
    @property
    def network(self) -> Network: ...
    def host(self, name: str) -> Host: ...


class Peer:
    """A program on a host: its public methods answer calls, and what `boot` does not read again a crash takes away."""

    def __init__(self, stage: Place, name: str) -> None:
        self.stage = stage
        self.sim = stage.sim
        stage.network.default = LATENCY
        self.host: Host = stage.host(name)
        self.host.start(self._listen, light=True)
        self.busy = 0
        """Calls that it is serving, and what it does besides."""
        self._waiting: dict[int, Signal[Any]] = {}
        self._numbers = count()

    def __repr__(self) -> str:
        """Its name: a message names who it is for, and diagrams show messages."""
        return self.host.name

    def boot(self) -> None:
        """Begin, or begin again after a crash."""

    async def call(self, to: Peer, name: str, *args: Any, within_s: float = CALL_S) -> Any:
        """The answer of another peer's method. Raises TimeoutError: it may have been carried out, or may still be."""
        answer = self.ask(to, name, *args)
        if not await answer.within(within_s):
            raise TimeoutError(f"{to.host.name} did not answer {name} within {within_s:g} s.")
        return answer.result()

    def ask(self, to: Peer, name: str, *args: Any) -> Signal[Any]:
        """Send a call; what comes back, if anything does."""
        number = next(self._numbers)
        answer = self._waiting[number] = Signal(self.sim, f"{name} of {to.host.name}")
        self.host.send(to.host, (to, self, number, name, args))
        return answer

    async def insist(self, to: Peer, name: str, *args: Any, tries: int | None = None) -> Any:
        """Call until there is an answer, waiting longer each time: retries at once keep the disk busy for ever.

        Raises TimeoutError after so many `tries`.
        """
        wait_s = CALL_S
        for attempt in count(1):
            answer = self.ask(to, name, *args)
            if await answer.within(wait_s):
                return answer.result()
            if attempt == tries:
                break
            wait_s = min(2 * wait_s, LONGEST_S)
        raise TimeoutError(f"{to.host.name} did not answer {name}, asked {tries} times.")

    def work(self, body: Coroutine[Any, Any, Any]) -> Process[Any]:
        """Serve a request on this host."""
        return self.host.spawn(body)

    def background(self, body: Coroutine[Any, Any, Any]) -> None:
        """Do this besides."""
        self.busy += 1
        self.host.spawn(self._besides(body), daemon=True)

    async def _besides(self, body: Coroutine[Any, Any, Any]) -> None:
        await body
        self.busy -= 1

    async def _listen(self) -> None:
        self.busy = 0
        self.boot()
        async for message in self.host.inbox():
            to, source, number, name, args = message.body
            if to is None:
                answer = self._waiting.pop(number, None)
                if answer is not None:
                    answer.set(args)
            else:
                self.busy += 1
                self.host.spawn(self._serve(source, number, name, args), daemon=True, request=message.request)

    async def _serve(self, source: Peer, number: int, name: str, args: tuple[Any, ...]) -> None:
        found = getattr(self, name)(*args)
        if isinstance(found, Coroutine):
            found = await found
        self.busy -= 1
        self.host.send(source.host, (None, None, number, name, found))


async def quiet(peers: Sequence[Peer], also: Callable[[], bool] = lambda: True) -> None:
    """Wait until nobody does anything any more, for some looks in a row; at most 20 s."""
    looks = 0
    for _ in range(1000):
        looks = looks + 1 if also() and not any(peer.busy for peer in peers) else 0
        if looks == 3:
            return
        await peers[0].sim.sleep(2 * CALL_S)


class Journal:
    """Records on a host's disk, a line of JSON each. Those that were synced survive a crash.

    Opening it cuts off what a crash left torn, and syncs the rest: what was read once is there the next time too.

    Args:
        host: whose disk it is on.
        name: of its file.
        sync_s: says how long the disk takes for the next sync, seconds; as the disk is where it is not given.
    """

    def __init__(self, host: Host, name: str = "journal", *, sync_s: Callable[[], float] | None = None) -> None:
        self._disk = host.disk
        self._sync_s = sync_s
        self._file = host.disk.open(name, create=True)
        host.disk.fsync_dir()
        self._size = 0
        self._records = list[Any]()
        """What stood in the first so many bytes when they were last read."""
        self._read()
        if self._size < self._file.size:
            self._file.truncate(self._size)
        if self._file.size:
            self._file.fsync()

    def _read(self) -> None:
        """Read on, as far as lines are whole."""
        for line in self._file.read_at(self._size, self._file.size - self._size).splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return
            try:
                text = line.decode()
                record, end = DECODER.raw_decode(text)  # in half the time of `json.loads`: each start reads all
            except ValueError:
                return
            if end != len(text) - 1:
                return
            self._size += len(line)
            self._records.append(record)

    def records(self) -> list[Any]:
        """All that can be read, oldest first."""
        self._read()
        return list(self._records)

    def append(self, record: Any) -> None:
        """Write one; the disk may have it or not until `sync`."""
        self._file.append(json.dumps(record).encode() + b"\n")

    async def sync(self) -> None:
        """Wait until all records are on the disk."""
        if self._sync_s is not None:
            self._disk.fsync_s = self._sync_s()
        await self._disk.sync(self._file)

    async def keep(self, record: Any) -> None:
        """Append and sync."""
        self.append(record)
        await self.sync()
