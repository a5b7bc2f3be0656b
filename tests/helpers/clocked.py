"""Runs a coroutine on real asyncio, and in the tunnel, where time is virtual: the blocks must not see the difference.

`run_real` is `asyncio.run`: a test for it states order and outcome, never how long a thing took. `run_virtual`
runs on the event loop of a simulated host, from 0 s on; hours cost nothing there, and times are exact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from windtunnel.sim import Simulator

T = TypeVar("T")


def run_real(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    with Simulator() as tunnel:
        return cast(T, tunnel.host("host").loop.run_until_complete(main))
