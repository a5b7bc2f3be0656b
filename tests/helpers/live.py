"""An experiment on real processes: beside the model, and stopped in the middle."""

from __future__ import annotations

import signal
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from helpers.left import NOTHING, Place
from windtunnel.lab.discovery import find
from windtunnel.lab.result import Result
from windtunnel.lab.run import run

PROGRAM = """
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

run(find({name!r}), stage="machine", seeds=[0], designs={designs!r}, jobs=1, **{params!r})
"""


def both(name: str, expressions: Collection[str], designs: list[str] | None = None) -> tuple[Result, Result]:
    """What an experiment finds of these claims alone, in the tunnel and on real processes."""
    whole = find(name)
    claims = [claim for claim in whole.claims if claim.expression in expressions]
    experiment = replace(whole, claims=claims, figures=(), why=(), asks=(), module=whole.module)
    model, real = (run(experiment, stage=stage, seeds=[0], designs=designs, jobs=1) for stage in ("sim", "machine"))
    return model, real


def assert_ctrl_c_leaves_nothing(place: Place, name: str, design: str, listening: int, **params: Any) -> None:
    """Stop a run by Ctrl-C once so many sockets listen."""
    starter = place.launch(PROGRAM.format(name=name, designs=[design], params=params))
    while len(place.now().sockets) < listening:
        assert starter.poll() is None
    starter.send_signal(signal.SIGINT)
    assert place.after() == NOTHING
    assert starter.wait() != 0
