"""TCP as programs see it: bytes in order, windows, resets, silence. Between the ends are the network's links.

What is modelled: the handshake, segments that are lost and sent again with doubled waits, a window, half-close, reset,
giving up. What is not: slow start, congestion control, fast retransmission, keep-alives, and the bytes of headers;
acknowledgements take half a round trip and draw no luck.

Why the file is long: an end of a connection is one state machine, and is read from top to bottom.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from windtunnel.sim.ports import Address, Bound, Listener, Ports, os_error
from windtunnel.sim.signals import Arrival, Signal, Timer, ns

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.link import Link

LATENESS: Final = 1 / 16
"""By what part of its length a timer of the operating system may come too late: the longer, the coarser its wheel."""


class Segment(Arrival):
    """Bytes on their way. It is itself the event of its arrival."""

    __slots__ = ("arrived", "data", "end", "fin", "first_ns", "request", "tries")

    def __init__(self, end: End, data: bytes, fin: bool, request: int, now_ns: int) -> None:
        self.end = end
        self.data = data
        self.fin = fin
        self.request = request
        self.first_ns = now_ns
        self.tries = 0
        self.arrived = False

    def _run(self) -> None:
        self.end._arrives(self)


class End:
    """One end of a connection, as the operating system keeps it. `on_event` is called when there is news.

    Attributes:
        error: why it broke, if it did.
        unread: what has arrived and was not read.
        got_eof: the peer will send no more.
        unsent_bytes: what was written beyond the window.
        dead: nothing more happens here.
    """

    def __init__(self, ports: Ports, peer_host: Host, local: Address, remote: Address) -> None:
        host = ports.host
        self.ports = ports
        self.host = host
        self.sim = host.sim
        self.settings = ports.network.tcp
        self.local = local
        self.remote = remote
        self.peer_host = peer_host
        self.peer: End | None = None
        self.link: Link = ports.network.link(host, peer_host)
        self.back: Link = ports.network.link(peer_host, host)
        self.established: Signal[None] = Signal(self.sim, f"a connection from {host.name} to {remote[0]}:{remote[1]}")
        self.on_event: Callable[[], object] | None = None
        self.error: OSError | None = None
        self.dead = False
        self.request = self.sim.request
        """Whose luck it is where nobody works for a request: who connected, then what the peer last worked for."""
        # receiving
        self.unread: deque[bytes | memoryview] = deque()
        self.got_eof = False
        self.reads_no_more = False
        """The program has shut this side down for reading: it is told of the end when all is read that has come."""
        # sending
        self.unsent: deque[tuple[bytes | memoryview, int]] = deque()
        self.unsent_bytes = 0
        self._flight: deque[Segment] = deque()
        self._used_bytes = 0
        """Sent and not acknowledged as read."""
        self._credits: deque[tuple[int, int]] = deque()
        """Acknowledgements on their way: when they are here, and for how many bytes."""
        self._owed_bytes = 0
        """Acknowledgements that a cut holds back."""
        self._closing = False
        self._closed = False
        self._fin_sent = False
        self._rtt_ns = 0
        self._timer: Timer | None = None
        self._stalled_ns = 0
        self._asked = 0
        self._closed_first = False
        self._begun = False
        """Whether it was begun here, and so has a port of its own."""
        self._listener: Listener | None = None
        """Who is to get it when its handshake is complete."""
        self._has_place = False
        self.accepted = False
        """The peer asked for the connection: what is written here are answers."""
        self._half: End | None = None
        ports.ends[self] = None

    # --- connecting --------------------------------------------------------------------------------------------------
    @classmethod
    def begin(cls, ports: Ports, remote: Address, bound: Bound | None = None) -> End:
        """Begin a connection; its `established` signal says how it went."""
        peer = ports.network.host_at(remote[0], ports.host)
        if peer is None:
            raise os_error(errno.EHOSTUNREACH)
        end = cls(ports, peer, ports.route(remote, bound), remote)
        end._begun = True
        end._syn(0)
        return end

    def _syn(self, tries: int) -> None:
        """Send the first segment, and again while nothing comes back."""
        if self.dead or self.peer is not None:
            return
        if tries > self.settings.syn_retries:
            self.fail(errno.ETIMEDOUT)
            return
        self._stalled_ns = self.sim.now_ns
        self._sent(self.link, self._syn_arrives)
        self._timer = self.sim.call_after(self._syn_wait_ns(tries), self._syn_again, tries + 1)

    def _syn_wait_ns(self, tries: int) -> int:
        return ns(self.settings.syn_rto_s * 2**tries)

    def _syn_again(self, tries: int) -> None:
        """Nothing came back. Clients that failed together come back together only nearly so: timers are coarse."""
        luck = self.sim.luck(f"tcp timers of {self.host.name}", self.request)
        late = int(luck.random() * LATENESS * self._syn_wait_ns(tries - 1))
        self._timer = self.sim.call_after(late, self._syn, tries)

    def _sent(self, link: Link, arrives: Callable[[], None]) -> bool:
        """Something without bytes goes over the link; False where it gets lost."""
        delay = link.transit_ns(0, self.request)
        if delay is not None:
            self.sim.call_after(delay, arrives)
        return delay is not None

    def _syn_arrives(self) -> None:
        ports = self.peer_host.ports
        if self.link.cuts or not self.peer_host.powered or self.dead:
            return
        half = self._half
        if half is not None and (half.dead or (half._listener is not None and half._listener.closed)):
            half._die()  # of a server that is no more
            half = None
        if half is None:
            listener = ports.streams.find(self.remote, self.local)
            if listener is None:
                self._sent(self.back, self._refused)
                return
            if listener.full:
                return  # no room: as if it had not come
            half = self._half = End(ports, self.host, self.remote, self.local)
            half.peer = self
            half.request = self.request
            half._listener = listener
            half.accepted = True
        half._take_place()
        if not self._sent(self.back, partial(self._syn_ack_arrives, half)):
            half._leave_place()

    def _take_place(self) -> None:
        if self._listener is not None and not self._has_place:
            self._has_place = True
            self._listener.half_open += 1

    def _leave_place(self) -> None:
        if self._listener is not None and self._has_place:
            self._has_place = False
            self._listener.half_open -= 1

    def _refused(self) -> None:
        if not self.back.cuts and not self.dead and self.peer is None:
            self.fail(errno.ECONNREFUSED)

    def _syn_ack_arrives(self, half: End) -> None:
        if self.back.cuts or not self.host.powered:
            half._leave_place()
            return
        if self.dead:  # who asked is no more, and its operating system says so
            self._sent(self.link, half._die)
            return
        if self.peer is not None:
            return
        self.peer = half
        self._rtt_ns = half._rtt_ns = self.sim.now_ns - self._stalled_ns
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._send_segment(b"", False, self.sim.request)  # its arrival lets the peer accept
        self.established.set()
        self._tell()

    # --- sending -----------------------------------------------------------------------------------------------------
    def write(self, data: bytes) -> None:
        """Take bytes to be sent; `unsent_bytes` says how many of all are still waiting for the window."""
        if self.accepted and self.host.replies_lost and not self.dead and self.peer_host is not self.host:
            self._send_reset()
            self.fail(errno.ECONNRESET)
            return
        request = self.sim.request
        if request < 0:
            request = self.request
        self.unsent.append((data, request))
        self.unsent_bytes += len(data)
        if self.unsent_bytes == len(data):
            self.pump()

    def finish(self) -> None:
        """Send no more after what was written (half-close)."""
        if not self._closing:
            self._closing = True
            self.pump()

    @property
    def finishing(self) -> bool:
        """Whether nothing more may be written."""
        return self._closing

    def drop_unsent(self) -> None:
        """Forget what still waits for the window."""
        self.unsent.clear()
        self.unsent_bytes = 0

    def pump(self) -> None:
        """Send what the window lets through."""
        if self.dead or self.peer is None:
            return
        now, acknowledged = self.sim.now_ns, self._credits
        while acknowledged and acknowledged[0][0] <= now:
            self._used_bytes -= acknowledged.popleft()[1]
            self._asked = 0
        had = self.unsent_bytes
        size, window = self.settings.segment_bytes, self.settings.window_bytes
        while self.unsent and self._used_bytes < window:
            data, request = self.unsent.popleft()
            if len(data) > size:
                rest = data if isinstance(data, memoryview) else memoryview(data)  # nobody copies what stays
                self.unsent.appendleft((rest[size:], request))
                data = bytes(rest[:size])
            elif isinstance(data, memoryview):
                data = bytes(data)
            self.unsent_bytes -= len(data)
            self._used_bytes += len(data)
            self._send_segment(data, False, request)
        if self.unsent:
            self._wait_for_window()
        elif self._closing and not self._fin_sent:
            self._fin_sent = True
            self._closed_first = not self.got_eof
            self._send_segment(b"", True, self.sim.request)
        if self.unsent_bytes < had:
            self._tell()

    def _send_segment(self, data: bytes, fin: bool, request: int) -> None:
        segment = Segment(self, data, fin, request, self.sim.now_ns)
        self._flight.append(segment)
        self._transmit(segment)

    def _transmit(self, segment: Segment) -> None:
        delay = self.link.transit_ns(len(segment.data), segment.request)
        if self.sim.trace is not None:
            self._note("send", segment)
        if delay is None:
            self._later(segment)
        else:
            self.sim.push(self.sim.now_ns + delay, segment)

    def _later(self, segment: Segment) -> None:
        """It was lost: send it again after a while."""
        if self.sim.trace is not None:
            self._note("drop", segment)
        if self.peer is not None and segment is self._flight[0]:
            self.peer._leave_place()
        self.sim.call_after(self._backoff_ns(segment.tries), self._again, segment)
        segment.tries += 1

    def _backoff_ns(self, tries: int) -> int:
        settings = self.settings
        first = max(ns(settings.rto_min_s), 2 * self._rtt_ns)
        return int(min(first << min(tries, 40), max(ns(settings.rto_max_s), first)))

    def _again(self, segment: Segment) -> None:
        if self.dead or segment.arrived:
            return
        if self.sim.now_ns - segment.first_ns >= ns(self.settings.give_up_s):
            self.fail(errno.ETIMEDOUT)
        else:
            self._transmit(segment)

    def _arrives(self, segment: Segment) -> None:
        """A segment of ours is at the peer's."""
        peer = self.peer
        assert peer is not None
        if segment.arrived:
            return
        if self.link.cuts or not self.peer_host.powered:
            self._later(segment)
            return
        if peer.dead:
            peer._send_reset()
            return
        if peer._listener is not None:  # this, or what was lost before it, completes the handshake
            if not peer._has_place and peer._listener.full:
                self._later(segment)
                return
            self._flight[0].arrived = True
        segment.arrived = True
        if self.sim.trace is not None:
            self._note("deliver", segment)
        flight = self._flight
        while flight and flight[0].arrived:
            peer._receive(flight.popleft())
        if self._fin_sent and not flight:
            self._maybe_over()

    # --- the window --------------------------------------------------------------------------------------------------
    def _wait_for_window(self) -> None:
        """More is to be sent than may be: come back when acknowledgements are here."""
        if self._timer is not None:
            return
        if self._credits:
            self._timer = self.sim.call_at(max(self._credits[0][0], self.sim.now_ns), self._look_again)
        elif self._owed_bytes or not self.peer_host.powered:
            if not self._asked:
                self._stalled_ns = self.sim.now_ns
            self._timer = self.sim.call_after(self._backoff_ns(self._asked), self._ask)
            self._asked += 1

    def _look_again(self) -> None:
        self._timer = None
        self.pump()

    def _ask(self) -> None:
        """Nothing has come back for a while: ask whether the peer is there."""
        self._timer = None
        if self.dead or self.peer is None:
            return
        if self.sim.now_ns - self._stalled_ns >= ns(self.settings.give_up_s):
            self.fail(errno.ETIMEDOUT)
        elif self.link.cuts or self.back.cuts or not self.peer_host.powered:
            self._wait_for_window()
        elif self.peer.dead:
            self._sent(self.link, self.peer._send_reset)
        else:
            self._credits.append((self.sim.now_ns + self._rtt_ns, self._owed_bytes))
            self._owed_bytes = 0
            self._wait_for_window()

    def _read_by_peer(self, count: int) -> None:
        """The peer's program has read bytes of ours: the acknowledgement is on its way."""
        if self.back.cuts:
            self._owed_bytes += count
        else:
            self._credits.append((self.sim.now_ns + self._rtt_ns // 2, count))
        if self.unsent:
            self._wait_for_window()

    # --- receiving ---------------------------------------------------------------------------------------------------
    def _receive(self, segment: Segment) -> None:
        if segment.request >= 0:
            self.request = segment.request
        if segment.fin:
            self.got_eof = True
            self._maybe_over()
        elif segment.data:
            if self._closed:  # nobody will read it
                self._send_reset()
                self._die()
                return
            self.unread.append(segment.data)
        elif self._listener is not None:
            self._leave_place()
            listener, self._listener = self._listener, None
            self.established.set()
            listener.push(self)
            return
        self._tell()

    def read(self, limit: int) -> bytes:
        """Up to `limit` of the bytes that are here."""
        unread = self.unread
        if len(unread) == 1 and len(unread[0]) <= limit:
            data = bytes(unread.popleft())
        else:
            parts: list[bytes | memoryview] = []
            room = limit
            while unread and room:
                part = unread.popleft()
                if len(part) > room:
                    part = memoryview(part)
                    unread.appendleft(part[room:])
                    part = part[:room]
                parts.append(part)
                room -= len(part)
            data = b"".join(parts)
        if data and self.peer is not None:
            self.peer._read_by_peer(len(data))
        return data

    # --- ending ------------------------------------------------------------------------------------------------------
    def close(self) -> None:
        """The program is done with it: send what was written, then the end. Unread bytes make it a reset."""
        if self._closed or self.dead:
            return
        self._closed = True
        self.on_event = None
        if self.peer is None or self.unread:
            self.abort()
        else:
            self.finish()
            self._maybe_over()

    def orphan(self) -> None:
        """The program that had it was killed: its operating system closes it, and sees to it that the peer learns."""
        if self._listener is not None:  # nobody had it yet
            self._die()
        elif not self._closed:
            self.drop_unsent()  # that was in the program's own memory
            self.close()

    def lose_power(self) -> None:
        """Nothing happens here any more."""
        self.dead = True
        if self.peer is not None:
            self.peer.pump()  # may have to begin asking after us

    def abort(self) -> None:
        """Drop everything and reset the connection."""
        if not self.dead:
            if self.peer is not None:
                self._send_reset()
            self._die()

    def fail(self, number: int) -> None:
        """It broke: nothing more will come or go."""
        if not self.dead:
            self.error = os_error(number)
            self._die()
            self.established.fail(self.error)
            self._tell()

    def _die(self) -> None:
        if self._begun:
            self._begun = False
            waits = self._closed_first and self.got_eof and self.peer_host is not self.host
            self.ports.unroute(self.local, self.remote, ns(self.settings.time_wait_s) if waits else 0)
        self._leave_place()
        self.dead = True
        self.unsent.clear()
        self.unsent_bytes = 0
        self.ports.ends.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _maybe_over(self) -> None:
        """Both directions have ended: forget the connection."""
        if self._closed and self.got_eof and self._fin_sent and not self._flight:
            self._die()

    def _send_reset(self) -> None:
        """Tell the peer that there is no such connection here."""
        peer = self.peer
        if peer is not None:
            delay = self.link.transit_ns(0, self.request)
            if delay is not None:
                self.sim.call_after(delay, self._reset_arrives)

    def _reset_arrives(self) -> None:
        peer = self.peer
        if peer is not None and not self.link.cuts and peer.host.powered:
            peer.fail(errno.ECONNRESET)

    def _note(self, kind: str, segment: Segment) -> None:
        """Put what became of a segment into the trace, with a digest of its bytes."""
        trace = self.sim.trace
        assert trace is not None
        if trace.records_messages:
            what = "end" if segment.fin else blake2b(segment.data, digest_size=4).hexdigest()
            who = f"{self.host.name}:{self.local[1]} > {self.peer_host.name}:{self.remote[1]}"
            trace.record(self.sim.now_ns, kind, who, f"tcp {len(segment.data)} {what}")
        if segment.data or segment.fin:  # the others are of the handshake
            text = "the end of the connection" if segment.fin else f"{len(segment.data)} bytes"
            trace.message(kind, segment, self.host.name, self.peer_host.name, text if trace.quotes else "")

    def _tell(self) -> None:
        if self.on_event is not None:
            self.on_event()


class PairEnd(End):
    """One of two ends in the same process (`socket.socketpair`): what is written is there at once."""

    @classmethod
    def pair(cls, ports: Ports) -> tuple[PairEnd, PairEnd]:
        """Two ends that are connected."""
        one, other = (cls(ports, ports.host, ("", 0), ("", 0)) for _ in range(2))
        one.peer, other.peer = other, one
        for end in (one, other):
            end.established.set()
        return one, other

    def _transmit(self, segment: Segment) -> None:
        self._arrives(segment)

    def _read_by_peer(self, count: int) -> None:
        self._used_bytes -= count
        self.pump()

    def _send_reset(self) -> None:
        if self.peer is not None:
            self.peer.fail(errno.ECONNRESET)
