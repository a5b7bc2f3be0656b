"""Faults in the tunnel: the words of `windtunnel.sim.fault`, put on the clock of a simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from windtunnel.sim import fault as words
from windtunnel.sim.fault import Fault, Names, name_of
from windtunnel.sim.link import Disturbance
from windtunnel.sim.outages import Outages
from windtunnel.sim.signals import Timer, ns
from windtunnel.sim.wrong import WrongInput, suggest

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator
    from windtunnel.sim.network import Network

Timers = tuple[Timer, ...]


class Faults:
    """Schedules faults. Times are seconds of virtual time; `for_s` is how long a fault lasts (None: for good).

    Targets are names of hosts, or the things themselves. Every word returns the timers of its beginning and, if it has
    one, of its end: cancel them to call the fault off. Faults may overlap: see `windtunnel.sim.outages`.

    Attributes:
        find: the thing of a name; hosts, unless somebody who knows more names says otherwise.
    """

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._timers: list[Timer] = []
        self._ends: dict[int, Timer] = {}
        """When a fault that has begun ends, by its identity."""
        self.find: Callable[[str], Any] = self._host
        self.outages = Outages(self._found, Links(sim.network, self._found))

    def at(self, when_s: float, action: Callable[..., object], *args: Any) -> Timer:
        """Do anything at a moment."""
        return self._sim.call_at(ns(when_s), action, *args)

    def check(self, fault: Fault) -> None:
        """Raise WrongInput, one sentence, where nothing here is called so, or cannot suffer that."""
        self.outages.check(fault)

    def add(self, fault: Fault, origin_ns: int = 0) -> Timers:
        """Let it happen, at its seconds after `origin_ns`. Raises WrongInput."""
        self.check(fault)
        fault = replace(fault)  # equal faults are still two
        begin_ns = origin_ns + ns(fault.at_s)
        timers = [self._sim.call_at(begin_ns, self._begin, fault)]
        if fault.for_s is not None:
            timers.append(self._sim.call_at(begin_ns + ns(fault.for_s), self._end, fault))
            self._ends[id(fault)] = timers[1]
        self._timers += timers
        return tuple(timers)

    def end_all(self) -> None:
        """What has not begun never does, and what still lasts ends now."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._do(self.outages.end_all)

    # --- the words -------------------------------------------------------------------------------------------------
    def crash(
        self, *targets: Names, at_s: float, for_s: float | None = None, process_only: bool | None = None
    ) -> Timers:
        """As `windtunnel.crash`."""
        return self.add(words.crash(*targets, at_s=at_s, for_s=for_s, process_only=process_only))

    def pause(self, *targets: Names, at_s: float, for_s: float | None = None) -> Timers:
        """As `windtunnel.pause`."""
        return self.add(words.pause(*targets, at_s=at_s, for_s=for_s))

    def slow(
        self,
        target: Names,
        other: Names = None,
        *,
        at_s: float,
        for_s: float | None = None,
        to: float | None = None,
        by_s: float | None = None,
    ) -> Timers:
        """As `windtunnel.slow`."""
        return self.add(words.slow(target, other, at_s=at_s, for_s=for_s, to=to, by_s=by_s))

    def split(self, ones: Names, others: Names = None, *, at_s: float, for_s: float | None = None) -> Timers:
        """As `windtunnel.split`."""
        return self.add(words.split(ones, others, at_s=at_s, for_s=for_s))

    def cut(self, source: Names, target: Names = None, *, at_s: float, for_s: float | None = None) -> Timers:
        """As `windtunnel.cut`."""
        return self.add(words.cut(source, target, at_s=at_s, for_s=for_s))

    def storm(
        self, source: Names = None, target: Names = None, *, at_s: float, for_s: float | None = None, **how: float
    ) -> Timers:
        """As `windtunnel.storm`."""
        return self.add(words.storm(source, target, at_s=at_s, for_s=for_s, **how))

    def skew(
        self, *targets: Names, at_s: float, for_s: float | None = None, by_s: float = 0.0, drift_ppm: float = 0.0
    ) -> Timers:
        """As `windtunnel.skew`."""
        return self.add(words.skew(*targets, at_s=at_s, for_s=for_s, by_s=by_s, drift_ppm=drift_ppm))

    def cut_reply(self, *targets: Names, at_s: float, for_s: float | None = None) -> Timers:
        """As `windtunnel.cut_reply`."""
        return self.add(words.cut_reply(*targets, at_s=at_s, for_s=for_s))

    def call(
        self,
        target: Names,
        method: str,
        *args: Any,
        at_s: float,
        for_s: float | None = None,
        end: str = "",
        end_args: Any = (),
    ) -> Timers:
        """As `windtunnel.call`."""
        return self.add(words.call(target, method, *args, at_s=at_s, for_s=for_s, end=end, end_args=end_args))

    # --- the inside ------------------------------------------------------------------------------------------------
    def _begin(self, fault: Fault) -> None:
        before = self.outages.lasting
        self._strike(self.outages.begin, fault, True)
        after = {id(one) for one in self.outages.lasting}
        for one in (*before, fault):  # a crash ends pauses before their time
            if id(one) not in after and id(one) in self._ends:
                self._ends.pop(id(one)).cancel()

    def _end(self, fault: Fault) -> None:
        self._strike(self.outages.end, fault, False)

    def _strike(self, what: Callable[[Fault], Any], fault: Fault, begins: bool) -> None:
        trace = self._sim.trace
        if trace is not None:
            trace.strikes(fault, begins)
        self._do(what, fault)
        if trace is not None:
            trace.struck()

    def _do(self, what: Callable[..., Any], *args: Any) -> None:
        for action in what(*args):
            action()

    def _found(self, target: Any) -> Any:
        return self.find(target) if isinstance(target, str) else target

    def _host(self, name: str) -> Any:
        if name not in self._sim.hosts:
            raise WrongInput(suggest(name, self._sim.hosts, "host"))
        return self._sim.hosts[name]


class Links:
    """The ways between the hosts of a simulated network, as `windtunnel.sim.outages.Ways`."""

    def __init__(self, network: Network, find: Callable[[Any], Any]) -> None:
        self._network = network
        self._find = find
        self._lasting: dict[int, Disturbance] = {}

    def check(self, fault: Fault) -> None:
        """Raise WrongInput where a target is no host, and runs on none."""
        disturbance(fault, self._host_name)

    def begin(self, fault: Fault) -> None:
        """Disturb the links."""
        self._lasting[id(fault)] = found = disturbance(fault, self._host_name)
        self._network.disturb(found)

    def end(self, fault: Fault) -> None:
        """The links are as if it had not been."""
        self._network.calm(self._lasting.pop(id(fault)))

    def _host_name(self, target: Any) -> str:
        thing = self._find(target)
        name = getattr(getattr(thing, "host", thing), "name", "")
        if name not in self._network.sim.hosts:
            hosts = ", ".join(self._network.sim.hosts) or "none"
            raise WrongInput(f"{name_of(target)} is not on the network, where hosts are: {hosts}.")
        return str(name)


def disturbance(fault: Fault, name: Callable[[Any], str]) -> Disturbance:
    """What a fault does to the ways between hosts. `name` gives the host of a target."""
    ones, others = (frozenset(map(name, side)) if side else None for side in (fault.targets, fault.others))
    made = partial(Disturbance, ones, others)
    match fault.word:
        case "split":
            return made(one_way=False, cut=True)
        case "cut":
            return made(cut=True)
        case "slow":
            return made(extra_s=fault["by_s"])
        case _:
            return made(**dict(fault.how))
