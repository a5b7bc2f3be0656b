"""The port to a server: a thing that can be overloaded, stalled and killed.

Some workers serve whoever comes, first come, first served; the others wait in a queue that may have a bound. A design
written against `Server` runs on the model in the tunnel and in front of a real process that burns this machine's
processor. One conformance suite (`tests/engines`) holds both to the promises made here:

- `serve` returns when a worker has done the work, never sooner; in the order of arrival with one worker.
- A full queue turns away at once: the exception says `outcome = "fail"`, nothing was done.
- `pause` stops all work where it is and answers nobody, `resume` goes on with it; nobody is lost.
- `crash` loses everybody inside: nobody can tell what became of them (outcome "unknown"). Who comes later is refused
  (outcome "fail") until `restart`, which begins with an empty queue.
- `set_speed` holds for the work under way too.

What it does *not* protect from: a caller that gives up leaves its work behind, and the server does it for nobody. That
is what retries feed on (`windtunnel.catalogue.scale.metastable_failure`).
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol


class ServerPort(Protocol):
    """Workers with a queue in front of them."""

    def serve(self, work_s: float) -> Awaitable[None]:
        """Wait for a worker, then while it does `work_s` seconds of work (at speed 1).

        Raises:
            Exception: with the attribute `outcome` "fail" where it was turned away or refused; a crash, and a lost
                connection, say nothing (outcome "unknown").
        """
        ...

    def set_speed(self, speed: float) -> None:
        """Work done in a second by one worker, from now on."""
        ...

    def pause(self) -> None:
        """Stand still: the process is there and does nothing."""
        ...

    def resume(self) -> None:
        """Go on after a pause."""
        ...

    def slow_to(self, share: float) -> None:
        """What faults leave of its speed: work goes at this part of it from now on."""
        ...

    def lose_replies(self, yes: bool) -> None:
        """Do the work and answer nobody: who asked learns that the connection broke (outcome "unknown")."""
        ...

    def crash(self) -> object:
        """Die, with everybody inside."""
        ...

    def restart(self) -> None:
        """Stand up again after a crash, empty."""
        ...
