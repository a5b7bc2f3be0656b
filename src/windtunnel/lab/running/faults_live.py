"""Faults in real time: the same words, counted in the same place (`windtunnel.sim.outages`), on real things."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.stage import Stage
from windtunnel.sim.fault import Fault, name_of
from windtunnel.sim.faults import disturbance
from windtunnel.sim.link import Disturbance
from windtunnel.sim.network import CLIENTS
from windtunnel.sim.outages import Action, Outages


class LiveFaults:
    """The faults of one run.

    Args:
        now: seconds since the first request may be due.
    """

    def __init__(self, stage: Stage, faults: Sequence[Fault], now: Callable[[], float]) -> None:
        self._faults = faults
        self._now = now
        self._outages = Outages(stage.thing, Relays(stage))
        self._over = asyncio.Event()
        self._turn = asyncio.Lock()
        """A server that is being started is not struck before it stands: one fault after the other."""

    def check(self) -> None:
        """Raise WrongInput where a fault strikes nothing, or what cannot suffer it."""
        for fault in self._faults:
            self._outages.check(fault)

    def begin(self) -> list[asyncio.Task[None]]:
        """A task for each; one that fails has struck something that broke for good."""
        return [asyncio.create_task(self._play(fault)) for fault in self._faults]

    def end_all(self) -> None:
        """The run is over: what has not begun never does, and what still lasts ends now. The tasks then end."""
        self._over.set()

    async def _play(self, fault: Fault) -> None:
        if await self._reaches(fault.at_s):
            begun_s = self._now()
            await self._do(lambda: self._outages.begin(fault))
            if fault.for_s is None:
                await self._over.wait()
            else:
                await self._reaches(begun_s + fault.for_s)
            await self._do(lambda: self._outages.end(fault))

    async def _reaches(self, second: float) -> bool:
        """Wait for it; False where the run is over sooner."""
        try:
            await asyncio.wait_for(self._over.wait(), max(0.0, second - self._now()))
        except TimeoutError:
            return True
        return False

    async def _do(self, what: Callable[[], Iterator[Action]]) -> None:
        async with self._turn:
            for action in what():
                found = action()
                if inspect.isawaitable(found):
                    await found


class Relays:
    """The ways between our clients and the real things that a relay stands before, as `outages.Ways`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lasting: dict[int, Disturbance] = {}

    def check(self, fault: Fault) -> None:
        """Raise WrongInput where the fault is on no way of ours."""
        if fault.word == "storm":
            raise WrongInput("A storm is for the tunnel: real connections hide it; take slow, cut or cut_reply here.")
        for target in (*fault.targets, *fault.others):
            if target != CLIENTS and getattr(self._stage.thing(target), "relay", None) is None:
                raise WrongInput(f"{name_of(target)} cannot suffer {fault.word}: the way to it is not ours.")
        if not self._struck(disturbance(fault, name_of)):
            raise WrongInput(f"{fault} is on no way of ours; here a way begins or ends at {CLIENTS}.")

    def begin(self, fault: Fault) -> None:
        """Disturb the ways."""
        self._lasting[id(fault)] = disturbance(fault, name_of)
        self._settle()

    def end(self, fault: Fault) -> None:
        """The ways are as if it had not been."""
        del self._lasting[id(fault)]
        self._settle()

    def _settle(self) -> None:
        those = self._lasting.values()
        for name, relay in self._relays():
            relay.requests.disturb(one for one in those if one.meets(CLIENTS, name))
            relay.answers.disturb(one for one in those if one.meets(name, CLIENTS))

    def _struck(self, one: Disturbance) -> bool:
        return any(one.meets(CLIENTS, name) or one.meets(name, CLIENTS) for name, _ in self._relays())

    def _relays(self) -> Iterator[tuple[str, Any]]:
        for name, thing in self._stage.things.items():
            relay = getattr(thing, "relay", None)
            if relay is not None:
                yield name, relay
