"""The network that all hosts are on: links, partitions, addresses, and messages between light processes."""

from __future__ import annotations

import ipaddress
import types
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from windtunnel.sim.link import Disturbance, Link, LinkSpec
from windtunnel.sim.signals import Arrival, Signal

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Simulator
    from windtunnel.sim.losing import Losing

CLIENTS: Final = "clients"
"""The host of whoever asks without being on one; the coroutines of asyncio designs run there."""
FIRST_ADDRESS: Final = int(ipaddress.IPv4Address("10.0.0.1"))
LOOPBACK_S: Final = 0.00002
"""Latency of a host to itself."""

Hosts = "Host | str | Iterable[Host | str]"


@dataclass(frozen=True)
class TcpSettings:
    """How the hosts' TCP behaves; the defaults are Linux's, but for the window, which does not grow.

    Attributes:
        window_bytes: what may be under way or unread in one direction.
        segment_bytes: the most that travels as one event.
        rto_min_s: first wait before something lost is sent again; doubled up to `rto_max_s`.
        syn_rto_s: the same for the first segment of a connection, which is sent `syn_retries` times again.
        give_up_s: a connection on which nothing gets through for so long is dead.
        time_wait_s: how long the side that closed first keeps its port.
    """

    window_bytes: int = 1 << 18
    segment_bytes: int = 1 << 16
    rto_min_s: float = 0.2
    rto_max_s: float = 120.0
    syn_rto_s: float = 1.0
    syn_retries: int = 6
    give_up_s: float = 924.6
    time_wait_s: float = 60.0


class Message(Arrival):
    """Something that one host sent another. It is itself the event of its arrival."""

    __slots__ = ("body", "dst", "port", "request", "sent_ns", "size_bytes", "src")

    def __init__(self, src: Host, dst: Host, port: int, body: Any, size_bytes: int, sent_ns: int, request: int) -> None:
        self.src = src
        self.dst = dst
        self.port = port
        self.body = body
        self.size_bytes = size_bytes
        self.sent_ns = sent_ns
        self.request = request

    def _run(self) -> None:
        src, dst = self.src, self.dst
        if src.network.link(src, dst).cuts:
            src.network.note("drop", self, "partition")
        elif dst.down:
            src.network.note("drop", self, "host is down")
        else:
            inbox = dst._inboxes.get(self.port)
            if inbox is None:
                src.network.note("drop", self, "nobody listens")
            else:
                src.network.note("deliver", self)
                inbox._put(self)

    def __repr__(self) -> str:
        return f"<Message {self.src.name} to {self.dst.name}:{self.port} {self.body!r}>"


class Inbox:
    """Where messages to one port of one host wait. A crash of the host closes it."""

    def __init__(self, sim: Simulator, name: str) -> None:
        self._sim = sim
        self._messages: deque[Message] = deque()
        self._arrival: Signal[None] | None = None
        self.name = name

    def __len__(self) -> int:
        return len(self._messages)

    def _put(self, message: Message) -> None:
        self._messages.append(message)
        arrival = self._arrival
        if arrival is not None:
            self._arrival = None
            arrival.set()

    def _next(self) -> Signal[None]:
        if self._arrival is None:
            self._arrival = Signal(self._sim, self.name)
        return self._arrival

    @types.coroutine
    def get(self) -> Generator[Any, None, Message]:
        """Wait for the next message."""
        while not self._messages:
            yield from self._next().__await__()
        return self._messages.popleft()

    @types.coroutine
    def get_within(self, seconds: float) -> Generator[Any, None, Message | None]:
        """Wait at most so long for the next message; None where none has come by then."""
        end_ns = self._sim.now_ns + round(seconds * 1e9)
        while not self._messages:
            left_ns = end_ns - self._sim.now_ns
            if left_ns <= 0:
                return None
            yield from self._next().within(left_ns / 1e9)
        return self._messages.popleft()

    def get_nowait(self) -> Message | None:
        """The next message, if one is here."""
        return self._messages.popleft() if self._messages else None

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Message:
        return await self.get()


class Partition:
    """A cut between two sides, until it is healed. Also a context manager."""

    def __init__(self, network: Network, disturbance: Disturbance) -> None:
        self._network = network
        self._disturbance = disturbance
        self.healed = False

    def heal(self) -> None:
        """Let everything through again; twice is harmless."""
        if not self.healed:
            self.healed = True
            self._network.calm(self._disturbance)

    def __enter__(self) -> Partition:
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()


