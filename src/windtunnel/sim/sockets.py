"""Sockets of simulated hosts: what `socket.socket` is while a simulation runs."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from windtunnel.sim.ports import (
    ANY,
    LOCALHOST,
    REUSE_PORT,
    Address,
    Bindings,
    Bound,
    Listener,
    os_error,
    read_address,
)
from windtunnel.sim.sandbox import NotSimulated, current_host
from windtunnel.sim.signals import Arrival
from windtunnel.sim.tcp import End, PairEnd

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.link import Link

FIRST_DESCRIPTOR: Final = 1 << 20
"""Descriptors are numbers that no real file has."""
DATAGRAM_BYTES: Final = 65_507
BUFFER_BYTES: Final = 212_992
"""What Linux keeps of datagrams that nobody has read, with what it needs to keep them."""
LEAST_BUFFER_BYTES: Final = 2304
DEFAULTS: Final = {
    (socket.SOL_SOCKET, socket.SO_RCVBUF): (131_072, BUFFER_BYTES),  # TCP, UDP
    (socket.SOL_SOCKET, socket.SO_SNDBUF): (16_384, BUFFER_BYTES),
}
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: no time at all."""


def kept_bytes(size: int) -> int:
    """The room that Linux charges for a datagram of this size, as counted on one (6.18): a block of memory each."""
    if size > 16_000:
        return size + 1280
    return 256 + max(576, 1 << (size + 369).bit_length())


def as_bytes(data: Any) -> bytes:
    """What is to be sent, refused as Python's sockets refuse what has no bytes."""
    if isinstance(data, bytes):
        return data
    try:
        return bytes(memoryview(data))
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not {type(data).__name__!r}") from None


