"""Memory that a thread touches only as it has told: else the explorer would prove what it has not seen."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from windtunnel.explore import Access

T = TypeVar("T")


class Told(dict[str, int]):
    """Values by name. Each read and each write has to be told right before it, and what is told allows one."""

    may: tuple[str, str] | None = None

    def once(self, kind: str, name: str) -> None:
        """Let it be done, if it is what has been told."""
        if self.may != (kind, name):
            raise RuntimeError(f"{name!r} is touched by a {kind} that was not told; yield Access({kind!r}, {name!r}).")
        self.may = None

    def get(self, name: str, default: Any = 0) -> Any:
        self.once("read", name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> int:
        self.once("read", name)
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: int) -> None:
        self.once("write", name)
        super().__setitem__(name, value)

    def refuse(self, *args: object, **named: object) -> Any:
        """Whatever else a dictionary can do touches more than one step tells."""
        raise RuntimeError("Read a value by get(name), and write it by memory[name] = value, each told before it.")

    __contains__ = __iter__ = __len__ = __delitem__ = __ior__ = __or__ = __reversed__ = refuse
    setdefault = update = pop = popitem = clear = copy = keys = values = items = refuse


def told(memory: Told, steps: Generator[Access, None, T]) -> Generator[Access, None, T]:
    """The same steps, which touch this memory as they tell, and otherwise fail."""
    while True:
        try:
            access = next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # the type of what a generator returns is not kept
        finally:
            memory.may = None  # whoever comes next has told nothing yet
        yield access
        memory.may = access.kind, access.target
