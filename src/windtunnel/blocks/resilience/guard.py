"""What the blocks of this family share: the ways to send a call through one.

Of an `async def` and of a plain function: `await block.call(function, ...)` and `block.run(function, ...)`,
`async with` and `with`, and a decorator, which sees which of the two it has. A plain function is called, never awaited.

Generators are refused by the decorator (`TypeError`): their body runs a piece at a time between those who read them,
and nobody could say when such a call ends. Inside of one, `async with block:` around a `yield` is allowed: whoever
entered is known by the frame that stands in the block, so that two streams of one task, and a stream that was abandoned
and is closed by another task, leave as what they came in as. A block that waits for nothing has a plain form; it may be
used by several threads, but not beside the form of asyncio.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from asyncio import current_task
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from inspect import isasyncgenfunction, isawaitable, iscoroutine, iscoroutinefunction, isgeneratorfunction
from threading import RLock
from types import FrameType, TracebackType
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast, overload

from windtunnel.blocks.ground.block import Live
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.ground.hooks import tell

P = ParamSpec("P")
T = TypeVar("T")


class Caller(Live, ABC):
    """Something that makes a call for its user: `await block.call(function, ...)`, or as a decorator.

    For the tasks of one loop.
    """

    _plain = True
    """Whether it has a form for plain functions: one that has to wait, or to cancel, has none."""

    @abstractmethod
    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """`await function(*args, **kwargs)`, as this block has it."""

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(*args, **kwargs)` of a plain function, as this block has it."""
        raise TypeError(
            f"A {type(self).__name__} cannot run a plain function, which nothing can cancel: it needs asyncio."
        )

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]: ...

    @overload
    def __call__(self, function: Callable[P, T]) -> Callable[P, T]: ...

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        """Decorate: every call of `function`, `async def` or plain, goes through this block."""
        inner = getattr(function, "__call__", None)  # noqa: B004  (of an object that is called like a function)
        if any(kind(one) for kind in (isgeneratorfunction, isasyncgenfunction) for one in (function, inner)):
            raise TypeError(f"{_name(function)} is a generator, whose call has no end: use the block inside of it.")
        if iscoroutinefunction(function) or iscoroutinefunction(inner):

            @wraps(function)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await self.call(function, *args, **kwargs)

            return guarded
        if not self._plain:
            raise TypeError(f"{_name(function)} is a plain function, and a {type(self).__name__} needs an `async def`.")

        @wraps(function)
        def plain(*args: P.args, **kwargs: P.kwargs) -> Any:
            return self.run(function, *args, **kwargs)

        return plain


class Entry(NamedTuple):
    """Somebody who is inside, and the task and frame that let him in."""

    what: Any
    task: int
    frame: int


class Inside:
    """Who is inside a block, to be found again by the frame that leaves. For the threads and tasks of its block."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, what: Any, frame: FrameType | None) -> None:
        """Somebody has come in."""
        self._entries.append(Entry(what, _task(), id(frame)))

    def take(self, frame: FrameType | None) -> Any:
        """Who leaves: the last to enter from this frame; else (as of an exit stack) of this task; else the oldest."""
        frame_id, task = id(frame), _task()
        newest = range(len(self._entries) - 1, -1, -1)
        for at in newest:
            if self._entries[at].frame == frame_id:
                return self._entries.pop(at).what
        for at in newest:
            if self._entries[at].task == task:
                return self._entries.pop(at).what
        if not self._entries:
            raise RuntimeError("This block was left more often than it was entered.")
        return self._entries.pop(0).what


class Guard(Caller):
    """A `Caller` that is entered and left: `async with block: ...` as well, or `with` of a plain one.

    `on_reject` is told of each refusal; an error of its own is logged and harms nothing. For the tasks of one loop.
    """

    _on_reject: Callable[[Refused], object] | None = None

    def __new__(cls, *_: Any, **__: Any) -> Any:
        made = super().__new__(cls)
        made._inside = Inside()
        made._alone = RLock()
        return made

    _inside: Inside
    _alone: Any

    def _enter(self) -> Any:
        """Come in without waiting, or raise a `Refused`; returns what `_leave` needs to know."""
        raise TypeError(f"A {type(self).__name__} lets nobody in without waiting: it needs asyncio.")

    async def _enter_waiting(self) -> Any:
        """Come in, perhaps after a wait, or raise a `Refused`."""
        return self._enter()

    def _leave(self, entry: Any, error: BaseException | None) -> None:
        """Go out, with the error that ended the call, if one did."""

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """`await function(*args, **kwargs)` inside."""
        entry = await self._admit_waiting()
        try:
            result = await awaited(function, *args, **kwargs)
        except BaseException as error:
            self._leave(entry, error)
            raise
        self._leave(entry, None)
        return result

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(*args, **kwargs)` of a plain function inside. It is refused where it would have to wait."""
        entry = self._admit()
        try:
            result = called(function, *args, **kwargs)
        except BaseException as error:
            with self._alone:
                self._leave(entry, error)
            raise
        with self._alone:
            self._leave(entry, None)
        return result

    async def __aenter__(self) -> object:
        frame = sys._getframe().f_back
        entry = await self._admit_waiting()
        self._inside.add(entry, frame)
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self._inside.take(sys._getframe().f_back), error)

    def __enter__(self) -> object:
        entry = self._admit()
        with self._alone:
            self._inside.add(entry, sys._getframe().f_back)
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._alone:
            self._leave(self._inside.take(sys._getframe().f_back), error)

    def _admit(self) -> Any:
        try:
            with self._alone:
                return self._enter()
        except Refused as error:
            tell(self._on_reject, error)
            raise

    async def _admit_waiting(self) -> Any:
        try:
            return await self._enter_waiting()
        except Refused as error:
            tell(self._on_reject, error)
            raise


async def awaited(function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the call gives in the end; a plain function gives it at once."""
    result = function(*args, **kwargs)
    return await result if isawaitable(result) else cast("T", result)


def called(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a plain function gives. `TypeError` where that is still to be awaited: the call would end outside."""
    result = function(*args, **kwargs)
    if isawaitable(result):
        if iscoroutine(result):
            result.close()
        raise TypeError(f"{_name(function)} gives something to await: send it through `call`.")
    return result


def _task() -> int:
    try:
        return id(current_task())
    except RuntimeError:  # no loop
        return 0


def _name(function: Any) -> str:
    return repr(getattr(function, "__qualname__", function))
