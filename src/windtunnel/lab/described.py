"""An experiment as plain data: what programs and agents read of it without running it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from windtunnel.lab.charts import drawn
from windtunnel.lab.experiment import Experiment, idea
from windtunnel.lab.params import describe


def described(one: Experiment[Any]) -> dict[str, Any]:
    """An experiment as plain data."""
    return {
        "id": one.id,
        "track": one.track,
        "title": one.title,
        "question": one.question,
        "lesson": one.lesson,
        "stages": list(one.stages),
        "designs": {name: idea(make) for name, make in one.designs.items()},
        "params": [asdict(p) for p in describe(one.params)],
        "claims": [asdict(c) for c in one.claims],
        "figures": [asdict(f) for f in one.figures],
        "charts": [asdict(drawn(c)) for c in one.charts],
        "asks": [asdict(a) for a in one.asks],
        "why": [asdict(w) for w in one.why],
        "hints": list(one.hints),
        "sources": [asdict(s) for s in one.sources],
        "seeds": one.seeds,
    }
