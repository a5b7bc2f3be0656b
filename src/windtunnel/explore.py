"""Explore the schedules of a concurrent program: one place where the choice is made, on a tape that can be replayed.

A program is looked at as actors that take steps. At each point the explorer asks which actors could go on, and what the
next step of each would touch; a strategy picks one; the picks are the tape. The same tape gives the same run, so a
failure found once is found again, and a shrinker can cut it.

- `strategies`: random, PCT, depth-first, dynamic partial-order reduction.
- `generator_threads`: threads written as generators, the smallest model and the fastest.
- `real_threads`: unmodified Python threads, stopped before each opcode that touches something shared.
- `tunnel`: asyncio tasks and light processes in the tunnel, in the order in which those that could go on now do.
- `states`: all states of coroutines that never end, in the tunnel's own code: who gets stuck, who is starved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.lab.explore.core import (
        Access as Access,
        Choose as Choose,
        Exploration as Exploration,
        Failure as Failure,
        Program as Program,
        Stuck as Stuck,
        explore as explore,
        replay as replay,
        run_stepwise as run_stepwise,
        runs as runs,
    )
    from windtunnel.lab.explore.generator_threads import Lock as Lock, Threads as Threads
    from windtunnel.lab.explore.real_threads import RealThreads as RealThreads
    from windtunnel.lab.explore.simplest import picture as picture, simplest as simplest
    from windtunnel.lab.explore.standing import Pause as Pause
    from windtunnel.lab.explore.states import Lasso as Lasso, States as States, states as states
    from windtunnel.lab.explore.strategies import (
        DPOR as DPOR,
        PCT as PCT,
        DepthFirst as DepthFirst,
        RandomWalk as RandomWalk,
    )
    from windtunnel.lab.explore.tunnel import Tunnel as Tunnel

__getattr__, __dir__ = lend(__name__)
