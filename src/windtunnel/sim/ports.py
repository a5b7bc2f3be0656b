"""The ports of one host: who has bound which address, who listens, and which local ports connections use.

As on Linux: a port for which nobody asked is one of 28232, no two connections have the same four addresses, and a
connection that was closed here first keeps its port for a minute (TIME_WAIT). Nothing here looks through all that is
bound or connected.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from operator import index
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.tcp import End

FIRST_EPHEMERAL_PORT: Final = 32768
LAST_EPHEMERAL_PORT: Final = 60999
EPHEMERAL_PORTS: Final = LAST_EPHEMERAL_PORT - FIRST_EPHEMERAL_PORT + 1
ANY: Final = "0.0.0.0"
LOCALHOST: Final = "127.0.0.1"
SOMAXCONN: Final = 4096
LAST_PORT: Final = 65_535
REUSE_PORT: Final = getattr(socket, "SO_REUSEPORT", 15)

Address = tuple[str, int]


def os_error(number: int) -> OSError:
    """The exception that Python raises for this error number."""
    return OSError(number, os.strerror(number))


def read_address(address: Any, call: str) -> Address:
    """Host and port of an IPv4 address, refused as Python's sockets refuse what is none; `call` stands in the error."""
    if not isinstance(address, tuple):
        raise TypeError(f"{call}(): AF_INET address must be tuple, not {type(address).__name__}")
    if len(address) != 2:
        raise TypeError("AF_INET address must be a pair (host, port)")
    host, port = address
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii")
    elif not isinstance(host, str):
        raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
    number = index(port)
    if not 0 <= number <= LAST_PORT:
        raise OverflowError(f"{call}(): port must be 0-{LAST_PORT}.")
    return host, number


class Bound:
    """An address that a socket has bound.

    Attributes:
        owner: the `Listener`, once it listens; of UDP the socket.
        shares: whether others that say so too may have the same address, each a part of what comes (SO_REUSEPORT).
        reuses: the same, as far as only one of them listens (SO_REUSEADDR).
    """

    __slots__ = ("ip", "listening", "owner", "port", "reuses", "shares")

    def __init__(self, address: Address, owner: Any, reuses: bool, shares: bool) -> None:
        self.ip, self.port = address
        self.owner = owner
        self.reuses = reuses
        self.shares = shares
        self.listening = False

    @property
    def address(self) -> Address:
        return self.ip, self.port

    def clashes(self, other: Bound) -> bool:
        """Whether this one cannot be beside that one."""
        if self.shares and other.shares:
            return False
        return other.listening or not (self.reuses and other.reuses)


class Bindings:
    """What is bound on a host, for TCP or for UDP."""

    def __init__(self) -> None:
        self._ports: dict[int, dict[str, list[Bound]]] = {}

    def __contains__(self, port: int) -> bool:
        return port in self._ports

    def __len__(self) -> int:
        return len(self._ports)

    def all(self) -> list[Bound]:
        """Everything that is bound."""
        return [bound for there in self._ports.values() for those in there.values() for bound in those]

    def add(self, bound: Bound) -> None:
        """Enter it, or raise EADDRINUSE."""
        self.check(bound)
        self._ports.setdefault(bound.port, {}).setdefault(bound.ip, []).append(bound)

    def check(self, bound: Bound) -> None:
        """Raise EADDRINUSE if it cannot be beside what is there."""
        there = self._ports.get(bound.port, {})
        for ip in there if bound.ip == ANY else (bound.ip, ANY):
            for other in there.get(ip, ()):
                if other is not bound and bound.clashes(other):
                    raise os_error(errno.EADDRINUSE)

    def remove(self, bound: Bound) -> None:
        """Forget it; twice is harmless."""
        there = self._ports.get(bound.port, {})
        those = there.get(bound.ip, [])
        if bound in those:
            those.remove(bound)
            if not those:
                del there[bound.ip]
                if not there:
                    del self._ports[bound.port]

    def find(self, target: Address, source: Address) -> Any:
        """Who gets what comes from there to here: the owner of this very address, or of all addresses."""
        there = self._ports.get(target[1])
        if there is None:
            return None
        for ip in (target[0], ANY):
            those = [bound for bound in there.get(ip, ()) if bound.owner is not None]
            if those:
                best = max(bound.owner.affinity(source) for bound in those)
                those = [bound for bound in those if bound.owner.affinity(source) == best]
                if best >= 0:
                    if len(those) > 1 and those[-1].shares:
                        return those[crc32(f"{source}>{target}".encode()) % len(those)].owner
                    return those[-1].owner
        return None


