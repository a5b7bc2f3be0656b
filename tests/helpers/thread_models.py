"""Programs of two threads, twice: as Python for real threads, and as steps of which every order is walked here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from windtunnel.explore import RealThreads

PLACES = {"attribute": "box.a", "cell": "cell", "global": "G", "item": "items[0]", "key": "table['x']"}
"""What two threads share, as Python says it."""
Statement = tuple[Any, ...]
"""("see", place), ("set", place, value), ("add", place, value), ("locked", statements), ("wait", place) or
("tell", place): until the place is no longer 0, or that it is, by one condition."""
Outcome = Any
"""Values of the places and what each thread has seen, or "deadlock"."""


# --- as Python -------------------------------------------------------------------------------------------------------
def _lines(statement: Statement, indent: str) -> list[str]:
    place = PLACES.get(statement[1], "") if statement[0] != "locked" else ""
    match statement[0]:
        case "see":
            return [f"{indent}mine.append({place})"]
        case "set":
            return [f"{indent}{place} = {statement[2]}"]
        case "add":
            return [f"{indent}{place} += {statement[2]}"]
        case "locked":
            inner = [line for one in statement[1] for line in _lines(one, indent + "    ")]
            return [f"{indent}with lock:", *inner]
        case "wait":
            return [f"{indent}with changed:", f"{indent}    while not {place}: changed.wait()"]
    return [f"{indent}with changed:", f"{indent}    {place} = 1", f"{indent}    changed.notify()"]


def program(threads: tuple[list[Statement], list[Statement]], reached: set[Outcome]) -> RealThreads:
    """The threads as they are; what each run ends in is put into the set."""
    text = "G = 0\ndef build(box, items, table, lock, changed, seen):\n    cell = 0\n"
    for number, statements in enumerate(threads):
        text += f"    def thread_{number}(mine=seen[{number}]):\n        global G\n        nonlocal cell\n"
        text += "".join(f"{line}\n" for one in statements for line in _lines(one, "        "))
    text += f"    def values(): return ({', '.join(PLACES.values())})\n    return thread_0, thread_1, values\n"
    code = compile(text, "<two threads>", "exec")

    class Box:
        def __init__(self) -> None:
            self.a = 0

    def make() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        space: dict[str, Any] = {"__name__": "two threads"}
        exec(code, space)
        seen: tuple[list[int], list[int]] = ([], [])
        one, two, values = space["build"](Box(), [0], {"x": 0}, threading.Lock(), threading.Condition(), seen)

        def check() -> None:
            reached.add((values(), tuple(seen[0]), tuple(seen[1])))

        return {"one": one, "two": two}, check

    return RealThreads(make)


# --- as steps --------------------------------------------------------------------------------------------------------
class _State(NamedTuple):
    at: tuple[int, int]
    values: tuple[int, ...]
    read: tuple[int, int]
    seen: tuple[tuple[int, ...], tuple[int, ...]]
    holders: tuple[int | None, int | None]  # of the lock, and of the condition
    waiting: tuple[int, ...]


def _steps(statements: list[Statement], start: int = 0) -> list[Statement]:
    found: list[Statement] = []
    for one in statements:
        match one[0]:
            case "add":
                found += [("read", one[1]), ("write", one[1], one[2])]
            case "locked":
                found += [("acquire", 0), *_steps(one[1], start + len(found) + 1), ("release", 0)]
            case "wait":
                looks = start + len(found) + 1
                found += [("acquire", 1), ("unless", one[1], looks + 3), ("sleep",), ("wakes", looks), ("release", 1)]
            case "tell":
                found += [("acquire", 1), ("set", one[1], 1), ("notify",), ("release", 1)]
            case _:
                found.append(one)
    return found


def _put(values: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _step(state: _State, me: int, step: Statement) -> _State | None:
    """The state after this step of that thread; None if it cannot be taken now."""
    names = list(PLACES)
    on = state._replace(at=_put(state.at, me, state.at[me] + 1))
    what = step[0]
    if what == "acquire":
        return None if state.holders[step[1]] is not None else on._replace(holders=_put(state.holders, step[1], me))
    if what == "release":
        return on._replace(holders=_put(state.holders, step[1], None))
    if what == "sleep":
        return on._replace(holders=_put(state.holders, 1, None), waiting=(*state.waiting, me))
    if what == "wakes":
        if me in state.waiting or state.holders[1] is not None:
            return None
        return on._replace(at=_put(state.at, me, step[1]), holders=_put(state.holders, 1, me))
    if what == "notify":
        return on._replace(waiting=state.waiting[1:])
    place = names.index(step[1])
    if what == "unless":
        return on._replace(at=_put(state.at, me, step[2])) if state.values[place] else on
    if what == "see":
        return on._replace(seen=_put(state.seen, me, (*state.seen[me], state.values[place])))
    if what == "read":
        return on._replace(read=_put(state.read, me, state.values[place]))
    value = step[2] if what == "set" else state.read[me] + step[2]
    return on._replace(values=_put(state.values, place, value))


def outcomes(threads: tuple[list[Statement], list[Statement]]) -> set[Outcome]:
    """What the program can end in, by every order of its steps."""
    steps = [_steps(one) for one in threads]
    first = _State((0, 0), (0,) * len(PLACES), (0, 0), ((), ()), (None, None), ())
    known, waiting, ends = {first}, [first], set()
    while waiting:
        state = waiting.pop()
        going = [me for me in (0, 1) if state.at[me] < len(steps[me])]
        after = [_step(state, me, steps[me][state.at[me]]) for me in going]
        if not going:
            ends.add((state.values, *state.seen))
        elif all(one is None for one in after):
            ends.add("deadlock")
        for one in after:
            if one is not None and one not in known:
                known.add(one)
                waiting.append(one)
    return ends
