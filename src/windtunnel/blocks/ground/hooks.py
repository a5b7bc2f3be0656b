"""Hooks: a caller's function that is told of something, and can harm nothing by what it does with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")


def tell(hook: Callable[P, object] | None, *args: P.args, **kwargs: P.kwargs) -> None:
    """Call a hook, if there is one. An error of its own is logged (`windtunnel.blocks`) and goes no further.

    Whoever counts metrics in a hook must not find that a full disk of theirs has left a circuit open for ever.
    """
    if hook is None:
        return
    try:
        hook(*args, **kwargs)
    except Exception:
        logging.getLogger("windtunnel.blocks").exception("The hook %r raised; what it was told of goes on.", hook)
