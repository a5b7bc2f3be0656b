"""A judge's answer: valid, invalid or unknown, the operations that prove it, and one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, Literal, TypeVar, cast

from windtunnel.lab.history import Event

Status = Literal["valid", "invalid", "unknown"]
_NOTED: ContextVar[list[Event] | None] = ContextVar("noted", default=None)


@contextmanager
def accused() -> Iterator[list[Event]]:
    """The operations that checkers name as wrong while the block runs: who draws what they found can mark them."""
    found: list[Event] = []
    before = _NOTED.set(found)
    try:
        yield found
    finally:
        _NOTED.reset(before)


def accuse(events: Iterable[Event]) -> None:
    """Name operations as wrong, for whoever notes it."""
    noted = _NOTED.get()
    if noted is not None:
        noted.extend(events)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: its name in the field, a sentence, and the few operations that show it.

    `count` says how often it was seen where only the first case is kept.
    """

    name: str
    sentence: str
    witness: tuple[Event, ...] = ()
    count: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker says of a history.

    `unknown` means that the checker spent its budget or lacks evidence: it never stands in for `valid`, and a
    verdict is true only when it is `valid`. `witness` holds the operations that contradict each other; `findings`
    holds all that was found wrong, worst first; `steps` counts the work of a search, the same on every machine.
    """

    status: Status
    sentence: str
    witness: tuple[Event, ...] = ()
    findings: tuple[Finding, ...] = ()
    steps: int = 0

    def __post_init__(self) -> None:
        if self.status == "invalid":
            accuse(self.witness)
            accuse(event for finding in self.findings for event in finding.witness)

    @property
    def ok(self) -> bool:
        """True only if the history is proved valid."""
        return self.status == "valid"

    def __bool__(self) -> bool:
        return self.ok


def conclude(findings: Sequence[Finding], sentence_if_valid: str, steps: int = 0) -> Verdict:
    """Invalid with the first finding's sentence and witness, or valid if nothing was found."""
    if not findings:
        return Verdict("valid", sentence_if_valid, steps=steps)
    worst = findings[0]
    more = len(findings) - 1
    tail = f" ({more} more kind{'s' if more > 1 else ''} of fault found.)" if more else ""
    return Verdict("invalid", worst.sentence + tail, worst.witness, tuple(findings), steps)


def merge_verdicts(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict over several: invalid if any is, else unknown if any is, else valid."""
    given = list(verdicts)
    for status in ("invalid", "unknown"):
        chosen = [v for v in given if v.status == status]
        if chosen:
            first = chosen[0]
            findings = tuple(f for v in chosen for f in v.findings)
            return Verdict(first.status, first.sentence, first.witness, findings, sum(v.steps for v in given))
    return Verdict("valid", " ".join(v.sentence for v in given), steps=sum(v.steps for v in given))


C = TypeVar("C", bound=Callable[..., Verdict])
NOTHING: Final = Verdict("unknown", "No verdict: the history holds no operation that could be judged.")
"""Of an empty history: an exporter that wrote nothing must not pass."""


def needs_operations(check: C) -> C:
    """A checker that calls no history valid in which nothing happened. Its arguments are judged first."""

    @wraps(check)
    def judged(history: Sequence[Event], *args: Any, **options: Any) -> Verdict:
        verdict = check(history, *args, **options)
        return NOTHING if verdict.ok and all(e.outcome == "fail" for e in history) else verdict

    return cast(C, judged)


class Collector:
    """Gathers findings by name: keeps the first of each and counts the rest."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}

    def add(self, name: str, sentence: str, witness: Sequence[Event], count: int = 1) -> None:
        """Note one case. The sentence of the first case stays."""
        old = self._found.get(name)
        if old is None:
            self._found[name] = Finding(name, sentence, tuple(witness), count)
        else:
            self._found[name] = Finding(name, old.sentence, old.witness, old.count + count)

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def findings(self, order: Sequence[str] = ()) -> tuple[Finding, ...]:
        """All of them, those named in `order` first, the others as they came."""
        rank = {name: i for i, name in enumerate(order)}
        return tuple(sorted(self._found.values(), key=lambda f: rank.get(f.name, len(rank))))
