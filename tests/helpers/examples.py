"""How many examples of a property are tried: few in each run, in soak as many as it is told to draw."""

from __future__ import annotations

import os

MANY = int(os.environ.get("WINDTUNNEL_EXAMPLES", "0"))
"""What `make soak` asks for; 0 in `make test`."""
FEW = 30


def examples(quick: int) -> int:
    """As many as that, where a property asks for other than the usual number; in soak at least `MANY`."""
    return max(quick, MANY)
