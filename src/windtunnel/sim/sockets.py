"""Sockets of simulated hosts: what `socket.socket` is while a simulation runs."""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from windtunnel.sim.sandbox import NotSimulated, current_host
from windtunnel.sim.signals import Arrival
from windtunnel.sim.tcp import ANY, Address, End, Listener, os_error

if TYPE_CHECKING:
    from windtunnel.sim.host import Host

FIRST_DESCRIPTOR: Final = 1 << 20
"""Descriptors are numbers that no real file has."""
DATAGRAM_BYTES: Final = 65_507


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
        self.local: Address | None = None if end is None else end.local
        self.remote: Address | None = None
        self.datagrams: deque[tuple[bytes, Address]] = deque()
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
        self._options[level, option] = value

    def getsockopt(self, level: int, option: int, size: int = 0) -> Any:
        """What was set, or 0."""
        return self._options.get((level, option), 0)

    def getsockname(self) -> Address:
        if self.end is not None:
            return self.end.local
        return self.local or (ANY, 0)

    def getpeername(self) -> Address:
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
            self.end.close()
        if self.listener is not None:
            self.listener.close()
        if self.local is not None and self.type == socket.SOCK_DGRAM:
            self.ports.datagrams.pop(self.local, None)

    def detach(self) -> int:
        """Forget the connection without closing it."""
        descriptor, self._descriptor = self._descriptor, -1
        return descriptor

    def __enter__(self) -> SimSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SimSocket {self.host.name} {self.getsockname()}>"

    # --- TCP ---------------------------------------------------------------------------------------------------------
    def bind(self, address: Any) -> None:
        """Take a local address; port 0 is any free one."""
        self._usable()
        if self.local is not None:
            raise os_error(errno.EINVAL)
        ip = str(address[0])
        ip = ANY if ip in ("", ANY) else (self.host.network.lookup(ip, self.host) or ip)
        wanted = (ip, int(address[1]))
        if self.type == socket.SOCK_DGRAM:
            self.local = self.ports.bind(self.ports.datagrams, wanted, self)
        else:
            probe: dict[Address, Any] = dict(self.ports.listeners)
            self.local = self.ports.bind(probe, wanted, self)

    def listen(self, backlog: int = 128) -> None:
        """Take connections from now on."""
        self._usable()
        if self.listener is None:
            self.listener = Listener(self.ports, self.local or (ANY, 0), backlog)
            self.local = self.listener.address
            self.listener.on_event = self._tell

    def connect(self, address: Any) -> None:
        """Begin a connection (a UDP socket: choose whom it talks to)."""
        self._usable()
        ip = self.host.network.lookup(str(address[0]), self.host)
        if ip is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if self.type == socket.SOCK_DGRAM:
            self.remote = (ip, int(address[1]))
            if self.local is None:
                self.bind((ANY, 0))
        elif self.end is not None:
            raise os_error(errno.EISCONN)
        else:
            self.end = self.ports.connect((ip, int(address[1])), self.local[1] if self.local else None)
            self.end.on_event = self._tell
            if not self.end.established.done():
                raise os_error(errno.EINPROGRESS)

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
        if end.unread:
            return end.read(size)
        if end.error is not None:
            raise end.error
        if end.got_eof or end.dead:
            return b""
        raise os_error(errno.EWOULDBLOCK)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As `recv`, into a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view))
        view[: len(data)] = data
        return len(data)

    def send(self, data: Any, flags: int = 0) -> int:
        """Take bytes to be sent; BlockingIOError while a window full of them waits."""
        if self.type == socket.SOCK_DGRAM:
            return self.sendto(data, self.getpeername())
        end = self._connected()
        if end.dead or end.error is not None:
            raise end.error or os_error(errno.EPIPE)
        if end.unsent_bytes >= end.settings.window_bytes:
            raise os_error(errno.EWOULDBLOCK)
        end.write(bytes(data))
        return len(data)

    def shutdown(self, how: int) -> None:
        """Send no more (half-close)."""
        end = self._connected()
        if how in (socket.SHUT_WR, socket.SHUT_RDWR):
            end.finish()

    # --- UDP ---------------------------------------------------------------------------------------------------------
    def sendto(self, data: Any, *flags_and_address: Any) -> int:
        """Send a datagram."""
        address = flags_and_address[-1]
        self._usable()
        if self.local is None:
            self.bind((ANY, 0))
        if len(data) > DATAGRAM_BYTES:
            raise os_error(errno.EMSGSIZE)
        Datagram(self, bytes(data), (str(address[0]), int(address[1]))).send()
        return len(data)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Address]:
        """The next datagram that is here, and who sent it."""
        self._usable()
        if not self.datagrams:
            raise os_error(errno.EWOULDBLOCK)
        data, sender = self.datagrams.popleft()
        return data[:size], sender

    # --- the inside --------------------------------------------------------------------------------------------------
    @property
    def readable(self) -> bool:
        """Whether `recv`, `recvfrom` or `accept` has an answer."""
        if self.listener is not None:
            return bool(self.listener.queue)
        end = self.end
        if end is None:
            return bool(self.datagrams)
        return bool(end.unread) or end.got_eof or end.dead

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


class Datagram(Arrival):
    """A UDP datagram on its way. It is itself the event of its arrival."""

    __slots__ = ("data", "dst", "host", "link", "source", "target")

    def __init__(self, sender: SimSocket, data: bytes, target: Address) -> None:
        host = sender.host
        ip = host.network.lookup(target[0], host)
        dst = None if ip is None else host.network.host_at(ip, host)
        if ip is None or dst is None:
            raise os_error(errno.EHOSTUNREACH)
        self.data = data
        self.host = host
        self.dst = dst
        self.target = (ip, target[1])
        own = ip if ip.startswith("127.") else host.address
        self.source = (own, sender.getsockname()[1])
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
        if self.link.cuts or self.dst.down:
            return
        ports = self.dst.ports
        receiver: SimSocket | None = ports.find(ports.datagrams, self.target)
        if receiver is not None and receiver.remote in (None, self.source):
            receiver.datagrams.append((self.data, self.source))
            receiver._tell()
