"""A room to read in: a lesson, a map, what a command has written, a case that fails."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import RenderableType
from rich.text import Text

from windtunnel.ui.menu.room import BACK, HELP, Key, Room

Written = Callable[[int], RenderableType]
"""What is read, for so many columns."""


class Reading(Room):
    """Something that is read from top to bottom."""

    KEYS = (
        Key("down", "do_scroll_down", "down", "↑↓"),
        Key("space", "do_scroll_pagedown", "page", "space"),
        HELP,
        BACK,
    )

    def __init__(self, where: str, written: Written, note: str = "") -> None:
        super().__init__()
        self._where, self._written, self._note = where, written, note

    def place(self) -> tuple[str, str]:
        return self._where, self._note or "? help"

    def middle(self, width: int, height: int) -> RenderableType:
        return self._written(width)


def as_written(text: str) -> Written:
    """Lines that are shown as they were written."""
    return lambda width: Text(text, no_wrap=False)
