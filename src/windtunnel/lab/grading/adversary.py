"""What goes wrong when a design is graded: faults aimed at the things that it stands on, timed to its own steps.

A crash of a fixed length at a random moment finds little: a lease of ten seconds survives every pause of one, and what
is forgotten between two steps is only seen by who strikes between them. So a design is first watched while nothing
goes wrong: which hosts talk to which, when, and for how long it waits. Faults then begin at those moments, or just
after, and last just less or just more than the design's own waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from random import Random
from typing import Any

from windtunnel.lab.experiment import Experiment, Fault
from windtunnel.lab.grading.weather import CLIENTS, WEATHER
from windtunnel.lab.params import make
from windtunnel.lab.running.drive_sim import Drive
from windtunnel.lab.running.work import workload
from windtunnel.lab.stage import open_stage
from windtunnel.sim.host import Host
from windtunnel.sim.kernel import NS, Signal, Simulator
from windtunnel.sim.randomness import stream
from windtunnel.sim.trace import Trace

WAITS = 12
"""Most lengths of waits that are told apart."""
MOMENTS = 100_000
"""Most messages of a rehearsal that are remembered."""
SHARES = (0.1, 0.3, 0.6)
"""Of the messages that a storm hits."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault that a thing can suffer when it has the methods: `call`, and after a while `undo`.

    `timed`: the call takes the length in seconds itself (`pause`).
    """

    call: str
    undo: str = ""
    timed: bool = False

    def fits(self, thing: object) -> bool:
        """Whether the thing has the methods."""
        if self.timed and hasattr(thing, "resume"):
            return False  # it is told when to go on, not for how long to stand still
        return all(callable(getattr(thing, name, None)) for name in (self.call, self.undo) if name)


PAUSE = Kind("pause", timed=True)
KINDS = (Kind("crash", "restart"), PAUSE, Kind("pause", "resume"), Kind("cut", "heal"))


@dataclass(frozen=True)
class Rehearsal:
    """What was seen of a design in a run in which nothing went wrong beyond the experiment's own faults.

    Attributes:
        suffers: what each thing on the stage can suffer by its own methods.
        hosts: the machines that sent or got messages; the others are of no use to an adversary.
        pairs: who sent messages to whom.
        moments: when, in seconds, something came to a host or left it; under "" when requests were due.
        waits_s: for how long it waited, shortest first.
    """

    suffers: Mapping[str, tuple[Kind, ...]]
    hosts: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    moments: Mapping[str, Sequence[float]]
    waits_s: tuple[float, ...]


def rehearse(experiment: Experiment[Any], design: str, settings: Mapping[str, Any], seed: int) -> Rehearsal:
    """Watch a design while nothing goes wrong."""
    params = make(experiment.params, settings)
    ops = workload(experiment, params, seed)
    stage = open_stage("sim", seed)
    stage.sim.trace = trace = Trace(MOMENTS)
    ends_s = experiment.ends_s(params) if experiment.ends_s is not None else None
    with listening() as heard:
        drive = Drive(stage, design, experiment.designs[design](stage, params), ops)
        drive.run(experiment.faults_for(params), ends_s)
    moments: dict[str, list[float]] = {"": [op.at for op in ops]}
    pairs: dict[tuple[str, str], None] = {}
    for now_ns, kind, who, _ in trace.records:
        if kind in ("send", "deliver") and now_ns >= drive.origin_ns:
            source, _, target = who.rpartition(":")[0].partition(" > ")
            source = source.partition(":")[0]  # TCP names both ports, and faults know hosts
            pairs[source, target] = None
            moments.setdefault(source if kind == "send" else target, []).append((now_ns - drive.origin_ns) / NS)
    told = {name: getattr(params, name) for name in type(params).__dataclass_fields__ if name.endswith("_s")}
    return Rehearsal(
        {name: kinds for name, thing in stage.things.items() if (kinds := _kinds(name, thing, moments))},
        tuple(name for name in stage.sim.hosts if name in moments),
        tuple(pair for pair in pairs if pair[0] != pair[1]),
        moments,
        _apart([*heard, *(wait for wait in told.values() if isinstance(wait, int | float))]),
    )


def _kinds(name: str, thing: object, moments: Mapping[str, object]) -> tuple[Kind, ...]:
    """What a thing can suffer. The host on which a design's coroutines run is the design itself: it may stand still."""
    if isinstance(thing, Host) and name == CLIENTS:
        return (PAUSE,)
    if isinstance(thing, Host) and name not in moments:
        return ()
    return tuple(kind for kind in KINDS if kind.fits(thing))


