"""What is wrong now, and the one place that counts it.

Faults overlap. A thing is down while any of its crashes lasts and stands still while any of its pauses lasts, slow
shares multiply, what is lost and what is late adds up; the last fault to end leaves things as they were. A pause holds
the programs that run when it begins: who is killed in it comes up running, and who is down already is not held.

This holds for simulated and for real things alike: beginning or ending a fault gives a list of calls, in their order,
which the tunnel makes at once and a live run awaits.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from math import fsum, prod
from typing import Any, Final, Protocol

from windtunnel.sim.fault import Fault, name_of
from windtunnel.sim.wrong import WrongInput, suggest

Action = Callable[[], Any]
ABLE: Final = {
    "crash": ("crash", "restart"),
    "pause": ("pause", "resume"),
    "slow": ("slow_to",),
    "skew": ("skew_to",),
    "cut_reply": ("lose_replies",),
}
"""The methods by which a thing suffers a fault and is mended; who has them can be named in one."""


class Ways(Protocol):
    """What is between things: a simulated network, or relays."""

    def check(self, fault: Fault) -> None:
        """Raise WrongInput where the fault is on no way."""

    def begin(self, fault: Fault) -> None:
        """Disturb the ways."""

    def end(self, fault: Fault) -> None:
        """Stop that."""


def suffers(thing: object) -> tuple[str, ...]:
    """The words for what a thing can suffer by its own methods."""
    return tuple(word for word, methods in ABLE.items() if all(callable(getattr(thing, m, None)) for m in methods))


def on_ways(fault: Fault) -> bool:
    """Whether it strikes ways between things, and not things."""
    return fault.word in ("split", "cut", "storm") or (fault.word == "slow" and fault.how[0][0] == "by_s")


class Outages:
    """Begins and ends faults.

    Args:
        find: the thing of a name; raises WrongInput where there is none.
        ways: what is between things.
    """

    def __init__(self, find: Callable[[Any], Any], ways: Ways) -> None:
        self._find = find
        self._ways = ways
        self._lasting: list[Fault] = []
        self._held: dict[int, list[Fault]] = {}
        """The pauses that hold something now, by the identity of what they hold."""

    @property
    def lasting(self) -> tuple[Fault, ...]:
        """The faults that have begun and not ended, in the order of their beginnings."""
        return tuple(self._lasting)

    # --- before the run --------------------------------------------------------------------------------------------
    def check(self, fault: Fault) -> None:
        """Raise WrongInput, one sentence, where the fault has no such target or its target cannot suffer it."""
        if on_ways(fault):
            self._ways.check(fault)
            return
        for target in fault.targets:
            thing, name = self._find(target), name_of(target)
            if fault.word == "call":
                self._check_call(fault, thing, name)
            elif fault.word not in ABLE:
                raise WrongInput(suggest(fault.word, [*ABLE, "split", "cut", "storm", "call"], "fault"))
            elif fault.word not in suffers(thing):
                can = ", ".join(suffers(thing)) or "nothing"
                raise WrongInput(f"{name} cannot suffer {fault.word}; it can suffer {can}.")
            elif fault.word == "crash" and not _takes(thing.crash, (), dict(fault.how)):
                raise WrongInput(f"{name} crashes in one way only; leave process_only out.")

    @staticmethod
    def _check_call(fault: Fault, thing: Any, name: str) -> None:
        for method, args in ((fault["method"], fault["args"]), (fault["end"], fault["end_args"])):
            if not method:
                continue
            if not callable(getattr(thing, method, None)):
                raise WrongInput(f"A fault calls {name}.{method}, and {name} cannot do that.")
            if not _takes(getattr(thing, method), args, {}):
                raise WrongInput(f"A fault calls {name}.{method} with {args}; that is not what it takes.")

    # --- in the run ------------------------------------------------------------------------------------------------
    def begin(self, fault: Fault) -> Iterator[Action]:
        """What has to be done where this fault begins. The same object is told to `end`."""
        before = self.lasting
        self._lasting.append(fault)
        if on_ways(fault):
            yield partial(self._ways.begin, fault)
            return
        for target in fault.targets:
            thing = self._find(target)
            yield from self._struck(fault, thing, [one for one in before if self._alike(one, fault, thing)])
        if fault.word in ("crash", "pause"):  # a pause that holds nobody, or nobody any more, is over
            holding = {id(one) for held in self._held.values() for one in held}
            self._lasting = [one for one in self._lasting if one.word != "pause" or id(one) in holding]

    def end(self, fault: Fault) -> Iterator[Action]:
        """What has to be done where this fault ends; nothing where it has not begun or has ended already."""
        if not any(one is fault for one in self._lasting):
            return
        self._lasting = [one for one in self._lasting if one is not fault]
        if on_ways(fault):
            yield partial(self._ways.end, fault)
            return
        for target in fault.targets:
            thing = self._find(target)
            yield from self._mended(fault, thing, [one for one in self._lasting if self._alike(one, fault, thing)])

    def end_all(self) -> Iterator[Action]:
        """The run is over: mend what is still broken."""
        for fault in self.lasting:
            yield from self.end(fault)

    def _struck(self, fault: Fault, thing: Any, others: list[Fault]) -> Iterator[Action]:
        match fault.word:
            case "crash":
                self._held.pop(id(_body(thing)), None)
                # One of another kind may make it worse: the power fails after the process died.
                known = (one for one in others if any(self._find(target) is thing for target in one.targets))
                if not any(one.how == fault.how for one in known):
                    yield partial(thing.crash, **dict(fault.how))
            case "pause":
                if not any(one.word == "crash" and self._hits(one, thing) for one in self._lasting):
                    held = self._held.setdefault(id(_body(thing)), [])
                    held.append(fault)
                    if len(held) == 1:
                        yield thing.pause
            case "cut_reply":
                if not others:
                    yield partial(thing.lose_replies, True)
            case "call":
                if not others or not fault["end"]:
                    yield partial(getattr(thing, fault["method"]), *fault["args"])
            case _:
                yield self._degree(fault.word, thing, [*others, fault])

    def _mended(self, fault: Fault, thing: Any, others: list[Fault]) -> Iterator[Action]:
        match fault.word:
            case "crash":
                if not others and getattr(_body(thing), "down", True):
                    yield thing.restart
            case "pause":
                held = self._held.get(id(_body(thing)), [])
                if any(one is fault for one in held):
                    held[:] = [one for one in held if one is not fault]
                    if not held:
                        yield thing.resume
            case "cut_reply":
                if not others:
                    yield partial(thing.lose_replies, False)
            case "call":
                if not others and fault["end"]:
                    yield partial(getattr(thing, fault["end"]), *fault["end_args"])
            case _:
                yield self._degree(fault.word, thing, others)

    @staticmethod
    def _degree(word: str, thing: Any, those: list[Fault]) -> Action:
        """How slow, or how wrong, all of them together make it."""
        if word == "slow":
            return partial(thing.slow_to, prod(one["to"] for one in those))
        how = [dict(one.how) for one in those]
        by_s = fsum(one.get("by_s", 0.0) for one in how)
        return partial(thing.skew_to, by_s, prod(1 + one.get("drift_ppm", 0.0) * 1e-6 for one in how))

    def _alike(self, one: Fault, fault: Fault, thing: Any) -> bool:
        """Whether another fault does the same to this thing."""
        if one.word != fault.word or on_ways(one) or not self._hits(one, thing):
            return False
        return one.word != "call" or (one["method"], one["end"]) == (fault["method"], fault["end"])

    def _hits(self, one: Fault, thing: Any) -> bool:
        body = _body(thing)
        return any(_body(self._find(target)) is body for target in one.targets)


def _body(thing: Any) -> Any:
    """The machine where a thing is one's program: a database is down with its host."""
    return getattr(thing, "host", thing)


def _takes(method: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> bool:
    try:
        inspect.signature(method).bind(*args, **named)
    except TypeError:
        return False
    except ValueError:  # written in C: it does not say
        pass
    return True
