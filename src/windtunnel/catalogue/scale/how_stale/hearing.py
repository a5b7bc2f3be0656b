"""Whether what clients were told came out of copies, by the messages of a run."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

from windtunnel import Held, History

Sent = tuple[int, str, str, float, float | None, str]
"""A message, as `Held.messages` has it."""


def audit(history: History, held: Held, p: object) -> dict[str, float]:
    """Whether answers came out of copies: how many came before any copy had answered, or were yes before one that had
    heard of the write had.

    Messages are recorded of runs of few requests alone; elsewhere it is no number.
    """
    if not held.messages:
        return {"unasked": nan}
    heard: dict[int, float] = {}
    for request, source, _, _, arrived, _ in held.messages:
        if source.startswith("copy ") and arrived is not None:
            heard[request] = min(arrived, heard.get(request, arrived))
    calls = [e for e in history if e.name in ("get", "put") and e.outcome == "ok"]
    early = sum(e.end < heard.get(e.id, inf) for e in calls)
    puts = {e.args[0]: e.id for e in history if e.name == "put"}
    told = {key: told_of(put, held.messages) for key, put in puts.items()}
    yes = [e for e in calls if e.name == "get" and e.value is True and e.end >= heard.get(e.id, inf)]
    return {"unasked": float(early + sum(e.end < told.get(e.args[0], {}).get(e.id, inf) for e in yes))}


def told_of(put: int, messages: Sequence[Sent]) -> dict[int, float]:
    """By request, when a copy that had heard of this write first answered it. Copies may hear of it from each other."""
    knows: dict[str, float] = {}
    told: dict[int, float] = {}
    came = [(got, sent, asked, source, target) for asked, source, target, sent, got, _ in messages if got is not None]
    for arrived, sent, request, source, target in sorted(came):
        if knows.get(source, inf) <= sent:
            told.setdefault(request, arrived)
        elif request != put:
            continue
        if target.startswith("copy "):
            knows.setdefault(target, arrived)
    return told
