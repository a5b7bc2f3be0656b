"""What each replica can know of pages: what was written beside it, and what came to it in messages.

All replicas of a run live in one process here, where a table, a class or a module can be what all of them have in
common. Each text is used once, so who shows one of which nothing has come to him has it from there.
"""

from __future__ import annotations

import re
from asyncio import Future
from collections.abc import Awaitable, Mapping
from inspect import isawaitable
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.cap.replicas import REPLICAS
from windtunnel.sim import Signal

NAMES = [f"replica {at}" for at in range(REPLICAS)]
TEXT = re.compile(r"text \d+")
"""What is written on pages, wherever it stands in a string."""


class Wires:
    """Serves what the design serves, and hears what the replicas are told."""

    def __init__(self, design: Any, stage: Stage, p: object) -> None:
        self.design, self.stage = design, stage
        self.knows: list[set[str]] = [set() for _ in NAMES]
        self.came = came = {name: list[Any]() for name in NAMES}
        """What has come to each, oldest first."""
        self.unheard = 0
        inner = stage.network.note

        def noted(kind: str, message: Any, why: str = "") -> None:
            inner(kind, message, why)
            if kind == "deliver" and message.dst.name in came:
                came[message.dst.name].append(message.body)

        stage.network.note = noted  # type: ignore[method-assign]  # of this stage alone

    def __getattr__(self, name: str) -> Any:
        """All else is the design's."""
        return getattr(self.design, name)

    def read(self, at: int, page: str) -> Any:
        """The design's answer; once it is there it is looked at."""
        answer = self.design.read(at, page)
        if isinstance(answer, Signal | Future):
            answer.add_done_callback(lambda ended: self.ended(at, ended))
        elif isawaitable(answer):
            return self.awaited(at, answer)
        else:
            self.look(at, answer)
        return answer

    def write(self, at: int, page: str, text: str) -> Any:
        """The design's answer; its replica knows the text from now on."""
        self.knows[at].add(text)
        return self.design.write(at, page, text)

    async def report(self) -> Mapping[str, object]:
        """What the design says, what was shown that had not come, and what there is beside the five."""
        found = self.design.report()
        told = await found if isawaitable(found) else found
        helpers = {*self.stage.things} - {*NAMES, "network", "clients"}
        return {**(told or {}), "unheard": self.unheard, "helpers": len(helpers)}

    def ended(self, at: int, answer: Any) -> None:
        if not (isinstance(answer, Future) and answer.cancelled()) and answer.exception() is None:
            self.look(at, answer.result())

    async def awaited(self, at: int, answer: Awaitable[Any]) -> Any:
        found = await answer
        self.look(at, found)
        return found

    def look(self, at: int, shown: Any) -> None:
        """Count what is shown here and has not come: the newest messages first, of which one mostly has it."""
        if isinstance(shown, str) and shown not in self.knows[at]:
            self.knows[at].add(shown)
            self.unheard += not any(holds(body, shown) for body in reversed(self.came[NAMES[at]]))


def holds(body: Any, text: str) -> bool:
    """Whether a text is in a message, also in strings and bytes made of it. Sets come last: they are large."""
    left, sets = [body], list[Any]()
    while left or sets:
        one = (left or sets).pop()
        if isinstance(one, str):
            if one == text or text in TEXT.findall(one):
                return True
        elif isinstance(one, bytes):
            left.append(one.decode("latin-1"))
        elif isinstance(one, Mapping):
            left += [*one, *one.values()]
        elif isinstance(one, tuple | list):
            left += one
        elif isinstance(one, set | frozenset):
            sets += one
    return False
