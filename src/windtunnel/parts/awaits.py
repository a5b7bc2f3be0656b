"""Cancel asyncio code at one of its awaits, so that a loop over all of them leaves none out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class CancelAt:
    """Counts the awaits of all coroutines that go through it together, and cancels at one of them.

    Each await that really waits counts twice, since a cancel strikes at either end of it: as the task begins to wait,
    and when what it waited for is there and the task has not gone on yet. The second is where things get lost: a row is
    written, an item is out of its queue, and who asked for it never hears of it. Where an `asyncio.timeout` has run out
    just there, its end of the wait is a cancel too, and asyncio takes both for one: a timeout comes of it.

    Args:
        place: the place to cancel at, from 1 on; 0, or one that is never reached, cancels nothing.
        others: called then; it cancels whatever else dies at that moment, and leaves the running task alone.

    `reached` is how many places have been passed so far.
    """

    def __init__(self, place: int, others: Callable[[], object]) -> None:
        if place < 0:
            raise ValueError(f"place is {place}; the first one is 1, and 0 is none.")
        self.place = place
        self.others = others
        self.reached = 0

    @coroutine
    def through(self, coro: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Await this in the place of the coroutine."""
        value: Any = None
        error: BaseException | None = None
        try:
            while True:
                try:
                    waited = coro.send(value) if error is None else coro.throw(error)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]  # the type of what a coroutine returns is not kept
                value = error = None
                if self._here():
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
                try:
                    value = yield waited
                except BaseException as raised:
                    error = raised
                if self._here():
                    error = asyncio.CancelledError()
        finally:
            coro.close()

    def _here(self) -> bool:
        self.reached += 1
        if self.reached != self.place:
            return False
        self.others()
        return True
