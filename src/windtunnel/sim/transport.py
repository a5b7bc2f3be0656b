"""asyncio's transports over simulated sockets. They call protocols in the order in which selector transports do."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from asyncio import futures, transports, trsock
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, cast

from windtunnel.sim.ports import Address, os_error
from windtunnel.sim.tcp import End

if TYPE_CHECKING:
    from windtunnel.sim.loop import HostLoop
    from windtunnel.sim.sockets import SimSocket

READ_BYTES: Final = 256 * 1024
DATAGRAM_BYTES: Final = 65_536
SENDS_EMPTY: Final = sys.version_info >= (3, 13)
"""Whether asyncio's `sendto` sends a datagram without bytes: it passed over them before."""


class BaseSimTransport(transports._FlowControlMixin):
    """What both kinds have: the socket, the protocol, and one handle for all news of one moment."""

    _protocol: Any
    _loop: HostLoop

    def __init__(
        self, loop: HostLoop, sock: SimSocket, protocol: Any, extra: dict[str, Any] | None, server: Any
    ) -> None:
        super().__init__(extra, loop)
        information: dict[str, Any] = self._extra  # type: ignore[attr-defined]  # of asyncio.BaseTransport
        information["socket"] = trsock.TransportSocket(cast(Any, sock))
        information["sockname"] = sock.getsockname()
        if sock.end is not None or sock.remote is not None:
            information["peername"] = sock.getpeername()
        self._sock = sock
        self._server = server
        self._closing = False
        self._lost = False
        self._news_due = False
        self._context = copy_context()
        self.set_protocol(protocol)
        if server is not None:
            server._attach(*self._as_argument())
        sock.on_event = self._news
        loop.transports[self] = None

    def _as_argument(self) -> tuple[Any, ...]:
        """Servers count their transports since Python 3.11, and know them since 3.13."""
        return (self,) if sys.version_info >= (3, 13) else ()

    def _news(self) -> None:
        """Something happened to the socket: look at it in the host's own time."""
        if not self._news_due:
            self._news_due = True
            self._loop.call_soon(self._on_news, context=self._context)

    def _on_news(self) -> None:
        raise NotImplementedError

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def _announce(self, waiter: asyncio.Future[None] | None) -> None:
        self._loop.call_soon(self._protocol.connection_made, self)
        self._loop.call_soon(self._start)
        if waiter is not None:
            self._loop.call_soon(futures._set_result_unless_cancelled, waiter, None)  # type: ignore[attr-defined]  # as selector transports do

    def _start(self) -> None:
        """The protocol knows the transport: it may be told the rest."""
        raise NotImplementedError

    def _lose(self, error: BaseException | None) -> None:
        """Tell the protocol, once, that it is over."""
        if not self._lost:
            self._lost = self._closing = True
            self._loop.call_soon(self._call_connection_lost, error)

    def _complain(self, error: BaseException, message: str) -> None:
        """Tell whoever listens to the loop's errors."""
        context = {"message": message, "exception": error, "transport": self, "protocol": self._protocol}
        self._loop.call_exception_handler(context)

    def orphan(self) -> None:
        """The host crashed. Streams that are then collected must not believe that somebody forgot to close them."""
        self._lost = self._closing = True

    def _call_connection_lost(self, error: BaseException | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._loop.transports.pop(self, None)
            self._sock.close()
            server, self._server = self._server, None
            if server is not None:
                server._detach(*self._as_argument())


class StreamTransport(BaseSimTransport, transports.Transport):
    """A TCP connection."""

    def __init__(
        self,
        loop: HostLoop,
        sock: SimSocket,
        protocol: Any,
        waiter: asyncio.Future[None] | None = None,
        extra: dict[str, Any] | None = None,
        server: Any = None,
    ) -> None:
        assert sock.end is not None
        self._end: End = sock.end
        self._eof_sent = False
        self._eof_seen = False
        self._paused = False
        self._started = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as asyncio does it
        super().__init__(loop, sock, protocol, extra, server)
        self._announce(waiter)

    def _start(self) -> None:
        self._started = True
        self._on_news()

    def _on_news(self) -> None:
        self._news_due = False
        end = self._end
        while end.unread and self._reading:
            self._deliver(end.read(READ_BYTES))
        if self._reading:
            if end.error is not None:
                self._break(end.error)
            elif (end.got_eof or end.reads_no_more) and not self._eof_seen:
                self._eof_seen = True
                self._deliver_eof()
        if not self._lost:
            self._maybe_resume_protocol()  # type: ignore[attr-defined]  # of the mixin
            if self._closing and (not end.unsent_bytes or end.dead):
                self._lose(end.error)

    @property
    def _reading(self) -> bool:
        return self._started and not self._paused and not self._closing

    def _deliver(self, data: bytes) -> None:
        protocol = self._protocol
        try:
            if isinstance(protocol, asyncio.BufferedProtocol):
                rest = memoryview(data)
                while rest:
                    buffer = memoryview(protocol.get_buffer(len(rest)))
                    size = min(len(buffer), len(rest))
                    if not size:
                        raise RuntimeError("get_buffer() returned an empty buffer")
                    buffer[:size] = rest[:size]
                    rest = rest[size:]
                    protocol.buffer_updated(size)
            else:
                protocol.data_received(data)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._blame(error, "data_received")

    def _deliver_eof(self) -> None:
        try:
            stays = self._protocol.eof_received()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._blame(error, "eof_received")
        else:
            if not stays:
                self.close()

    def _blame(self, error: BaseException, method: str) -> None:
        """The protocol raised: that ends the connection."""
        if not isinstance(error, OSError):
            self._complain(error, f"Fatal error: protocol.{method}() call failed.")
        self._break(error)

    def _break(self, error: BaseException) -> None:
        """End it because something went wrong."""
        self._end.drop_unsent()
        self._lose(error)

    # --- reading -----------------------------------------------------------------------------------------------------
    def is_reading(self) -> bool:
        return not self._closing and not self._paused

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused and not self._closing:
            self._paused = False
            self._news()

    # --- writing -----------------------------------------------------------------------------------------------------
    def write(self, data: Any) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if self._eof_sent:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not data or self._lost:
            return
        end = self._end
        if end.dead:
            self._break(end.error or os_error(errno.EPIPE))
            return
        end.write(bytes(data))
        self._maybe_pause_protocol()  # type: ignore[attr-defined]  # of the mixin

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not self._closing and not self._eof_sent:
            self._eof_sent = True
            self._end.finish()

    def can_write_eof(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        """Bytes beyond TCP's window: what a real transport keeps when the socket takes no more."""
        return self._end.unsent_bytes

    # --- ending ------------------------------------------------------------------------------------------------------
    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._end.unsent_bytes:
                self._lose(None)

    def abort(self) -> None:
        self._end.drop_unsent()
        self._lose(None)


class DatagramTransport(BaseSimTransport, transports.DatagramTransport):
    """A UDP socket."""

    def __init__(
        self,
        loop: HostLoop,
        sock: SimSocket,
        protocol: Any,
        address: Address | None = None,
        waiter: asyncio.Future[None] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self._address = address
        super().__init__(loop, sock, protocol, extra, None)
        self._announce(waiter)

    def _start(self) -> None:
        self._on_news()

    def _on_news(self) -> None:
        self._news_due = False
        try:
            while self._sock.readable and not self._closing:
                try:
                    data, sender = self._sock.recvfrom(DATAGRAM_BYTES)
                except OSError as error:
                    self._protocol.error_received(error)
                else:
                    self._protocol.datagram_received(data, sender)
        finally:
            if self._sock.readable and not self._closing:  # the protocol raised; the rest comes in the next turn
                self._news()

    def sendto(self, data: Any, addr: Any = None) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if not data and not SENDS_EMPTY:
            return
        if self._address is not None and addr not in (None, self._address):
            raise ValueError(f"Invalid address: must be None or {self._address}")
        if self._lost:
            return
        try:
            self._sock.sendto(data, addr if self._address is None else self._address)
        except OSError as error:
            self._protocol.error_received(error)
        except (TypeError, ValueError, OverflowError) as error:  # the address is none: asyncio ends the endpoint
            self._complain(error, "Fatal write error on datagram transport")
            self._lose(error)

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self._lose(None)

    def abort(self) -> None:
        self._lose(None)
