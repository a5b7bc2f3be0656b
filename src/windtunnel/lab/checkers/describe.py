"""Operations and values in words, short enough to stand in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from windtunnel.lab.history import Event

WIDEST = 60
"""Characters after which a shown value is cut in the middle."""
MOST_LISTED = 8
"""Operations that a sentence lists before it only counts them."""

READS = frozenset({"read", "get", "dequeue", "poll", "acquire"})
"""Operations whose answer None is worth showing."""


def shown(value: object) -> str:
    """The value as Python writes it, cut in the middle when long."""
    text = repr(value)
    if len(text) <= WIDEST:
        return text
    half = WIDEST // 2 - 2
    return f"{text[:half]} … {text[-half:]}"


def printable(name: str) -> str:
    """The name as it is, or as Python writes it where it would disturb a line of text."""
    return shown(name) if not name.isprintable() else name


def seconds(at_s: float) -> str:
    """A time as `1.25 s`."""
    return f"{at_s:.9g} s"


def call(event: Event) -> str:
    """`c1 read() = 3`: who called what, and what came back."""
    args = ", ".join(shown(a) for a in event.args)
    told = event.outcome == "ok" and (event.value is not None or event.name in READS)
    answer = f" = {shown(event.value)}" if told else ""
    return f"{printable(event.client)} {printable(event.name)}({args}){answer}"


def operation(event: Event) -> str:
    """The call with its times: `c1 read() = 3 (1 s to 1.5 s)`."""
    if event.outcome == "unknown":
        return f"{call(event)} (from {seconds(event.start)}, outcome unknown)"
    return f"{call(event)} ({seconds(event.start)} to {seconds(event.end)})"


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = list(parts)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def counted(n: int, noun: str) -> str:
    """`1 operation`, `2,000 operations`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def unexplained(blamed: Event, witness: Sequence[Event], others: bool) -> str:
    """The clause that no order explains `blamed` beside the rest of the witness; `others` were left out of it."""
    rest = [operation(e) for e in witness if e is not blamed]
    if len(rest) > MOST_LISTED:
        rest = [*rest[: MOST_LISTED - 1], f"{len(rest) - MOST_LISTED + 1:,} more"]
    beside = f" together with {listed(rest)}" if rest else ""
    return f"no order explains {operation(blamed)}{beside}{', and no other operation mends that' if others else ''}"