class Ports:
    """What is bound and connected on one host, from one start of its operating system to the next loss of power."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.network = host.network
        self.streams = Bindings()
        self.datagrams = Bindings()
        self.ends: dict[End, None] = {}
        """Connections that are not over."""
        self._next = FIRST_EPHEMERAL_PORT
        self._routes: dict[tuple[str, int, str, int], None] = {}
        """The four addresses of each connection that was begun here."""
        self._to: dict[tuple[str, str, int], int] = {}
        """How many of them there are to each address, by our own."""
        self._waiting: deque[tuple[int, tuple[str, int, str, int]]] = deque()
        """Those in TIME_WAIT, and until when."""

    def bind(
        self, table: Bindings, address: Address, owner: Any, *, reuses: bool = False, shares: bool = False
    ) -> Bound:
        """Enter something under an address; port 0 takes a free one."""
        ip, port = address
        if ip not in (ANY, self.host.address) and not ip.startswith("127."):
            raise os_error(errno.EADDRNOTAVAIL)
        bound = Bound((ip, port or self._free_port(lambda port: port in table)), owner, reuses, shares)
        table.add(bound)
        return bound

    def listen(self, address: Address, backlog: int) -> Listener:
        """Take connections at an address from now on."""
        return Listener(self, self.bind(self.streams, address, None), backlog)

    def _free_port(self, is_taken: Callable[[int], bool], number: int = errno.EADDRINUSE) -> int:
        """The next port that nobody asked for and nobody has."""
        for _ in range(EPHEMERAL_PORTS):
            port = self._next
            self._next = port + 1 if port < LAST_EPHEMERAL_PORT else FIRST_EPHEMERAL_PORT
            if not is_taken(port):
                return port
        raise os_error(number)

    def own_ip(self, remote_ip: str) -> str:
        """The address from which this host talks to another one."""
        return LOCALHOST if remote_ip.startswith("127.") else self.host.address

    def route(self, remote: Address, bound: Bound | None) -> Address:
        """The local address of a new connection, from an address that is bound or from any port.

        Raises:
            OSError: EADDRNOTAVAIL where all ports to that address are in use.
        """
        self._forget_old()
        own = self.own_ip(remote[0]) if bound is None or bound.ip == ANY else bound.ip
        to = (own, *remote)
        if bound is not None:
            port = bound.port
            if (own, port, *remote) in self._routes:
                raise os_error(errno.EADDRNOTAVAIL)
        else:
            if self._to.get(to, 0) >= EPHEMERAL_PORTS:
                raise os_error(errno.EADDRNOTAVAIL)
            routes, streams = self._routes, self.streams
            port = self._free_port(lambda port: port in streams or (own, port, *remote) in routes, errno.EADDRNOTAVAIL)
        self._routes[own, port, *remote] = None
        self._to[to] = self._to.get(to, 0) + 1
        return own, port

    def unroute(self, local: Address, remote: Address, wait_ns: int) -> None:
        """A connection that was begun here is over; its addresses are free now or, after TIME_WAIT, later."""
        if wait_ns:
            self._waiting.append((self.host.sim.now_ns + wait_ns, (*local, *remote)))
        else:
            self._forget((*local, *remote))

    def _forget_old(self) -> None:
        now_ns = self.host.sim.now_ns
        while self._waiting and self._waiting[0][0] <= now_ns:
            self._forget(self._waiting.popleft()[1])

    def _forget(self, route: tuple[str, int, str, int]) -> None:
        if route in self._routes:
            del self._routes[route]
            to = (route[0], route[2], route[3])
            self._to[to] -= 1
            if not self._to[to]:
                del self._to[to]

    def crash(self, *, process_only: bool) -> None:
        """The host's programs are dead. Where the operating system lives it closes what they had open."""
        for bound in self.streams.all():
            if bound.listening:
                bound.owner.close(reset=process_only)
            self.streams.remove(bound)
        for bound in self.datagrams.all():
            self.datagrams.remove(bound)
        for end in list(self.ends):
            if process_only:
                end.orphan()
            else:
                end.lose_power()
        if not process_only:
            self.ends.clear()


class Listener:
    """A port that takes connections. `on_event` is called when one waits in `queue`.

    As Linux, it takes one more than its backlog says. A connection whose handshake is under way has a place already:
    so no client believes itself connected and then finds the queue full.
    """

    def __init__(self, ports: Ports, bound: Bound, backlog: int) -> None:
        self._ports = ports
        self._bound = bound
        self.queue: deque[End] = deque()
        self.half_open = 0
        """Connections whose next step of the handshake is on its way; they take places too."""
        self.on_event: Callable[[], object] | None = None
        self.closed = False
        bound.listening = True
        try:
            ports.streams.check(bound)
        except OSError:
            bound.listening = False
            raise
        bound.owner = self
        self.widen(backlog)

    def widen(self, backlog: int) -> None:
        """Give it this backlog, as a second listen() does."""
        self.places = min(max(backlog, 0), SOMAXCONN) + 1

    def affinity(self, source: Address) -> int:
        """How much it wants what comes from there."""
        return 0

    @property
    def full(self) -> bool:
        """Whether a new connection finds no place."""
        return len(self.queue) + self.half_open >= self.places

    def push(self, end: End) -> None:
        """A connection is complete."""
        if self.closed:
            end.abort()
            return
        self.queue.append(end)
        if self.on_event is not None:
            self.on_event()

    def close(self, *, reset: bool = True) -> None:
        """Take no more connections; those that nobody has accepted are reset."""
        if not self.closed:
            self.closed = True
            self._ports.streams.remove(self._bound)
            for end in self.queue:
                if reset:
                    end.abort()
            self.queue.clear()
