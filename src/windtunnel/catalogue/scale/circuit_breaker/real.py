"""The same servers as real processes (`backend.py` is what they run), each behind a relay that can hold its calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

from windtunnel import Stage
from windtunnel.catalogue.scale.circuit_breaker.judging import WORKERS
from windtunnel.engines import Call, OwnProgram

BACKEND = Path(__file__).with_name("backend.py")


class Asked:
    """A call that is under way."""

    def __init__(self, program: OwnProgram, work_s: float) -> None:
        self.program = program
        self.answer: Call = program.begin("serve", work_s)

    async def within(self, seconds: float) -> bool:
        """Whether it is answered in that time; else nobody waits any more, and the server does not know."""
        await asyncio.wait([self.answer], timeout=seconds)
        if not self.answer.done():
            self.program.drop(self.answer)
            return False
        self.answer.result()
        return True


class RealServer:
    """A process, and the relay before it: while that holds what comes, every call hangs."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.program = stage.program(f"process of {name}", BACKEND, {"workers": WORKERS})
        self.program.expect({"way"})
        stage.add(name, self)

    def submit(self, work_s: float) -> Asked:
        """Call it."""
        return Asked(self.program, work_s)

    def pause(self) -> None:
        """Nothing gets through to it, nor back."""
        self.program.hang(True)

    def resume(self) -> None:
        """What was held arrives now, also what nobody waits for any more."""
        self.program.hang(False)
