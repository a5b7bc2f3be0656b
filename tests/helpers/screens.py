"""The menu of a terminal, played: keys in, what stands on the screen out."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console
from textual.events import Key
from textual.pilot import Pilot

from windtunnel.ui.menu.app import Menu
from windtunnel.ui.menu.room import Room

R = TypeVar("R", bound=Room)
CHARACTERS = {"minus": "-", "full_stop": ".", "space": " ", "question_mark": "?", "slash": "/", "comma": ","}
"""What keys with a name of their own write."""
PATIENCE_S = 120.0
"""For how long a screen is waited for, on a machine that is busy; nobody is told how long it took."""


class Played:
    """A menu at work, seen and touched as a person does."""

    def __init__(self, menu: Menu, pilot: Pilot[None]) -> None:
        self.menu, self.pilot = menu, pilot

    @property
    def lines(self) -> list[str]:
        """What stands on the screen now."""
        width, height = self.menu.size
        paper = Console(file=io.StringIO(), width=width, height=height, record=True, legacy_windows=False)
        paper.print(self.menu.screen._compositor.render_update(full=True))
        return paper.export_text(styles=False).split("\n")

    @property
    def text(self) -> str:
        """The same as one text, whatever the lines are broken by."""
        return " ".join(" ".join(self.lines).split())

    async def press(self, *keys: str) -> None:
        """Keys as fast as they can come, and wait for what they do."""
        for key in keys:
            self.menu.post_message(Key(key, CHARACTERS.get(key, key if len(key) == 1 else None)))
        await self.seen()

    async def seen(self) -> None:
        """Wait until what was asked for before is done, and drawn."""
        for asked in (self.menu.call_later, lambda done: self.menu.screen.call_after_refresh(done)):
            done = asyncio.Event()
            asked(done.set)
            await done.wait()

    async def type(self, text: str) -> None:
        """A key for each character."""
        names = {character: name for name, character in CHARACTERS.items()}
        await self.press(*(names.get(character, character) for character in text))

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        await self.pilot.resize_terminal(width, height)
        await self.seen()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end, "\n".join(self.lines)
            await asyncio.sleep(0.05)
        await self.seen()

    async def reach(self, room: type[R]) -> R:
        """Wait until such a room is in front."""
        await self.until(lambda: isinstance(self.menu.screen, room))
        found = self.menu.screen
        assert isinstance(found, room)
        return found


def play(scene: Callable[[Played], Awaitable[None]], size: tuple[int, int] = (80, 24)) -> None:
    """Play a scene from the first screen on."""

    async def played() -> None:
        menu = Menu()
        async with menu.run_test(size=size) as pilot:
            at = Played(menu, pilot)
            await at.seen()
            await scene(at)
        assert menu.errands == []

    asyncio.run(played())
