"""Several programs of one design: what one of them remembers the others do not know."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Protocol, TypeVar

from windtunnel.sim import Simulator

T = TypeVar("T")


class Surroundings(Protocol):
    """What programs share: a stage."""

    @property
    def name(self) -> str: ...

    @property
    def sim(self) -> Simulator: ...

    @property
    def things(self) -> Mapping[str, Any]: ...


def programs(design: T, stage: Surroundings, *shared: object, many: int = 2) -> list[T]:
    """A design, just made, and copies of it that have its stage in common and nothing else.

    All requests of a run ask one object. A lock or a table in its memory is then one for all clients, as it is of no
    service that runs more than once: what serves by turns from these has it once for each.

    Args:
        design: before it has started; nothing of it may run yet.
        shared: what else they have in common.
        many: how many there are, with the first.
    """
    world = [stage.sim] if stage.name == "sim" else []
    same = {id(thing): thing for thing in (stage, *world, *stage.things.values(), *shared)}
    return [design, *(deepcopy(design, dict(same)) for _ in range(1, many))]
