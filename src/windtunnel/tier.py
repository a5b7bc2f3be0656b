"""Which tier runs: the compiled one where it was built, else the pure one.

Compiled (`native/`) are the tunnel's loop, and single calls of blocks that are asked for very often. The pure tier is
the text to read, and what the compiled one is held to: the same program has the same bytes on both. Set
`WINDTUNNEL_PURE=1` before the first import to have the pure one.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

INTERFACE: Final = 9
"""What the Python side expects of the compiled one (`INTERFACE` of `native/common.h`): a module that was built from an
older source is not used."""

native: Any = None
if not TYPE_CHECKING and os.environ.get("WINDTUNNEL_PURE", "") in ("", "0"):
    try:
        native = import_module("windtunnel._native")
    except ImportError:  # it was not built, or for another interpreter
        pass
    else:
        if native.INTERFACE != INTERFACE:
            native = None

TIER: Final = "pure" if native is None else "compiled"
"""The one that runs in this process."""


def lend(compiled: type, pure: type, *names: str) -> type:
    """Give a compiled class those methods of the pure one that are not called for each event."""
    for name in names:
        setattr(compiled, name, vars(pure)[name])
    return compiled
