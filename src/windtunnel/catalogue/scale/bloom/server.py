"""A server that asks its filter before it asks the table: in the process that measures, or in one of its own.

In a process of its own it is a program: Python salts `hash` for each process anew.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from windtunnel.parts import held_bytes


class Design(Protocol):
    """What is measured; see `designs.py`."""

    def begin(self, expected: int, error: float) -> None: ...
    def add(self, key: str) -> None: ...
    def remove(self, key: str) -> None: ...
    def may_have(self, key: str) -> bool: ...
    def absent(self, key: str) -> None: ...
    def store(self, keys: Iterable[str]) -> bytes: ...
    def load(self, stored: bytes) -> None: ...


class Read:
    """The keys of a table, and how many of them somebody has read."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys, self.many = keys, 0

    def __iter__(self) -> Iterator[str]:
        for key in self.keys:
            self.many += 1
            yield key


class Server:
    """Answers for one design."""

    def __init__(self, told: Mapping[str, Any], design: Design) -> None:
        self.design = design
        design.begin(told["keys"], told["error"])

    def heard(self, what: str, *words: Any) -> Any:
        """One question, with words that JSON has; see the methods of a design."""
        design = self.design
        match what, words:
            case (("add" | "remove" | "absent"), (keys,)):
                tell = getattr(design, what)
                for key in keys:
                    tell(key)
                return None
            case "may", (keys,):
                may_have = design.may_have
                return "".join(["1" if may_have(key) else "0" for key in keys])
            case "store", (keys,):
                read = Read(keys)
                stored = design.store(read)
                if not isinstance(stored, bytes):
                    raise TypeError(f"What is stored is bytes, not {type(stored).__name__}.")
                return [b64encode(stored).decode(), read.many]
            case "load", (text,):
                return design.load(b64decode(text))
            case "held", ():
                return held_bytes(design)
        raise ValueError(f"A server is asked {what}; it hears add, remove, absent, may, store, load, held.")


def begin(told: Mapping[str, Any], design: Design) -> Callable[..., Any]:
    """What answers."""
    return Server(told, design).heard
