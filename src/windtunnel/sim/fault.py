"""The words for what goes wrong. Each returns a `Fault`: plain data, checked where it is said.

The same words are used in experiments, in scripts of the tunnel (`sim.faults`), for real processes, in grading, in
shrinking and in diagrams. `windtunnel.sim.outages` counts them: a thing is down while any fault says so.

A fault that is not timed to the system's own time limits mostly finds nothing (a crash shorter than the heartbeat is
no crash at all). Take the times from the timeouts of what is tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from windtunnel.sim.wrong import WrongInput

Names = Any
"""A name, or several; in a script of the tunnel also the things themselves."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, with what, from when on and for how long. Made by the words below.

    Attributes:
        word: which of them.
        at_s: second at which it begins; in an experiment counted from when the first request may be due.
        for_s: how long it lasts; None is to the end of the run.
        targets: the names of what it strikes; of a way between hosts where it begins. Empty: everybody.
        others: the names of the other side, or of where the way ends. Empty: everybody else.
        how: the word's own arguments.
    """

    word: str
    at_s: float
    for_s: float | None = None
    targets: tuple[Any, ...] = ()
    others: tuple[Any, ...] = ()
    how: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, name: str) -> Any:
        return dict(self.how)[name]

    def __str__(self) -> str:
        between = {"split": " | ", "cut": " > ", "slow": " > ", "storm": " > "}.get(self.word, ", ")
        sides = [", ".join(map(name_of, side)) for side in (self.targets, self.others) if side]
        return " ".join(filter(None, (self.word, between.join(sides), self.details())))

    def details(self) -> str:
        """The word's own arguments, for people."""
        if self.word == "call":
            arguments = ", ".join(_said(one) for one in self["args"])
            return f"{self['method']}({arguments})"
        return ", ".join(f"{name} {_said(value)}" for name, value in self.how)


def crash(*targets: Names, at_s: float, for_s: float | None = None, process_only: bool | None = None) -> Fault:
    """Hosts, servers or databases stop dead, and restart after `for_s`. What was not on their disk is gone.

    Args:
        process_only: the programs die and the machine lives: peers get resets. Else it loses its power, and peers hear
            nothing. None is what is usual for the target: hosts lose power, a database's process dies.
    """
    how = () if process_only is None else (("process_only", bool(process_only)),)
    return Fault("crash", *_times(at_s, for_s), _some(targets, "crash"), (), how)


def pause(*targets: Names, at_s: float, for_s: float | None = None) -> Fault:
    """Hosts, servers or databases stand still, as in a long garbage collection; nothing is lost."""
    return Fault("pause", *_times(at_s, for_s), _some(targets, "pause"))


def slow(
    target: Names,
    other: Names = None,
    *,
    at_s: float,
    for_s: float | None = None,
    to: float | None = None,
    by_s: float | None = None,
) -> Fault:
    """Something works slower, or what it sends takes longer.

    Args:
        to: the part of its speed at which the target works: 0.1 is a tenth.
        by_s: seconds that everything takes longer on its way from the target to the other; to everybody where no other
            is named.
    """
    if (to is None) == (by_s is None):
        raise WrongInput("A slow fault needs either to= (a part of the speed) or by_s= (seconds on the way).")
    if to is not None:
        if other is not None:
            raise WrongInput("A slow fault with to= is about one thing; for the way between two give by_s=.")
        if not _number(to, "A slow fault's to") > 0:
            raise WrongInput(f"At a speed of {to:g} no work is ever done; use pause.")
        return Fault("slow", *_times(at_s, for_s), _some((target,), "slow"), (), (("to", to),))
    if not _number(by_s, "A slow fault's by_s") >= 0:
        raise WrongInput(f"A way that takes {by_s} s longer is no slower; give 0 or more.")
    return _way("slow", target, other, at_s, for_s, (("by_s", by_s),))


def split(ones: Names, others: Names = None, *, at_s: float, for_s: float | None = None) -> Fault:
    """Two sides do not hear each other; hosts of neither side hear both.

    Args:
        ones: a name, or several.
        others: the same; None is everybody else.
    """
    sides = _some((ones,), "split"), () if others is None else _some((others,), "split")
    for one in sides[0]:
        if one in sides[1]:
            raise WrongInput(f"{name_of(one)} stands on both sides of a split; it can stand on one.")
    return Fault("split", *_times(at_s, for_s), *sides)


def cut(source: Names, target: Names = None, *, at_s: float, for_s: float | None = None) -> Fault:
    """Nothing gets from the source to the target, or to anybody where none is named; the way back is open."""
    return _way("cut", source, target, at_s, for_s)


