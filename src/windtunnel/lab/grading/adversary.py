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
from dataclasses import dataclass, field, replace
from functools import wraps
from random import Random
from typing import Any

from windtunnel.lab.experiment import Experiment
from windtunnel.lab.params import make
from windtunnel.lab.running.drive_sim import Drive
from windtunnel.lab.running.watch import Watch
from windtunnel.lab.running.work import faults_of, made, workload
from windtunnel.lab.stage import open_stage
from windtunnel.sim.fault import Fault, crash, cut, cut_reply, pause, skew, slow, split, storm
from windtunnel.sim.host import Host
from windtunnel.sim.kernel import NS, Signal, Simulator
from windtunnel.sim.network import CLIENTS
from windtunnel.sim.outages import suffers
from windtunnel.sim.randomness import stream
from windtunnel.sim.trace import Trace

WAITS = 12
"""Most lengths of waits that are told apart."""
MOMENTS = 100_000
"""Most messages of a rehearsal that are remembered."""
SHARES = (0.1, 0.3, 0.6)
"""Of the messages that a storm hits."""


SUFFERED = ("crash", "pause", "cut_reply")
"""The words that say what befalls a thing itself, and that an adversary uses where the thing can suffer them."""


@dataclass(frozen=True)
class Rehearsal:
    """What was seen of a design in a run in which nothing went wrong beyond the experiment's own faults.

    Attributes:
        suffers: what each thing on the stage can suffer, in words.
        hosts: the machines that sent or got messages; the others are of no use to an adversary.
        pairs: who sent messages to whom.
        moments: when, in seconds, something came to a host or left it; under "" when requests were due.
        waits_s: for how long it waited, shortest first.
        commits: when each database committed something, in seconds.
    """

    suffers: Mapping[str, tuple[str, ...]]
    hosts: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    moments: Mapping[str, Sequence[float]]
    waits_s: tuple[float, ...]
    commits: Mapping[str, Sequence[float]] = field(default_factory=dict)


def rehearse(experiment: Experiment[Any], design: str, settings: Mapping[str, Any], seed: int) -> Rehearsal:
    """Watch a design while nothing goes wrong."""
    params = make(experiment.params, settings)
    ops = workload(experiment, params, seed)
    stage = open_stage("sim", seed)
    watch = Watch(stage)
    stage.sim.trace = trace = Trace(MOMENTS)
    ends_s = experiment.ends_s(params) if experiment.ends_s is not None else None
    with listening() as heard:
        drive = Drive(stage, design, made(experiment, stage, design, params), ops)
        drive.run(faults_of(experiment, params), ends_s)
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
        {name: words for name, thing in stage.things.items() if (words := _suffers(name, thing, moments))},
        tuple(name for name in stage.sim.hosts if name in moments),
        tuple(pair for pair in pairs if pair[0] != pair[1]),
        moments,
        _apart([*heard, *(wait for wait in told.values() if isinstance(wait, int | float))]),
        {
            name: [(at - drive.origin_ns) / NS for at in commits if at >= drive.origin_ns]
            for name, commits in watch.commits_ns.items()
        },
    )


def _suffers(name: str, thing: object, moments: Mapping[str, object]) -> tuple[str, ...]:
    """What a thing can suffer. The host on which a design's coroutines run is the design itself: it may stand still."""
    if isinstance(thing, Host) and name == CLIENTS:
        return ("pause",)
    if isinstance(thing, Host) and name not in moments:
        return ()
    return tuple(word for word in suffers(thing) if word in SUFFERED)


def attacks(seen: Rehearsal, seed: int, count: int = 4) -> list[tuple[Fault, ...]]:
    """`count` attacks on a run, each one to three faults in their order; the same for the same seed."""
    adversary = _Adversary(seen, stream(seed, "adversary"))
    if not adversary.ways or not seen.moments[""]:
        return []
    # Chance would miss it on many seeds, and retries that buy twice are the commonest mistake of all.
    first = [(adversary.lost_commit(),)] if adversary.committing and count else []
    return [*first, *(adversary.attack() for _ in range(count - len(first)))]


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
        self.committing = [name for name, moments in seen.commits.items() if moments]
        if self.committing:
            ways += [self._lost_commits] * 2
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
        return pause(sleeper, at_s=at_s, for_s=length_s), crash(victim, at_s=crash_s, for_s=down_s)

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
        word = {"crash": crash, "pause": pause, "cut_reply": cut_reply}[self.luck.choice(self.seen.suffers[name])]
        return word(name, at_s=self._when(name), for_s=self._length())

    def lost_commit(self, for_s: float = 1e-5) -> Fault:
        """What was asked for is done, and whoever asked does not hear of it."""
        name = self.luck.choice(self.committing)
        return cut_reply(name, at_s=max(0.0, self.luck.choice(self.seen.commits[name]) - 1e-6), for_s=for_s)

    def _lost_commits(self) -> Fault:
        """One, or some in a row."""
        alone = self.luck.random() < 0.5
        return self.lost_commit(1e-5 if alone else self.luck.choice(self.waits_s) * self.luck.random())

    def _cut_off(self) -> Fault:
        """One host is alone."""
        host = self.luck.choice(self.seen.pairs)[self.luck.randrange(2)]
        others = tuple(name for name in self.seen.hosts if name != host)
        return split(host, others, at_s=self._when(host), for_s=self._length())

    def _cut(self) -> Fault:
        """One way of one pair."""
        source, target = self.luck.choice(self.seen.pairs)
        return cut(source, target, at_s=self._when(source), for_s=self._length())

    def _split(self) -> Fault:
        """Two halves; or, partially, two groups that others still see."""
        hosts = self.luck.sample(self.seen.hosts, len(self.seen.hosts))
        one = self.luck.randint(1, max(1, len(hosts) // 2))
        other = len(hosts) if self.luck.random() < 0.5 else min(len(hosts), one + self.luck.randint(1, 2))
        return split(hosts[:one], hosts[one:other], at_s=self._when(hosts[0]), for_s=self._length())

    def _slow(self) -> Fault:
        """What one host sends another comes late."""
        source, target = self.luck.choice(self.seen.pairs)
        by_s = self._length()
        return slow(source, target, by_s=by_s, at_s=self._when(source), for_s=self._length())

    def _storm(self) -> Fault:
        """Messages are lost, repeated, or overtaken by others."""
        loss, duplicate, late = self.luck.choice(((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)))
        share = self.luck.choice(SHARES)
        late_s, at_s, _ = self._length(), self._when(), self._length()
        return storm(
            loss=loss * share,
            duplicate=duplicate * share,
            late=late * share,
            late_s=late_s if late else 0.0,
            at_s=at_s,
            for_s=4 * self._length(),  # it meets few messages, and has to last for the right ones to be among them
        )

    def _outage(self) -> Fault:
        """Several hosts, or all of them, lose power at once."""
        hosts = self.luck.sample(self.mortal, self.luck.randint(1, len(self.mortal)))
        return crash(*hosts, at_s=self._when(self.luck.choice(hosts)), for_s=self._length(), process_only=False)

    def _step(self) -> Fault:
        """An administrator, or a time service, sets a clock."""
        host = self.luck.choice(self.seen.hosts)
        seconds = self._length() * self.luck.choice((-4, -1, 1, 4))
        return skew(host, by_s=seconds, at_s=self._when(host))


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
