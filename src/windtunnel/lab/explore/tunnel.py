"""Asyncio tasks and light processes in the tunnel: whoever of those that could go on at a moment goes first.

asyncio promises no order among tasks that become ready together; programs that need one are wrong, and only seldom
seen to be. The tunnel's own order is first come, first served. Here every such order is a choice on the tape, on
unmodified asyncio code. What comes later in virtual time still comes later.

The reduction (DPOR) is not offered: what a step of a task touches cannot be told before it is taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from windtunnel.lab.explore.core import Access, Choose, Failure, OutOfSteps, Step, sentence
from windtunnel.sim.kernel import Deadlock, Simulator

Main = Callable[[Simulator], Coroutine[Any, Any, None]]
ANYTHING = Access("write", "anything")


class _GivenUp(BaseException):
    """Leaves a run that would repeat what is known."""


class Tunnel:
    """A program for the tunnel.

    Args:
        main: given a new simulator, the coroutine to run as an asyncio task of a host of that simulator; an assertion
            that does not hold, or any other exception, is the failure.
        seed: of the simulator.
    """

    def __init__(self, main: Main, seed: int = 0) -> None:
        self._main = main
        self._seed = seed

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Step], Failure | None]:
        """Run once; as `Program.run`."""
        sim = Simulator(self._seed)
        ready = sim.ready = _Ready(choose, max_steps)
        try:
            sim.run_until(sim.host("main").create_task(self._main(sim), name="main"))
        except _GivenUp:
            return ready.steps, None
        except Deadlock as stuck:
            return ready.steps, Failure("deadlock", str(stuck), tuple(ready.steps))
        except OutOfSteps:
            raise
        except Exception as error:
            return ready.steps, Failure("wrong", sentence(error), tuple(ready.steps))
        finally:
            sim.ready = deque()
            sim.close()
        return ready.steps, None


class _Ready(deque[Any]):
    """The kernel's queue of those that can go on now, out of which a strategy picks."""

    def __init__(self, choose: Choose, max_steps: int) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._choose = choose
        self._max_steps = max_steps

    def popleft(self) -> Any:
        if len(self.steps) >= self._max_steps:
            raise OutOfSteps(f"A run took more than {self._max_steps} steps; bound its loops or raise max_steps.")
        places: dict[str, int] = {}
        for place, (thing, number, _) in enumerate(self):
            # One whose ticket is stale does nothing; it is no choice.
            if getattr(thing, "_ticket", number) == number:
                name = _name(thing)
                places[name if name not in places else f"{name} #{place}"] = place
        if not places:
            return super().popleft()
        chosen = self._choose(list(places), dict.fromkeys(places, ANYTHING))
        if chosen is None:
            raise _GivenUp
        self.steps.append(Step(chosen, ANYTHING))
        self.rotate(-places[chosen])
        found = super().popleft()
        self.rotate(places[chosen])
        return found


def _name(thing: Any) -> str:
    for attribute in ("get_name", "describe"):
        if hasattr(thing, attribute):
            return str(getattr(thing, attribute)())
    callback = getattr(thing, "_callback", None) or getattr(thing, "_call", None)
    callback = getattr(callback, "func", callback)
    return str(getattr(callback, "__qualname__", type(thing).__name__))
