"""What the harness does: it lays ways between servers, hears what comes to them, or lets the one that leads crash.

What a server can know of values was put beside it, or came to it in messages from the others.
"""

from __future__ import annotations

import re
from itertools import permutations
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.election.servers import SERVERS, Setting
from windtunnel.catalogue.scale.election.trials import Trials
from windtunnel.parts import Hearing, HearingRig
from windtunnel.sim import uniform

NAMES = [f"server {at}" for at in range(SERVERS)]
WAY_S = uniform(0.00015, 0.00045)
"""From one server to another."""


class Wires(HearingRig):
    """Serves what the design serves, and hears what the servers are told.

    It listens where a demand asks for what it hears.
    """

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        listens = p.trouble in ("restarts", "halves")
        super().__init__(design, Hearing(stage, NAMES, re.compile(r"value \d+")) if listens else None)
        for one, other in permutations(NAMES, 2):
            stage.network.connect(stage.host(one), stage.host(other), one_way=True, latency=WAY_S)
        if p.trouble == "leader":
            servers = getattr(design, "servers", ())
            self.trials = stage.add("the leader", Trials(stage, servers, p.timeout_ms / 2e3, p.crashes))

    def elections(self) -> Any:
        """How long it took to have another leader, each time that one crashed."""
        return self.trials.over

    def get(self, at: int, key: str) -> Any:
        """The design's answer."""
        return self.shown(NAMES[at], self.design.get(at, key), lambda value: [value])

    def everything(self, at: int) -> Any:
        """The design's answer."""
        return self.shown(NAMES[at], self.design.everything(at), lambda values: values)

    def put(self, at: int, key: str, value: str) -> Any:
        """The design's answer; its server knows the value from now on."""
        self.given(NAMES[at], value)
        return self.design.put(at, key, value)
