"""A trace of what happened in the tunnel: the newest records, and a digest of all of them.

Off by default, and then it costs one comparison where a record would be made. On, memory is bounded: the digest takes
every record, the window keeps the newest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from windtunnel.sim.fault import Fault

T = TypeVar("T")


class Record(NamedTuple):
    """At `now_ns`, `kind` happened to `who`."""

    now_ns: int
    kind: str
    who: str
    detail: str = ""


class Trace:
    """Keeps the newest `keep` records and a running digest of all; two runs are equal when their digests are.

    It is also told of customers, messages and faults as objects. It makes nothing of that; who records more
    (`windtunnel.lab.trace`) overrides these methods, and may change nothing in the run.
    """

    records_messages = True
    """Whether each message is a record, with what it carries as text: most of what a trace of messages costs."""
    quotes = False
    """Whether `message` is told as text what each message carries."""

    def __init__(self, keep: int = 10_000) -> None:
        self.records: deque[Record] = deque(maxlen=keep)
        self.count = 0
        self._hash = blake2b(digest_size=16)

    def record(self, now_ns: int, kind: str, who: str, detail: str = "") -> None:
        """Take one record in."""
        self.count += 1
        self.records.append(Record(now_ns, kind, who, detail))
        self._hash.update(f"{now_ns}\x1f{kind}\x1f{who}\x1f{detail}\n".encode())

    @property
    def digest(self) -> str:
        """Hexadecimal digest of every record so far."""
        return self._hash.hexdigest()

    # --- for those who record more ---------------------------------------------------------------------------------
    def admitted(self, server: Any, customer: Any, signal: Any) -> None:
        """A server let a customer in; `signal` is what its caller may wait for."""

    def left(self, server: Any, customer: Any, how: str) -> None:
        """A server is done with a customer: "served", "dropped" or "withdrawn"."""

    def waits(self, signal: Any, until_ns: int) -> None:
        """Somebody waits for a signal, and will no longer from that moment on."""

    def gave_up(self, signal: Any) -> None:
        """Whoever waited got no answer, and stopped."""

    def asked(self, service: Any, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        """A modelled engine is asked for some work; what it shall do in its place."""
        return work

    def message(self, kind: str, carried: Any, source: str, target: str, text: str) -> None:
        """A message or segment was sent, delivered or dropped between two hosts."""

    def strikes(self, fault: Fault, begins: bool) -> None:
        """What follows is done to begin a fault, or to end it."""

    def struck(self) -> None:
        """That was all of it."""
