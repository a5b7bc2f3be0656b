"""A program that an experiment brings, as a real process that is asked over a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from windtunnel.engines.shared.calls import Call, Calls
from windtunnel.engines.shared.own import OwnProcess


class OwnProgram(OwnProcess):
    """A process that runs a file of the experiment's and answers calls (`answer_calls`).

    Its arguments are the socket on which it listens, and what it is told, as JSON. Where faults slow it down it is
    called with `"slow_to"` and the share of its speed that is left.

    Args:
        name: by which faults name it.
        file: the program.
        told: what it has to know.
    """

    def __init__(self, name: str, file: Path, told: Mapping[str, Any]) -> None:
        self._told = told
        super().__init__(name, file)
        self._calls = Calls(self.path)

    def arguments(self) -> Sequence[str]:
        """What it has to know, as JSON."""
        return (json.dumps(self._told),)

    async def connect(self) -> None:
        """Open a connection to it. Raises Unavailable."""
        await self._calls.close()
        self._calls = Calls(await self.way())
        await self._calls.connect()

    def begin(self, *what: Any) -> Call:
        """Ask it, and do not wait; await what is returned. Raises Unavailable; `connect` comes first."""
        return self._calls.begin(*what)

    def take_back(self, call: Call) -> None:
        """Tell it that nobody waits for this answer any more."""
        self._calls.take_back(call)

    def drop(self, call: Call) -> None:
        """Wait for this answer no more, and tell nobody."""
        self._calls.drop(call)

    async def slow_to(self, share: float) -> None:
        """It works at this part of its speed from now on; 1 is all of it."""
        await self.begin("slow_to", share)

    async def close(self) -> None:
        """Stop the process."""
        await self._calls.close()
        await super().close()