class Network:
    """All links. A link is made when it is first used, as the network's `default`, and can be set before.

    Attributes:
        default: what links are like that nobody set.
        tcp: how TCP behaves.
        losing: which messages get lost, where a run is told so before its links are made.
    """

    losing: Losing | None = None

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.default = LinkSpec()
        self.tcp = TcpSettings()
        self._links: dict[tuple[str, str], Link] = {}
        self._disturbances: dict[Disturbance, None] = {}
        self._names: dict[str, Host] = {}
        self._addresses: dict[str, Host] = {}

    # --- hosts and addresses ---------------------------------------------------------------------------------------
    def _attach(self, host: Host) -> str:
        """Give a new host an address."""
        address = str(ipaddress.IPv4Address(FIRST_ADDRESS + len(self._addresses)))
        self._names[host.name] = self._addresses[address] = host
        return address

    def lookup(self, name: str, asker: Host) -> str | None:
        """The address that a name (or an address) stands for, as that host sees it; None where nobody knows it."""
        if name == "localhost":
            return "127.0.0.1"
        known = self._names.get(name)
        if known is not None:
            return known.address
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            return None

    def host_at(self, address: str, asker: Host) -> Host | None:
        """The host with this address, as that host sees it."""
        return asker if address.startswith("127.") else self._addresses.get(address)

    # --- links -----------------------------------------------------------------------------------------------------
    @property
    def links(self) -> Mapping[tuple[str, str], Link]:
        """The links that have been used or set, by the names of the hosts where they begin and end."""
        return self._links

    def link(self, src: Host, dst: Host) -> Link:
        """The way from one host to another."""
        key = (src.name, dst.name)
        found = self._links.get(key)
        if found is None:
            spec = self.default if src is not dst else LinkSpec(LOOPBACK_S)
            found = self._links[key] = self._made(f"link {src.name} > {dst.name}", spec, src is dst)
            if self._disturbances:
                found.disturb(one for one in self._disturbances if one.meets(*key))
        return found

    def _made(self, name: str, spec: LinkSpec, loopback: bool) -> Link:
        if self.losing is None or loopback:
            return Link(self.sim, name, spec)
        from windtunnel.sim.losing import CountedLink

        counted = CountedLink(self.sim, name, spec)
        counted.losing = self.losing
        return counted

    def connect(self, a: Host, b: Host, *, one_way: bool = False, **changes: Any) -> None:
        """Set what the links between two hosts are like: fields of `LinkSpec`, the others as in `default`."""
        spec = replace(self.default, **changes)
        self.link(a, b).spec = spec
        if not one_way:
            self.link(b, a).spec = spec

    # --- what goes wrong on links ----------------------------------------------------------------------------------
    def disturb(self, disturbance: Disturbance) -> None:
        """Disturb all links that it meets, also those that are made later, until `calm`."""
        self._disturbances[disturbance] = None
        self._disturbed(disturbance, "partition")

    def calm(self, disturbance: Disturbance) -> None:
        """It is over; others may last. Harmless where it is over already."""
        if disturbance in self._disturbances:
            del self._disturbances[disturbance]
            self._disturbed(disturbance, "heal")

    def _disturbed(self, changed: Disturbance, kind: str) -> None:
        for key, link in self._links.items():
            if changed.meets(*key):
                link.disturb(one for one in self._disturbances if one.meets(*key))
        trace = self.sim.trace
        if trace is not None and changed.cut:
            ones = "everybody" if changed.ones is None else ", ".join(sorted(changed.ones))
            others = "the rest" if changed.others is None else ", ".join(sorted(changed.others))
            trace.record(self.sim.now_ns, kind, f"{ones} {'>' if changed.one_way else '|'} {others}")

    def partition(self, ones: Any, others: Any = None, *, one_way: bool = False) -> Partition:
        """Cut all links between two sets of hosts, also for what is under way. Hosts in neither set see both.

        Args:
            ones: a host, its name, or several.
            others: the same; None is everybody else.
            one_way: cut only what goes from `ones` to `others`.
        """
        other = None if others is None else _names(others)
        cut = Disturbance(_names(ones), other, one_way=one_way, cut=True)
        self.disturb(cut)
        return Partition(self, cut)

    def heal(self) -> None:
        """Heal all partitions."""
        for one in [one for one in self._disturbances if one.cut]:
            self.calm(one)

    # --- messages --------------------------------------------------------------------------------------------------
    def send(self, src: Host, dst: Host, body: Any, size_bytes: int = 0, port: int = 0) -> None:
        """Send a message. It arrives in `dst.inbox(port)`, or never: like a datagram, and nobody is told.

        The luck of the message is that of the request which sends it.
        """
        if src.down:
            return
        sim = self.sim
        message = Message(src, dst, port, body, size_bytes, sim.now_ns, sim.request)
        link = self.link(src, dst)
        unheard = src.replies_lost and src is not dst
        delay = None if unheard else link.transit_ns(size_bytes)
        if sim.trace is not None:
            self.note("send", message)
            if delay is None:
                self.note("drop", message, "reply" if unheard else "partition" if link.cuts else "loss")
        if delay is not None:
            sim.push(sim.now_ns + delay, message)
        elif unheard or not link.taken:
            return
        if link.is_duplicated():  # a copy is a message of its own, and comes also where the first was taken away
            delay = link.transit_ns(size_bytes)
            if delay is not None:
                sim.push(sim.now_ns + delay, message)

    def note(self, kind: str, message: Message, why: str = "") -> None:
        """Put what became of a message into the trace."""
        trace = self.sim.trace
        if trace is not None:
            if trace.records_messages:
                detail = f"{message.size_bytes} {message.body!r:.80}"
                trace.record(
                    self.sim.now_ns,
                    kind,
                    f"{message.src.name} > {message.dst.name}:{message.port}",
                    f"{why}: {detail}" if why else detail,
                )
            said = f"{message.body!r:.40}" if trace.quotes else ""
            trace.message(kind, message, message.src.name, message.dst.name, said)


def _names(hosts: Any) -> frozenset[str]:
    if isinstance(hosts, str) or not isinstance(hosts, Iterable):
        hosts = [hosts]
    return frozenset(host if isinstance(host, str) else host.name for host in hosts)
