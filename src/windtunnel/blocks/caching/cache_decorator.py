"""A cache around a function: called again with the same arguments, it gives the result that it gave before.

Coroutine functions get single flight too: who calls while the same call is under way shares it. What a function raises
is not kept; that it returned None is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from functools import wraps
from threading import RLock
from typing import Any, ParamSpec, TypeVar, cast

from windtunnel.blocks.caching.cache import Cache
from windtunnel.blocks.caching.cache_loading import SingleFlight

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
_MISSING: Any = object()


def call_key(*args: Hashable, **named: Hashable) -> Hashable:
    """Arguments as a key. As in a dictionary, 1, 1.0 and True are one; what is given by name and by place are two.

    Of a method the object is the first argument, and is held as long as its results are.
    """
    return (args, tuple(sorted(named.items())))


def cached(
    cache: Cache[Any, Any], *, key: Callable[..., Hashable] = call_key
) -> Callable[[Callable[P, ResultT]], Callable[P, ResultT]]:
    """Decorates a function whose results this cache is to keep; `key` makes a key of the arguments.

    A plain function may then be called by several threads, if nothing else uses the cache: two that miss one key at
    the same time both call the function. A coroutine function is for the tasks of one event loop. Give each function
    a cache of its own. `forget_call` makes it forget.

    >>> @cached(Cache(100, ttl_s=60))
    ... def square(number: int) -> int:
    ...     print("working")
    ...     return number * number
    >>> square(3), square(3), forget_call(square, 3), forget_call(square, 3)
    working
    (9, 9, True, False)
    """

    def around(function: Callable[P, ResultT]) -> Callable[P, ResultT]:
        lock = RLock()
        flights: SingleFlight[Hashable, Any] = SingleFlight()
        calls: dict[Hashable, object] = {}
        """The calls under way whose results are to be kept."""

        def begin(at: Hashable) -> tuple[Any, object]:
            with lock:
                found = cache.get(at, _MISSING)
                if found is not _MISSING:
                    return found, None
                mine = calls[at] = object()
                return found, mine

        def end(at: Hashable, mine: object, made: Any = _MISSING) -> None:
            with lock:
                if calls.get(at) is mine:  # nobody forgot it, or began anew, meanwhile
                    del calls[at]
                    if made is not _MISSING:
                        cache.set(at, made)

        def plain(*args: P.args, **named: P.kwargs) -> ResultT:
            at = key(*args, **named)
            found, mine = begin(at)
            if mine is not None:
                try:
                    found = function(*args, **named)
                except BaseException:
                    end(at, mine)
                    raise
                end(at, mine, found)
            return cast("ResultT", found)

        async def shared(*args: P.args, **named: P.kwargs) -> Any:
            at = key(*args, **named)
            if at not in flights and (found := cache.get(at, _MISSING)) is not _MISSING:
                return found

            async def call() -> Any:
                mine = calls[at] = object()
                try:
                    made = await cast("Any", function(*args, **named))
                except BaseException:
                    end(at, mine)
                    raise
                end(at, mine, made)
                return made

            return await flights.do(at, call)

        def forget(*args: Any, **named: Any) -> bool:
            at = key(*args, **named)
            with lock:
                calls.pop(at, None)
                flights.detach(at)
                return cache.delete(at)

        made = wraps(function)(shared if inspect.iscoroutinefunction(function) else plain)
        vars(made)["forget"] = forget
        return cast("Callable[P, ResultT]", made)

    return around


def forget_call(function: Callable[P, Any], *args: P.args, **named: P.kwargs) -> bool:
    """Forget what a `cached` function returned for these arguments; True if it was kept.

    The result of a call that is under way is not kept either. Raises `ValueError` for a function without a cache.
    """
    forget = getattr(function, "forget", None)
    if forget is None:
        raise ValueError(f"There is no cache around {function!r}: decorate it with `cached` first.")
    return bool(forget(*args, **named))