def storm(
    source: Names = None,
    target: Names = None,
    *,
    at_s: float,
    for_s: float | None = None,
    loss: float = 0.0,
    duplicate: float = 0.0,
    late: float = 0.0,
    late_s: float = 0.0,
) -> Fault:
    """Messages are lost, repeated or overtaken: on all ways, or from a source, or from a source to a target.

    Args:
        loss: probability that one is lost, of those which the way itself would carry.
        duplicate: that it comes twice.
        late: that it is late, by up to `late_s` seconds, so that others overtake it.
    """
    given = {"loss": loss, "duplicate": duplicate, "late": late}
    for name, value in given.items():
        if not 0 <= _number(value, f"A storm's {name}") <= 1:
            raise WrongInput(f"A storm's {name} is a probability, from 0 to 1; got {value}.")
    if not _number(late_s, "A storm's late_s") >= 0:
        raise WrongInput(f"Nothing is late by {late_s} s; give 0 or more.")
    if not any(given.values()):
        raise WrongInput("A storm does something: give loss=, duplicate=, or late= with late_s=.")
    how = tuple((name, value) for name, value in (given | {"late_s": late_s}).items() if value)
    return _way("storm", source, target, at_s, for_s, how)


def skew(*targets: Names, at_s: float, for_s: float | None = None, by_s: float = 0.0, drift_ppm: float = 0.0) -> Fault:
    """Hosts' clocks are wrong.

    Args:
        by_s: seconds by which the clock of the day jumps ahead, or, negative, back.
        drift_ppm: how much too fast the clocks run, in millionths.
    """
    if not _number(by_s, "A skew's by_s") and not _number(drift_ppm, "A skew's drift_ppm"):
        raise WrongInput("A skew does something: give by_s= or drift_ppm=.")
    if drift_ppm <= -1e6:
        raise WrongInput(f"A clock that drifts by {drift_ppm} ppm does not go forward; give more than -1000000.")
    how = tuple((name, value) for name, value in (("by_s", by_s), ("drift_ppm", drift_ppm)) if value)
    return Fault("skew", *_times(at_s, for_s), _some(targets, "skew"), (), how)


def cut_reply(*targets: Names, at_s: float, for_s: float | None = None) -> Fault:
    """Requests are carried out, and nobody is told: the connection breaks in place of the answer.

    Messages that a host sends are lost meanwhile.
    """
    return Fault("cut_reply", *_times(at_s, for_s), _some(targets, "cut_reply"))


def call(
    target: Names, method: str, *args: Any, at_s: float, for_s: float | None = None, end: str = "", end_args: Any = ()
) -> Fault:
    """Anything else that a thing of your own can do: `target.method(*args)`; after `for_s` `target.end(*end_args)`."""
    if for_s is not None and not end:
        raise WrongInput(f"A call of {method} that lasts needs end=, the method that ends it.")
    how = (("method", method), ("args", args), ("end", end), ("end_args", tuple(end_args)))
    return Fault("call", *_times(at_s, for_s), _some((target,), "call"), (), how)


def name_of(target: Any) -> str:
    """What a target is called."""
    return target if isinstance(target, str) else str(getattr(target, "name", target))


def _way(
    word: str,
    source: Names,
    target: Names,
    at_s: float,
    for_s: float | None,
    how: tuple[tuple[str, Any], ...] = (),
) -> Fault:
    ones = () if source is None and word == "storm" else _some((source,), word)
    others = () if target is None else _some((target,), word)
    return Fault(word, *_times(at_s, for_s), ones, others, how)


def _some(targets: Iterable[Any], word: str) -> tuple[Any, ...]:
    """Names, of which each may be a list of names; at least one, each once."""
    found: dict[Any, None] = {}
    for target in targets:
        several = target if isinstance(target, tuple | list | set | frozenset) else (target,)
        if isinstance(several, set | frozenset):
            several = sorted(several, key=name_of)  # no order of a set decides what happens
        for one in several:
            if one is None or one == "" or isinstance(one, int | float):
                raise WrongInput(f"A {word} fault strikes things by their names; {one!r} is none.")
            found[one] = None
    if not found:
        raise WrongInput(f"A {word} fault strikes something; name it.")
    return tuple(found)


def _times(at_s: float, for_s: float | None) -> tuple[float, float | None]:
    if not _number(at_s, "A fault's at_s") >= 0:
        raise WrongInput(f"A fault cannot begin at {at_s} s; give 0 or more.")
    if for_s is not None and not _number(for_s, "A fault's for_s") >= 0:
        raise WrongInput(f"A fault cannot last {for_s} s; give 0 or more, or None for good.")
    return at_s, for_s


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongInput(f"{what} is a number; got {value!r}.")
    return value


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