class SimSocket:
    """A TCP or UDP socket of the host that makes it, to be used through the host's event loop.

    Calls that would block a real socket raise BlockingIOError, as on a non-blocking one.
    """

    def __init__(
        self,
        family: int = socket.AF_INET,
        type: int = socket.SOCK_STREAM,  # noqa: A002  (socket.socket calls it so)
        proto: int = 0,
        fileno: int | None = None,
        *,
        host: Host | None = None,
        end: End | None = None,
    ) -> None:
        if family not in (socket.AF_INET, -1) or fileno is not None:
            raise NotSimulated("Only IPv4 sockets exist in the tunnel; give AF_INET and no descriptor.")
        owner = host or current_host()
        if owner is None:
            raise NotSimulated("A socket belongs to a host; make it in code that runs on one (see Host.start).")
        self.host: Host = owner
        self.ports = owner.ports
        self.family = socket.AF_INET
        self.type = socket.SOCK_DGRAM if type & 0xF == socket.SOCK_DGRAM else socket.SOCK_STREAM
        self.proto = proto
        self.end = end
        self.listener: Listener | None = None
        self.remote: Address | None = None
        self.datagrams: deque[tuple[bytes, Address]] = deque()
        self.error: OSError | None = None
        """What an earlier call has led to (a refused datagram); the next call meets it."""
        self._bound: Bound | None = None
        self._kept_bytes = 0
        self.on_event: Callable[[], object] | None = None
        self._options: dict[tuple[int, int], Any] = {}
        self._timeout: float | None = None
        self._descriptor = FIRST_DESCRIPTOR + owner.next_descriptor()
        owner.sockets[self._descriptor] = self

    # --- what every socket has ---------------------------------------------------------------------------------------
    def fileno(self) -> int:
        """A number by which `select.poll` finds it; -1 once it is closed."""
        return self._descriptor

    def setblocking(self, flag: bool) -> None:
        """Taken, and of no effect."""
        self._timeout = None if flag else 0.0

    def getblocking(self) -> bool:
        return self._timeout != 0.0

    def settimeout(self, value: float | None) -> None:
        """Taken, and of no effect."""
        self._timeout = value

    def gettimeout(self) -> float | None:
        return self._timeout

    def setsockopt(self, level: int, option: int, value: Any, length: int | None = None) -> None:
        """Remembered, and of no effect."""
        if (level, option) in DEFAULTS:  # Linux doubles it, for what it needs itself
            value = max(2 * int(value), LEAST_BUFFER_BYTES)
        self._options[level, option] = value

    def getsockopt(self, level: int, option: int, size: int = 0) -> Any:
        """What was set, or what it is without that."""
        if level == socket.SOL_SOCKET:
            if option == socket.SO_ERROR:
                error, self.error = self.error or (self.end and self.end.error), None
                return error.errno if error else 0
            if option == socket.SO_TYPE:
                return int(self.type)
            if option == socket.SO_ACCEPTCONN:
                return int(self.listener is not None)
        default = DEFAULTS.get((level, option), (0, 0))[self.type == socket.SOCK_DGRAM]
        value = self._options.get((level, option), default)
        if size and isinstance(value, int):
            return value.to_bytes(4, sys.byteorder, signed=True)[:size]
        return value

    def getsockname(self) -> Any:
        self._usable()
        return self._name

    @property
    def _name(self) -> Any:
        if self.family == socket.AF_UNIX:
            return ""
        if self.end is not None:
            return self.end.local
        return (ANY, 0) if self._bound is None else self._bound.address

    def getpeername(self) -> Any:
        self._usable()
        if self.family == socket.AF_UNIX:
            return ""
        remote = self.remote if self.end is None else self.end.remote
        if remote is None:
            raise os_error(errno.ENOTCONN)
        return remote

    def close(self) -> None:
        """Close it; twice is harmless."""
        if self._descriptor < 0:
            return
        self._descriptor = -1
        self.on_event = None
        if self.end is not None:
            if self._options.get((socket.SOL_SOCKET, socket.SO_LINGER)) == RESET_ON_CLOSE:
                self.end.abort()
            else:
                self.end.close()
        if self.listener is not None:
            self.listener.close()
        if self._bound is not None:
            self._table.remove(self._bound)

    def kill(self) -> None:
        """The program that had it was killed: nobody may use it any more. Its host sees to the rest."""
        self._descriptor = -1
        self.on_event = None

    def detach(self) -> int:
        """Forget the connection without closing it."""
        descriptor, self._descriptor = self._descriptor, -1
        return descriptor

    def __enter__(self) -> SimSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SimSocket {self.host.name} {self._name}>"

    # --- addresses ---------------------------------------------------------------------------------------------------
    @property
    def _table(self) -> Bindings:
        return self.ports.datagrams if self.type == socket.SOCK_DGRAM else self.ports.streams

    def bind(self, address: Any) -> None:
        """Take a local address; port 0 is any free one."""
        self._usable()
        if self._bound is not None or self.end is not None:
            raise os_error(errno.EINVAL)
        ip, port = read_address(address, "bind")
        ip = ANY if ip in ("", ANY) else (self.host.network.lookup(ip, self.host) or ip)
        self._bind((ip, port))

    def _bind(self, address: Address) -> Bound:
        own = self._options.get
        self._bound = self.ports.bind(
            self._table,
            address,
            self if self.type == socket.SOCK_DGRAM else None,
            reuses=bool(own((socket.SOL_SOCKET, socket.SO_REUSEADDR))),
            shares=bool(own((socket.SOL_SOCKET, REUSE_PORT))),
        )
        return self._bound

    def connect(self, address: Any) -> None:
        """Begin a connection (a UDP socket: choose whom it talks to)."""
        self._usable()
        target = self._target(address, "connect")
        if self.type == socket.SOCK_DGRAM:
            self.remote = target
            own = self.ports.own_ip(target[0])
            port = 0
            if self._bound is not None:
                if self._bound.ip != ANY:
                    return
                port = self._bound.port
                self._table.remove(self._bound)
            self._bind((own, port))
        elif self.end is not None:
            raise os_error(errno.EISCONN if self.end.established.done() else errno.EALREADY)
        else:
            self.end = End.begin(self.ports, target, self._bound)
            self.end.on_event = self._tell
            if not self.end.established.done():
                raise os_error(errno.EINPROGRESS)

    def connect_ex(self, address: Any) -> int:
        """As `connect`; says the number of the error."""
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or 0
        return 0

    def _target(self, address: Any, call: str) -> Address:
        """Whom an address means. That of all addresses is, as a target, this host itself."""
        name, port = read_address(address, call)
        ip = self.host.network.lookup(name or ANY, self.host)
        if ip is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return (LOCALHOST if ip == ANY else ip), port

    # --- TCP ---------------------------------------------------------------------------------------------------------
    def listen(self, backlog: int = 128) -> None:
        """Take connections from now on."""
        self._usable()
        if self.end is not None:
            raise os_error(errno.EINVAL)
        if self.listener is None:
            self.listener = Listener(self.ports, self._bound or self._bind((ANY, 0)), backlog)
            self.listener.on_event = self._tell
        else:
            self.listener.widen(backlog)

    def accept(self) -> tuple[SimSocket, Address]:
        """The next connection that waits."""
        self._usable()
        if self.listener is None:
            raise os_error(errno.EINVAL)
        if not self.listener.queue:
            raise os_error(errno.EWOULDBLOCK)
        end = self.listener.queue.popleft()
        accepted = SimSocket(host=self.host, end=end)
        end.on_event = accepted._tell
        return accepted, end.remote

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Bytes that are here; b"" at the end of the stream."""
        if self.type == socket.SOCK_DGRAM:
            return self.recvfrom(size)[0]
        end = self._connected()
        if size < 0:
            raise ValueError("negative buffersize in recv")
        if not size:
            return b""
        if end.unread:
            return end.read(size)
        if end.error is not None:
            raise end.error
        if end.got_eof or end.dead or end.reads_no_more:
            return b""
        raise os_error(errno.EWOULDBLOCK)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As `recv`, into a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view))
        view[: len(data)] = data
        return len(data)

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """As `recvfrom`, into a buffer."""
        view = memoryview(buffer).cast("B")
        data, sender = self.recvfrom(nbytes or len(view))
        view[: len(data)] = data
        return len(data), sender

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As `send`, which takes all or nothing."""
        self.send(data, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        """Take bytes to be sent; BlockingIOError while a window full of them waits."""
        data = as_bytes(data)
        if self.type == socket.SOCK_DGRAM:
            self._usable()
            if self.remote is None:
                raise os_error(errno.EDESTADDRREQ)
            return self.sendto(data, self.remote)
        if self.end is None:
            raise os_error(errno.EPIPE)
        end = self._connected()
        if end.dead or end.error is not None or end.finishing:
            raise end.error or os_error(errno.EPIPE)
        if end.unsent_bytes >= end.settings.window_bytes:
            raise os_error(errno.EWOULDBLOCK)
        end.write(data)
        return len(data)

    def shutdown(self, how: int) -> None:
        """Send no more (half-close), or wait for nothing more: who waits in `recv` is then told of the end."""
        end = self._connected()
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise os_error(errno.EINVAL)
        if how != socket.SHUT_RD:
            end.finish()
        if how != socket.SHUT_WR:
            end.reads_no_more = True
            self._tell()

    # --- UDP ---------------------------------------------------------------------------------------------------------
    def sendto(self, data: Any, *flags_and_address: Any) -> int:
        """Send a datagram."""
        data = as_bytes(data)
        self._usable()
        target = self._target(flags_and_address[-1], "sendto")
        self._raise_earlier()
        if len(data) > DATAGRAM_BYTES:
            raise os_error(errno.EMSGSIZE)
        bound = self._bound or self._bind((ANY, 0))
        Datagram(self, data, target, bound).send()
        return len(data)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        """The next datagram that is here, and who sent it."""
        self._usable()
        if self.type != socket.SOCK_DGRAM:
            return self.recv(size), None
        if size < 0:
            raise ValueError("negative buffersize in recvfrom")
        self._raise_earlier()
        if not self.datagrams:
            raise os_error(errno.EWOULDBLOCK)
        data, sender = self.datagrams.popleft()
        self._kept_bytes -= kept_bytes(len(data))
        return data[:size], sender

    def affinity(self, source: Address) -> int:
        """How much it wants what comes from there: it may have chosen whom it talks to."""
        return 0 if self.remote is None else 1 if self.remote == source else -1

    def take(self, data: bytes, source: Address) -> bool:
        """A datagram has come; False where no room is left for it."""
        room = kept_bytes(len(data))
        if self._kept_bytes + room > self.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF):
            return False
        self._kept_bytes += room
        self.datagrams.append((data, source))
        self._tell()
        return True

    def refuse(self, target: Address) -> None:
        """Nobody is there to whom a datagram went. Only who talks to one address is told."""
        if self.remote == target:
            self.error = os_error(errno.ECONNREFUSED)
            self._tell()

    def _raise_earlier(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    # --- the inside --------------------------------------------------------------------------------------------------
    @property
    def readable(self) -> bool:
        """Whether `recv`, `recvfrom` or `accept` has an answer."""
        if self.listener is not None:
            return bool(self.listener.queue)
        end = self.end
        if end is None:
            return bool(self.datagrams) or self.error is not None
        return bool(end.unread) or end.got_eof or end.dead or end.reads_no_more

    def _tell(self) -> None:
        if self.on_event is not None:
            self.on_event()

    def _usable(self) -> None:
        if self._descriptor < 0:
            raise os_error(errno.EBADF)

    def _connected(self) -> End:
        self._usable()
        if self.end is None:
            raise os_error(errno.ENOTCONN)
        return self.end


def pair(
    family: int | None = None,
    type: int = socket.SOCK_STREAM,  # noqa: A002  (socket.socketpair calls it so)
    proto: int = 0,
) -> tuple[SimSocket, SimSocket]:
    """`socket.socketpair`: two sockets of the running host that are connected to each other."""
    host = current_host()
    if type & 0xF != socket.SOCK_STREAM or family not in (None, socket.AF_UNIX):
        raise NotSimulated("Only pairs of Unix stream sockets are simulated; give no family and SOCK_STREAM.")
    if host is None:
        raise NotSimulated("A socket belongs to a host; make it in code that runs on one (see Host.start).")
    return _paired(host, *PairEnd.pair(host.ports))


def _paired(host: Host, *ends: PairEnd) -> tuple[SimSocket, SimSocket]:
    one, other = (SimSocket(host=host, end=end) for end in ends)
    for sock in (one, other):
        sock.family = socket.AF_UNIX
        assert sock.end is not None
        sock.end.on_event = sock._tell
    return one, other


class Datagram(Arrival):
    """A UDP datagram on its way. It is itself the event of its arrival."""

    __slots__ = ("data", "dst", "host", "link", "source", "target")

    def __init__(self, sender: SimSocket, data: bytes, target: Address, bound: Bound) -> None:
        host = sender.host
        dst = host.network.host_at(target[0], host)
        if dst is None:
            raise os_error(errno.EHOSTUNREACH)
        self.data = data
        self.host = host
        self.dst = dst
        self.target = target
        own = sender.ports.own_ip(target[0]) if bound.ip == ANY else bound.ip
        self.source = (own, bound.port)
        self.link = host.network.link(host, dst)

    def send(self) -> None:
        """Put it on the link, once or, where the link duplicates it, twice."""
        sim, host = self.dst.sim, self.host
        if host.replies_lost and host is not self.dst:
            return
        for _ in range(1 + self.link.is_duplicated()):
            delay = self.link.transit_ns(len(self.data))
            if delay is not None:
                sim.push(sim.now_ns + delay, self)

    def _run(self) -> None:
        if self.link.cuts or not self.dst.powered:
            return
        receiver: SimSocket | None = self.dst.ports.datagrams.find(self.target, self.source)
        if receiver is not None:
            receiver.take(self.data, self.source)
            return
        back = self.dst.network.link(self.dst, self.host)
        delay = back.transit_ns(0)
        if delay is not None:
            self.dst.sim.call_after(delay, self._refused, back)

    def _refused(self, back: Link) -> None:
        """The other operating system says that nobody is there."""
        if not back.cuts and self.host.powered:
            sender: SimSocket | None = self.host.ports.datagrams.find(self.source, self.target)
            if sender is not None:
                sender.refuse(self.target)
