"""What each of several hosts can know: what was given to it, and what came to it in messages from the others.

All hosts of a run live in one process, where a table, a class or a module can be what all of them have in common. Who
shows a text of which nothing has come to it has it from there. A rig listens, since a design would not tell.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Set, ValuesView
from dataclasses import fields, is_dataclass
from inspect import isawaitable
from re import Pattern
from typing import Any, Protocol

from windtunnel.parts.peers import Peer
from windtunnel.parts.several import OUTSIDE
from windtunnel.sim import Network, Signal


class Surroundings(Protocol):
    """Where the hosts live: a stage in the tunnel."""

    @property
    def network(self) -> Network: ...


class Hearing:
    """Listens to messages from here on, and counts what is shown where it has not come.

    What is in a message is noted when it arrives: a table of its sender's may be in it that changes later.
    What goes over sockets is not heard.

    Args:
        stage: of this run alone.
        names: of the hosts; what others send them, a client or a gate, counts for nothing.
        text: what texts are like, each of which is used once: they are found inside of other strings and bytes too.
    """

    def __init__(self, stage: Surroundings, names: Collection[str], text: Pattern[str]) -> None:
        self.text = text
        self.unheard = 0
        """Texts that were shown where they had not come, each counted once for each host."""
        self._knows = knows = {name: set[str]() for name in names}
        inner = stage.network.note

        def noted(kind: str, message: Any, why: str = "") -> None:
            inner(kind, message, why)
            if kind == "deliver" and message.dst.name in knows and message.src.name in knows:
                hear(message.body, text, knows[message.dst.name])

        stage.network.note = noted  # type: ignore[method-assign]  # of this stage alone

    def given(self, at: str, text: str) -> None:
        """A client gives this text to this host."""
        self._knows[at].add(text)

    def shown(self, at: str, text: object) -> None:
        """This host shows it; what is no text is let pass."""
        if isinstance(text, str) and text not in self._knows[at]:
            self._knows[at].add(text)
            self.unheard += 1


MUTE = {int, float, bool, type(None)}
"""Types of what holds no text. What is neither known nor a record is found to be such, and comes here too."""
RECORDS = dict[type, tuple[str, ...]]()
"""The fields of dataclasses that have come."""


def hear(body: Any, text: Pattern[str], knows: set[str]) -> None:
    """Note all strings in a message, and all texts in them, whatever they came in."""
    kind = type(body)
    if kind is str:
        if body not in knows:
            knows.add(body)
            knows.update(text.findall(body))
    elif kind is tuple or kind is list:
        for one in body:
            if type(one) not in MUTE:
                hear(one, text, knows)
    elif kind in RECORDS:
        for name in RECORDS[kind]:
            hear(getattr(body, name, None), text, knows)
    elif isinstance(body, str):
        hear("".join(body), text, knows)
    elif isinstance(body, bytes | bytearray | memoryview):
        hear(bytes(body).decode("latin-1"), text, knows)
    elif isinstance(body, Mapping):
        hear([*body, *body.values()], text, knows)
    elif isinstance(body, tuple | list | Set | deque | ValuesView):
        hear([*body], text, knows)
    elif isinstance(body, BaseException):
        hear([*body.args, *vars(body).values()], text, knows)
    elif kind.__module__.startswith(OUTSIDE) and not isinstance(body, Peer) and hasattr(body, "__dict__"):
        hear([*vars(body).values()], text, knows)  # a record of somebody's own, that is no host
    elif is_dataclass(kind):
        RECORDS[kind] = tuple(field.name for field in fields(body))
        hear(body, text, knows)
    else:
        MUTE.add(kind)


def once_answered(answer: Any, look: Callable[[Any], None]) -> Any:
    """A design's answer, the same; once it is there it is looked at, if it is no failure."""
    if isinstance(answer, Signal | Future):

        def ended(over: Any) -> None:
            if not (isinstance(over, Future) and over.cancelled()) and over.exception() is None:
                look(over.result())

        answer.add_done_callback(ended)
    elif isawaitable(answer):
        return _awaited(answer, look)
    else:
        look(answer)
    return answer


async def _awaited(answer: Awaitable[Any], look: Callable[[Any], None]) -> Any:
    found = await answer
    look(found)
    return found


class HearingRig:
    """What a rig that listens has in common with any other: what it does not serve itself the design does.

    Args:
        hearing: None: nobody listens.
    """

    def __init__(self, design: Any, hearing: Hearing | None) -> None:
        self.design, self.hearing = design, hearing

    def __getattr__(self, name: str) -> Any:
        """All else is the design's."""
        return getattr(self.design, name)

    def given(self, at: str, text: str) -> None:
        """A client gives this text to this host."""
        if self.hearing is not None:
            self.hearing.given(at, text)

    def shown(self, at: str, answer: Any, texts: Callable[[Any], Iterable[object]]) -> Any:
        """The design's answer; the texts in it are what this host shows."""

        def look(found: Any) -> None:
            if self.hearing is not None:
                for text in texts(found):
                    self.hearing.shown(at, text)

        return once_answered(answer, look)

    async def report(self) -> Mapping[str, object]:
        """What the design says, and what was shown that had not come."""
        found = self.design.report()
        told = await found if isawaitable(found) else found
        return {**(told or {}), "unheard": self.hearing.unheard if self.hearing is not None else 0}