def attacks(seen: Rehearsal, seed: int, count: int = 4) -> list[tuple[Fault, ...]]:
    """`count` attacks on a run, each one to three faults in their order; the same for the same seed."""
    adversary = _Adversary(seen, stream(seed, "adversary"))
    return [adversary.attack() for _ in range(count)] if adversary.ways and seen.moments[""] else []


class _Adversary:
    """Draws faults. Each way to do harm comes up once before one comes up again."""

    def __init__(self, seen: Rehearsal, luck: Random) -> None:
        self.seen = seen
        self.luck = luck
        # Where the clients' own host dies nobody is left to ask: that says nothing about the design.
        self.mortal = [name for name in seen.hosts if name != CLIENTS]
        span_s = max(seen.moments[""], default=0.0) - min(seen.moments[""], default=0.0)
        # Where a design waits for nothing: shares of the run.
        self.waits_s = seen.waits_s or tuple(max(span_s * share, 0.001) for share in (0.02, 0.1, 0.4))
        ways: list[Callable[[], Fault]] = []
        if seen.suffers:
            ways += [self._suffer] * 4
        if seen.pairs:
            ways += [self._cut_off, self._cut, self._split, self._slow, self._storm, self._storm]
        if seen.hosts:
            ways.append(self._step)
        if self.mortal:
            ways.append(self._outage)
        self.ways = ways
        self._left: list[Callable[[], Fault]] = []

    def attack(self) -> tuple[Fault, ...]:
        """One fault; or two, or three, of which the later ones strike into what the first one left behind."""
        if len(self.seen.hosts) > 1 and self.mortal and self.luck.random() < 0.25:
            return self._behind_its_back()
        faults = [self._next()]
        while len(faults) < 3 and self.luck.random() < 0.5:
            fault = self._next()
            if self.luck.random() < 0.5:
                wait_s = self.luck.choice(self.waits_s) * self.luck.random() * 2
                fault = replace(fault, at_s=faults[0].at_s + wait_s)
            faults.append(fault)
        return tuple(sorted(faults, key=lambda f: f.at_s))

    def _next(self) -> Fault:
        if not self._left:
            self._left = self.luck.sample(self.ways, len(self.ways))
        return self._left.pop()()

    def _behind_its_back(self) -> tuple[Fault, ...]:
        """One host sleeps, for longer than the others wait for it, and another one crashes meanwhile.

        Half of the time the other one is up again just before the sleeper wakes, before anybody reminds it.
        """
        victim = self.luck.choice(self.mortal)
        sleeper = self.luck.choice([name for name in self.seen.hosts if name != victim])
        length_s = self.luck.choice(self.waits_s[-3:]) * self.luck.choice((1.1, 2.0, 3.0))
        at_s = self._when(sleeper)
        down_s = self.luck.choice(self.waits_s) * self.luck.random()
        crash_s = at_s + self.luck.random() * length_s
        if self.luck.random() < 0.5:
            crash_s = max(at_s, at_s + length_s - down_s - self.luck.random() * self.waits_s[0])
        return (
            Fault(at_s, sleeper, "pause", (length_s,)),
            Fault(crash_s, victim, "crash", for_s=down_s, undo="restart"),
        )

    # --- when, and for how long ----------------------------------------------------------------------------------
    def _when(self, host: str = "") -> float:
        """A moment at which something happens there, or a little later: before what follows from it has happened."""
        moments = self.seen.moments.get(host) or self.seen.moments[""]
        if host and self.luck.random() < 0.2:
            moments = self.seen.moments[""]
        place = self.luck.randrange(len(moments))
        gap_s = moments[place + 1] - moments[place] if place + 1 < len(moments) else self.waits_s[0]
        later_s = self.luck.choice((1e-6, self.luck.random() * min(gap_s, self.waits_s[0]), self.waits_s[0] * 0.1))
        return max(0.0, moments[place] + later_s)

    def _length(self) -> float:
        return self.luck.choice(self.waits_s) * self.luck.choice((0.3, 0.7, 1.1, 1.5, 2.5))

    # --- what ----------------------------------------------------------------------------------------------------
    def _suffer(self) -> Fault:
        name = self.luck.choice(list(self.seen.suffers))
        kind = self.luck.choice(self.seen.suffers[name])
        at_s, length_s = self._when(name), self._length()
        if kind.timed:
            return Fault(at_s, name, kind.call, (length_s,))
        return Fault(at_s, name, kind.call, for_s=length_s, undo=kind.undo)

    def _weather(self, host: str, call: str, undo: str, *args: object) -> Fault:
        return Fault(self._when(host), WEATHER, call, args, self._length(), undo, args)

    def _cut_off(self) -> Fault:
        """One host is alone."""
        host = self.luck.choice(self.seen.pairs)[self.luck.randrange(2)]
        others = tuple(name for name in self.seen.hosts if name != host)
        return self._weather(host, "split", "join", (host,), others)

    def _cut(self) -> Fault:
        """One way of one pair."""
        source, target = self.luck.choice(self.seen.pairs)
        return self._weather(source, "cut", "mend", (source,), (target,))

    def _split(self) -> Fault:
        """Two halves; or, partially, two groups that others still see."""
        hosts = self.luck.sample(self.seen.hosts, len(self.seen.hosts))
        one = self.luck.randint(1, max(1, len(hosts) // 2))
        other = len(hosts) if self.luck.random() < 0.5 else min(len(hosts), one + self.luck.randint(1, 2))
        return self._weather(hosts[0], "split", "join", tuple(hosts[:one]), tuple(hosts[one:other]))

    def _slow(self) -> Fault:
        """What one host sends another comes late."""
        source, target = self.luck.choice(self.seen.pairs)
        return self._weather(source, "slow", "hasten", source, target, self._length())

    def _storm(self) -> Fault:
        """Messages are lost, repeated, or overtaken by others."""
        loss, duplicate, late = self.luck.choice(((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)))
        share = self.luck.choice(SHARES)
        rates = (loss * share, duplicate * share, late * share, self._length())
        # A storm meets few messages, and has to last for the right ones to be among them.
        return replace(self._weather("", "storm", "calm", *rates), for_s=4 * self._length())

    def _outage(self) -> Fault:
        """Several hosts, or all of them, lose power at once."""
        hosts = self.luck.sample(self.mortal, self.luck.randint(1, len(self.mortal)))
        return self._weather(self.luck.choice(hosts), "outage", "power", tuple(hosts))

    def _step(self) -> Fault:
        """An administrator, or a time service, sets a clock."""
        host = self.luck.choice(self.seen.hosts)
        seconds = self._length() * self.luck.choice((-4, -1, 1, 4))
        return Fault(self._when(host), WEATHER, "step", (host, seconds))


def _apart(waits_s: Iterable[float]) -> tuple[float, ...]:
    """Those that differ by more than a tenth, evenly chosen where there are too many."""
    found: list[float] = []
    for wait_s in sorted(wait for wait in waits_s if wait > 0):
        if not found or wait_s > 1.1 * found[-1]:
            found.append(wait_s)
    if len(found) > WAITS:
        found = [found[i * (len(found) - 1) // (WAITS - 1)] for i in range(WAITS)]
    return tuple(found)


@contextmanager
def listening() -> Iterator[set[float]]:
    """While it is open, note every time that designs wait for: sleeps, time limits, waits for signals of the tunnel.

    Only used where designs are graded, in a process of its own.
    """
    heard: set[float] = set()

    def tell(seconds: object) -> None:
        if isinstance(seconds, int | float) and seconds > 0:
            heard.add(float(seconds))

    def noting(function: Callable[..., Any], place: int, name: str) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            tell(args[place] if len(args) > place else kwargs.get(name))
            return function(*args, **kwargs)

        return call

    targets: tuple[tuple[Any, str, int, str], ...] = (
        (asyncio, "sleep", 0, "delay"),
        (asyncio, "wait_for", 1, "timeout"),
        (asyncio, "timeout", 0, "delay"),
        (Signal, "within", 1, "seconds"),
        (Simulator, "sleep", 1, "seconds"),
    )
    saved = [(owner, name, getattr(owner, name)) for owner, name, _, _ in targets]
    try:
        for owner, name, place, argument in targets:
            setattr(owner, name, noting(getattr(owner, name), place, argument))
        yield heard
    finally:
        for owner, name, original in saved:
            setattr(owner, name, original)
