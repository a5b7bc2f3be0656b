"""Records a run in the tunnel: what the simulator tells its `trace`, as the typed records of `records`.

A customer's times are read when the run is over, from the customer itself: a first-come-first-served server knows them
on arrival, and moves them when its speed changes. So a recorder keeps a ticket for each attempt, and is told what the
customer does not know: who came, who was turned away, thrown out or given up.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from windtunnel.lab.trace.records import (
    NEVER,
    Attempt,
    Box,
    Change,
    Mark,
    Message,
    Request,
    Run,
    Trace,
    Way,
    is_plain,
)
from windtunnel.sim.fault import name_of
from windtunnel.sim.network import CLIENTS
from windtunnel.sim.servers.fifo import DEPARTURE, ENTRY, START
from windtunnel.sim.signals import NEVER as FAR
from windtunnel.sim.trace import Trace as SimTrace
from windtunnel.splitmix import mix

if TYPE_CHECKING:
    from windtunnel.lab.history import Event
    from windtunnel.lab.running.outcomes import Recorder as Answers
    from windtunnel.sim.fault import Fault
    from windtunnel.sim.kernel import Simulator

T = TypeVar("T")
MOST_REQUESTS: Final = 20_000
"""Requests with which nothing is wrong that are kept of a run, about; of more a sample is taken."""
MOST_BACKGROUND: Final = 100_000
"""Messages and attempts that belong to no request; the newest are kept."""
FACETS: Final = {
    "pace": ("speed", ""),
    "crash": ("up", "down"),
    "restart": ("up", "yes"),
    "silent": ("answers", "lost"),
    "heard": ("answers", "given"),
    "pause": ("runs", "paused"),
    "resume": ("runs", "yes"),
    "partition": ("way", "cut"),
    "heal": ("way", "open"),
}
"""What things note of themselves: the facet of theirs, and its state where the note has none."""


def sampled(request: int, share: float) -> bool:
    """Whether a request is among this share of all: the same ones in every design and run."""
    return share >= 1 or mix((request * 0x9E3779B97F4A7C15) & ((1 << 64) - 1)) < share * (1 << 64)


class Ticket:
    """An attempt while the run goes on. Times in nanoseconds of the simulator; None is what is not known yet."""

    __slots__ = (
        "begun",
        "customer",
        "ended",
        "fate",
        "given_up",
        "request",
        "sent",
        "server",
        "signal",
        "source",
        "target",
        "until",
    )

    def __init__(self, request: int, source: str, target: str, sent: int, server: Any, customer: Any) -> None:
        self.request = request
        self.source = source
        self.target = target
        self.sent = sent
        self.server = server
        self.customer = customer
        self.signal: Any = None
        """What its caller waits for: held, so that nothing else gets its identity."""
        self.until = NEVER
        self.begun: int | None = None
        self.ended: int | None = None
        self.fate = ""
        self.given_up = False

    def times(self) -> tuple[int, int]:
        """When work on it begins and when it ends, as far as is known now."""
        begun, ended = self.begun, self.ended
        if self.customer.__class__ is ENTRY:  # a first-come-first-served server's
            begun = self.customer[START] if begun is None else begun
            ended = self.customer[DEPARTURE] if ended is None else ended
        elif begun is None:
            begun = getattr(self.customer, "started_ns", None)
        return FAR if begun is None else begun, FAR if ended is None else ended

    def unanswered(self, ended: int) -> bool:
        """Whether its server loses the answer to what is done then."""
        return hasattr(self.server, "unanswered") and self.server.unanswered(ended) is not None

    def freeze(self, now: int, fate: str) -> None:
        """It ends now, in this way, unless it has ended."""
        begun, ended = self.times()
        if ended >= now and not self.fate:
            self.begun = begun if begun <= now else FAR
            self.ended, self.fate = now, fate


class Recorder(SimTrace):
    """The `trace` of a simulator that keeps what a `Trace` of the lab is made of.

    Args:
        share: of the requests with which nothing is wrong, how many are kept; the others are kept all.
        quotes: whether what messages carry is kept as text; a picture has no room for it.
    """

    records_messages = False

    def __init__(self, share: float = 1.0, *, quotes: bool = True) -> None:
        super().__init__(0)
        self.share = share
        self.quotes = quotes
        self._sim: Any = None
        self._tickets: dict[int, list[Ticket]] = {}
        self._by_signal: dict[int, Ticket] = {}
        self._messages: dict[int, Any] = {}
        self._under_way: dict[int, tuple[Any, list[Any]]] = {}
        self._left_out: set[int] = set()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._sends: Counter[tuple[str, str]] = Counter()
        self._background = 0
        self._changes: list[Change] = []
        self._marks: list[Mark] = []
        self._faults: dict[int, tuple[int, Fault]] = {}
        self._striking: tuple[int, Fault, bool] | None = None
        """The fault that is beginning (True) or ending just now."""
        self._noted = False
        self._servers: dict[str, Any] = {}
        self._closed = False
        self._end = 0
        self.trace = Trace(Run("", 0, {}, 1, 0, 0, share, 0, ""))
        """What was recorded, once the run is over, in nanoseconds."""

    def watch(self, sim: Simulator, answers: Answers) -> None:
        """Attach to a run: before its design is started."""
        self._sim = sim
        if self.share < 1:
            returned = answers.returned

            def and_let_go(op: Any, due: float, start: float, end: float, value: object) -> None:
                returned(op, due, start, end, value)
                self._let_go(op.id)

            answers.returned = and_let_go  # type: ignore[method-assign]  # of this one run

    # --- what the simulator tells ------------------------------------------------------------------------------------
    def record(self, now_ns: int, kind: str, who: str, detail: str = "") -> None:
        """What a thing notes of itself."""
        if self._closed:
            return
        if kind == "reject":
            self._attempt(None, who, None).freeze(now_ns, "rejected")
        elif kind in FACETS:
            facet, state = FACETS[kind]
            why = NEVER if self._striking is None else self._striking[0]
            self._changes.append(Change(now_ns, who, facet, state or detail, why))
            self._noted = True
            if kind == "crash":
                for ticket in (one for own in self._tickets.values() for one in own if one.target == who):
                    if ticket.times()[1] > now_ns:
                        ticket.freeze(now_ns, "lost")

    def admitted(self, server: Any, customer: Any, signal: Any) -> None:
        """A customer was let in; `signal` is what its caller waits for."""
        if not self._closed:
            self._servers[server.name] = server
            self._known(signal, self._attempt(server, server.name, customer))

    def left(self, server: Any, customer: Any, how: str) -> None:
        """A customer is no longer inside."""
        ticket = self._by_signal.get(id(customer))
        if ticket is not None:
            ticket.freeze(self._sim.now_ns, how)

    def waits(self, signal: Any, until_ns: int) -> None:
        """Whoever waits for this signal will wait until then."""
        ticket = self._by_signal.get(id(signal))
        if ticket is not None and not self._closed:
            ticket.until = min(until_ns, FAR)

    def gave_up(self, signal: Any) -> None:
        """Whoever waited for it does so no longer, and got no answer."""
        ticket = self._by_signal.get(id(signal))
        if ticket is not None and not self._closed:
            ticket.until, ticket.given_up = self._sim.now_ns, True

    def asked(self, service: Any, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        """The work that a service is asked for, so that it tells when it is begun and done."""
        if self._closed:
            return work

        async def told() -> T:
            ticket.begun = self._sim.now_ns
            try:
                found = await work()
            except Exception:
                ticket.freeze(self._sim.now_ns, "served")
                raise
            ticket.freeze(self._sim.now_ns, "served")
            return found

        ticket = self._attempt(None, service.name, told)
        self._known(told, ticket)
        return told

    def message(self, kind: str, carried: Any, source: str, target: str, text: str) -> None:
        """A message was sent, delivered or dropped; a segment of TCP may be sent again."""
        if self._closed:
            return
        now, key = self._sim.now_ns, id(carried)
        if kind == "send":
            self._sends[source, target] += 1
            self._under_way[key] = (carried, self._sent(carried.request, source, target, now, text))
            return
        known = self._under_way.pop(key, None)
        if known is None:  # it comes a second time
            known = (carried, self._sent(carried.request, source, target, getattr(carried, "sent_ns", now), text))
        if kind == "deliver":
            known[1][4] = now
        else:
            known[1][5] = True

    def strikes(self, fault: Fault, begins: bool) -> None:
        """What follows is done to begin this fault, or to end it."""
        if not self._closed:
            number, _ = self._faults.setdefault(id(fault), (len(self._faults), fault))
            self._striking, self._noted = (number, fault, begins), False
            self._marks.append(Mark(self._sim.now_ns, f"Fault {number}{'' if begins else ' ends'}: {fault}"))

    def struck(self) -> None:
        """That was all of it."""
        striking, self._striking = self._striking, None
        if striking is not None and not self._noted and not self._closed:  # the things it strikes note nothing of it
            number, fault, begins = striking
            state = (fault.details() or "yes") if begins else "no"
            for target in fault.targets or ("network",):
                self._changes.append(Change(self._sim.now_ns, name_of(target), fault.word, state, number))

    # --- keeping -----------------------------------------------------------------------------------------------------
    def _attempt(self, server: Any, target: str, customer: Any) -> Ticket:
        sim = self._sim
        here = sim.here
        source = CLIENTS if here is None else here.name
        request = sim.request
        self._calls[source, target] += 1
        ticket = Ticket(request, source, target, sim.now_ns, server, customer)
        if request not in self._left_out:
            self._tickets.setdefault(request, []).append(ticket)
        return ticket

    def _known(self, signal: Any, ticket: Ticket) -> None:
        ticket.signal = signal
        self._by_signal[id(signal)] = ticket

    def _sent(self, request: int, source: str, target: str, now: int, text: str) -> list[Any]:
        made: list[Any] = [request, source, target, now, NEVER, False, text]
        if request < 0:
            self._background += 1
            self._messages.setdefault(request, deque(maxlen=MOST_BACKGROUND)).append(made)
        elif request not in self._left_out:
            self._messages.setdefault(request, []).append(made)
        return made

    def _let_go(self, request: int) -> None:
        """The request was answered: forget it if it is not in the sample and nothing was wrong with it."""
        if sampled(request, self.share):
            return
        now = self._sim.now_ns
        own = self._tickets.get(request, [])
        if all(self._used(ticket, *ticket.times(), now, True) for ticket in own):
            self._left_out.add(request)
            self._tickets.pop(request, None)
            self._messages.pop(request, None)
            for ticket in own:
                if self._by_signal.get(id(ticket.signal)) is ticket:
                    del self._by_signal[id(ticket.signal)]

    @staticmethod
    def _used(ticket: Ticket, begun: int, ended: int, over: int, ok: bool) -> bool:
        """Whether the answer reached somebody who waited; `over` is when the request was, or FAR."""
        if ticket.fate not in ("", "served") or ticket.given_up or ended > over or ended >= FAR:
            return False
        if ticket.unanswered(ended):
            return False
        return ticket.until < 0 or ended <= ticket.until or (ok and ended == over)

    # --- at the end --------------------------------------------------------------------------------------------------
    def finish(self, origin_ns: int, events: Iterable[Event], things: Mapping[str, Any]) -> None:
        """The run is over: nothing is recorded any more. To be called before what is broken is mended."""
        self._closed = True
        origin, now = origin_ns, self._sim.now_ns
        self._end = now
        requests = {e.id: _request(e) for e in events}
        attempts: list[Attempt] = []
        messages: list[Message] = []
        kept: list[Request] = []
        for number in sorted({*requests, *self._tickets, *self._messages} - self._left_out):
            request = requests.get(number)
            over = FAR if request is None or request.end < 0 else request.end + origin
            tickets = (t for t in self._tickets.get(number, ()) if t.sent >= origin or t.times()[1] > origin)
            own = [self._final(ticket, i, origin, over, request) for i, ticket in enumerate(tickets)]
            if request is not None:
                if not sampled(number, self.share) and is_plain(request.outcome, request.end, own):
                    continue
                kept.append(request)
            attempts += own
            for _, source, target, sent, arrived, lost, text in self._messages.get(number, ()):
                if sent >= origin:
                    arrived_at = arrived - origin if arrived >= 0 else NEVER
                    messages.append(Message(number, source, target, sent - origin, arrived_at, lost, text))
        changes = [one._replace(at=max(0, one.at - origin)) for one in self._changes]
        marks = [one._replace(at=max(0, one.at - origin)) for one in self._marks]
        failed = [r for r in requests.values() if r.outcome != "ok" and r.end >= 0]
        if failed:
            first = min(failed, key=lambda r: r.end)
            marks.append(
                Mark(first.end, f"The first request that is not answered ends: {first.name} of {first.client}")
            )
        left_out = max(0, self._background - MOST_BACKGROUND)
        self.trace = Trace(
            Run("", 0, {}, 1, now - origin, len(requests), self.share, left_out, ""),
            _boxes({**self._servers, **things}, self._calls, self._sends),
            [Way(*pair, self._calls[pair], self._sends[pair]) for pair in sorted({*self._calls, *self._sends})],
            kept,
            attempts,
            messages,
            changes,
            sorted(marks, key=lambda mark: mark.at),
        )
        for store in (self._tickets, self._by_signal, self._messages, self._under_way):
            store.clear()

    def _final(self, ticket: Ticket, number: int, origin: int, over: int, request: Request | None) -> Attempt:
        begun, ended = ticket.times()
        if begun > self._end:
            begun = FAR
        if ended > self._end:
            ended = FAR
        ok = request is not None and request.outcome == "ok"
        used = self._used(ticket, begun, ended, over, ok)
        fate = ticket.fate or ("open" if ended == FAR else "served")
        if fate == "served" and ticket.unanswered(ended):
            fate = "unanswered"
        since = [t - origin if 0 <= t < FAR else NEVER for t in (ticket.until, begun, ended)]
        sent = max(0, ticket.sent - origin)
        until, begun, ended = (t if t < 0 else max(sent, t) for t in since)
        return Attempt(ticket.request, number, ticket.source, ticket.target, sent, until, begun, ended, fate, used)


def _request(event: Event) -> Request:
    end = NEVER if event.value == "unfinished" and event.outcome == "unknown" else round(event.end * 1e9)
    return Request(event.id, event.client, event.name, round(event.due * 1e9), end, event.outcome)


def _boxes(things: Mapping[str, Any], calls: Mapping[tuple[str, str], int], sends: Mapping[Any, int]) -> list[Box]:
    """What stands on the stage and can be called, and who else called or was called."""
    from windtunnel.engines.shared.service import OnHost

    found = {CLIENTS: Box(CLIENTS, "client")}
    for name, thing in things.items():
        if hasattr(thing, "queue_limit"):  # a server, or what says of itself what servers say
            bound = NEVER if thing.queue_limit is None else thing.queue_limit
            found[thing.name] = Box(thing.name, "server", thing.workers, bound, _discipline(thing))
        elif isinstance(thing, OnHost):
            found[name] = Box(name, type(thing).__module__.split(".")[-2], thing.host.cpu.cores)
    for source, target in [*calls, *sends]:
        found.setdefault(source, Box(source, "host"))
        found.setdefault(target, Box(target, "host" if (source, target) in sends else "server"))
    return list(found.values())


def _discipline(server: Any) -> str:
    own = getattr(server, "discipline", None)
    if own is not None:
        return type(own).__name__
    return "shared" if type(server).__name__ == "ProcessorSharingServer" else "Fifo"
