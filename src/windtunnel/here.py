"""Where this code runs, for parts that are to run anywhere and know nothing of the tunnel.

The tunnel says it here, and blocks ask here, so that neither has to know the other. Clocks and luck need no word: the
names of `time` and `random` are the tunnel's while it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _nowhere() -> None:
    """This machine is real."""


_simulated_disk: Callable[[], Any] = _nowhere


def simulated_disk() -> Any:
    """The disk of the simulated host whose code runs now; None on a real machine."""
    return _simulated_disk()


def tell_simulated_disk(ask: Callable[[], Any]) -> None:
    """From now on `ask` says which disk it is."""
    global _simulated_disk
    _simulated_disk = ask
