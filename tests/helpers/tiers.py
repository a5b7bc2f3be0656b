"""The compiled tier beside the text that it is held to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def text_of(kind: type[Any]) -> type[Any]:
    """The class as it is in the pure tier, which the compiled one extends."""
    found: type[Any] = kind.__bases__[-1]
    return found


def outcome(call: Callable[..., Any], *args: Any, **options: Any) -> str:
    """What a call returns or raises, in letters that two tiers can be compared by."""
    try:
        return repr(call(*args, **options))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
