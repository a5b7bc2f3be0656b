"""What each replica can know: what was written beside it, and what came to it in messages.

All replicas of a run live in one process here, where a table, a class or a module can be what all of them have in
common. Each text and each item is used once, so who shows one of which nothing has come to him has it from there.
"""

from __future__ import annotations

import re
from asyncio import Future
from collections.abc import Awaitable, Iterable, Mapping
from inspect import isawaitable
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.cap.replicas import REPLICAS
from windtunnel.sim import Signal

NAMES = [f"replica {at}" for at in range(REPLICAS)]
ONE = re.compile(r"(?:text|item) \d+")
"""What is written on pages and put into carts, wherever it stands in a string."""


class Wires:
    """Serves what the design serves, and hears what the replicas are told."""

    def __init__(self, design: Any, stage: Stage, p: object) -> None:
        self.design, self.stage = design, stage
        self.knows: list[set[str]] = [set() for _ in NAMES]
        self.came: dict[str, list[Any]] = {name: [] for name in NAMES}
        """Messages that have come to each, and nobody has looked into yet."""
        self.unheard = 0
        inner = stage.network.note

        def noted(kind: str, message: Any, why: str = "") -> None:
            inner(kind, message, why)
            if kind == "deliver" and message.dst.name in self.came:
                self.came[message.dst.name].append(message.body)

        stage.network.note = noted  # type: ignore[method-assign]  # of this stage alone

    def __getattr__(self, name: str) -> Any:
        """All else is the design's."""
        return getattr(self.design, name)

    def read(self, at: int, page: str) -> Any:
        return self.shown(at, self.design.read(at, page))

    def cart(self, at: int, cart: str) -> Any:
        return self.shown(at, self.design.cart(at, cart))

    def write(self, at: int, page: str, text: str) -> Any:
        self.knows[at].add(text)
        return self.design.write(at, page, text)

    def add(self, at: int, cart: str, item: str) -> Any:
        self.knows[at].add(item)
        return self.design.add(at, cart, item)

    async def report(self) -> Mapping[str, object]:
        """What the design says, what was shown that had not come, and what there is beside the five."""
        found = self.design.report()
        told = await found if isawaitable(found) else found
        helpers = {*self.stage.things} - {*NAMES, "network", "clients"}
        return {**(told or {}), "unheard": self.unheard, "helpers": len(helpers)}

    def shown(self, at: int, answer: Any) -> Any:
        """The same answer; once it is there it is looked at."""
        if isinstance(answer, Signal | Future):
            answer.add_done_callback(lambda ended: self.ended(at, ended))
        elif isawaitable(answer):
            return self.awaited(at, answer)
        else:
            self.look(at, answer)
        return answer

    def ended(self, at: int, answer: Any) -> None:
        if not (isinstance(answer, Future) and answer.cancelled()) and answer.exception() is None:
            self.look(at, answer.result())

    async def awaited(self, at: int, answer: Awaitable[Any]) -> Any:
        found = await answer
        self.look(at, found)
        return found

    def look(self, at: int, answer: Any) -> None:
        """Count what is shown here and has not come."""
        knows, came = self.knows[at], self.came[NAMES[at]]
        for one in said((answer,)):
            if one not in knows:
                knows.update(said(came))
                came.clear()
                self.unheard += one not in knows


def said(those: Iterable[Any]) -> Iterable[str]:
    """Each text and item in messages, also in strings and bytes that were made of them."""
    left = list(those)
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield from ONE.findall(one)
        elif isinstance(one, bytes):
            left.append(one.decode("latin-1"))
        elif isinstance(one, Mapping):
            left += [*one, *one.values()]
        elif isinstance(one, tuple | list | set | frozenset):
            left += one
