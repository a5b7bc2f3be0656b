"""What every screen of the menu is: where one is, what matters, and the keys that work now, in fixed places.

All keys go to the room in front in the order in which they were typed, and nothing has a focus of its own: keys of a
paste that are faster than the screen mean what they would mean slowly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Static

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.menu.lines import joined, wrapped
from windtunnel.ui.options import sentence_of

if TYPE_CHECKING:
    from windtunnel.ui.menu.app import Menu

T = TypeVar("T")
MARGIN = 1
"""Columns left free at both sides."""


class Key(NamedTuple):
    """A key that does something: the name by which it comes, the method of the room that does it, and how the last line
    tells it."""

    name: str
    does: str
    said: str
    shown: str = ""

    @property
    def what(self) -> str:
        """What it does, in a word."""
        return self.does.removeprefix("do_")

    @property
    def face(self) -> str:
        """How it is printed."""
        return self.shown or {"enter": "⏎", "escape": "esc", "slash": "/", "question_mark": "?"}.get(
            self.name, self.name
        )


HELP, BACK = Key("question_mark", "do_help", "help"), Key("escape", "do_back", "back")
PALETTE = Key("ctrl+p", "do_every_action", "every action", "^p")
QUIET = (Key("ctrl+c", "do_leave", ""), Key("ctrl+q", "do_leave", ""))
MOVES = (
    *(Key(name, f"do_scroll_{name}", "") for name in ("up", "down", "pageup", "pagedown", "home", "end")),
    Key("space", "do_scroll_pagedown", ""),
)


class Room(Screen[None]):
    """One screen. `KEYS` are those that it knows; `can` says which of them work now."""

    KEYS: Sequence[Key] = ()
    FILLED = False
    """Whether keys fill a field here: then no letter leaves the menu."""
    wrong = ""
    """What has gone wrong here, as a sentence."""

    @property
    def menu(self) -> Menu:
        """The program."""
        from windtunnel.ui.menu.app import Menu

        assert isinstance(self.app, Menu)
        return self.app

    # --- what a room says --------------------------------------------------------------------------------------------
    def place(self) -> tuple[str, str]:
        """Where one is, and what else there is to know about that."""
        return "windtunnel", ""

    def middle(self, width: int, height: int) -> RenderableType:
        """What matters, for so many columns and lines; more lines are scrolled."""
        return Text("")

    def can(self, key: Key) -> bool:
        """Whether this key does something now."""
        return True

    def typed(self, character: str, name: str) -> bool:
        """Take a key as text, where text is wanted; whether it was taken."""
        return False

    # --- how it stands on the screen ---------------------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with VerticalScroll(id="page", can_focus=False):
            yield Static(id="middle")
        yield Static(id="keys")

    def on_mount(self) -> None:
        with self.menu.telling():
            self.began()
        self.draw()

    def began(self) -> None:
        """What is to be done as soon as the room is there."""

    def behind(self, work: Callable[[], T], then: Callable[[T], object]) -> None:
        """Have something made behind the screen that is already there; `then` gets it in our own thread. Where it
        cannot be made, `wrong` says why."""

        def make() -> None:
            try:
                found = work()
            except WrongInput as error:
                self.call_later(self._refused, str(error))
            except OSError as error:
                self.call_later(self._refused, sentence_of(error))
            else:
                self.call_later(then, found)

        threading.Thread(target=make, daemon=True).start()

    def _refused(self, sentence: str) -> None:
        self.wrong = sentence
        self.draw()

    def ended(self) -> None:
        """What is to be put away when the room is gone."""

    def on_unmount(self) -> None:
        self.ended()

    def on_screen_resume(self) -> None:
        self.draw()

    def on_resize(self, event: Resize) -> None:
        self.draw()

    def draw(self) -> None:
        """Say all of it again."""
        if not self.is_attached or not self.query("#head"):
            return
        width, height = self.app.size
        width = max(20, width - 2 * MARGIN)
        self.query_one("#head", Static).update(headed(*self.place(), width))
        keys = told(self.keys_now(), width, max(1, height // 6))
        if self.menu.said:
            keys = joined([*wrapped(self.menu.said, width), keys])
        self.query_one("#keys", Static).update(keys)
        room = max(3, height - 1 - len(keys.plain.split("\n")))
        self.query_one("#middle", Static).update(self.middle(width, room))

    def keys_now(self) -> list[Key]:
        """Those that do something now, in their order."""
        return [key for key in self.KEYS if self.can(key)]

    # --- keys --------------------------------------------------------------------------------------------------------
    async def pressed(self, name: str, character: str) -> None:
        """A key was typed."""
        self.menu.said = ""
        name = name if len(name) > 1 else name.lower()
        for key in (*self.KEYS, *QUIET):
            if key.name == name and self.can(key):
                await self.do(key.does)
                break
        else:
            if not self.typed(character, name):
                await self.pressed_anywhere(name)
        for room in self.app.screen_stack[-1:]:
            if isinstance(room, Room):
                room.draw()

    def pasted(self, text: str) -> None:
        """Text is text, where it is wanted, and never a key."""
        for character in text:
            if character.isprintable():
                self.typed(character, "")
        self.draw()

    async def pressed_anywhere(self, name: str) -> None:
        """A key that has no meaning of its own here."""
        if name == "q" and not self.FILLED:
            await self.do_leave()
        for key in MOVES:
            if key.name == name:
                await self.do(key.does)

    async def do(self, what: str) -> None:
        """Do what a key is there for."""
        with self.menu.telling():
            found = getattr(self, what)()
            if found is not None:
                await found

    async def do_help(self) -> None:
        from windtunnel.ui.menu.help import Help

        await self.menu.enter(Help())

    async def do_back(self) -> None:
        await self.menu.back()

    async def do_leave(self) -> None:
        self.menu.leave()

    async def do_every_action(self) -> None:
        self.app.action_command_palette()

    def do_scroll_up(self) -> None:
        self._page.scroll_up(animate=False)

    def do_scroll_down(self) -> None:
        self._page.scroll_down(animate=False)

    def do_scroll_pageup(self) -> None:
        self._page.scroll_page_up(animate=False)

    def do_scroll_pagedown(self) -> None:
        self._page.scroll_page_down(animate=False)

    def do_scroll_home(self) -> None:
        self._page.scroll_home(animate=False)

    def do_scroll_end(self) -> None:
        self._page.scroll_end(animate=False)

    @property
    def _page(self) -> VerticalScroll:
        return self.query_one("#page", VerticalScroll)


def headed(left: str, right: str, width: int) -> Text:
    """The first line: what does not fit is the right side's, its first words before its last."""
    free = width - cell_len(left)
    while right and cell_len(right) + 2 > free:
        right = right.partition("   ")[2]
    line = Text.assemble((left, "bold"), " " * max(0, free - cell_len(right)), (right, "dim"), no_wrap=True)
    line.truncate(width, overflow="ellipsis")
    return line


def told(keys: Sequence[Key], width: int, most: int = 6) -> Text:
    """The last lines: each key and its word. Where they do not fit, the way back and to the help come first."""
    lines = _broken(keys, width)
    if len(lines) > most:
        first = ("back", "stop", "help", "every_action")
        lines = _broken(sorted(keys, key=lambda k: first.index(k.what) if k.what in first else 9), width)[:most]
    return Text("\n").join(lines)


def _broken(keys: Sequence[Key], width: int) -> list[Text]:
    lines = [Text()]
    for key in keys:
        if not key.said:
            continue
        part = Text.assemble((key.face, "bold"), f" {key.said}")
        if lines[-1] and cell_len(lines[-1].plain) + 3 + cell_len(part.plain) > width:
            lines.append(Text())
        lines[-1].append_text(Text.assemble("   " if lines[-1] else "", part))
    return lines


def stacked(*parts: RenderableType | None) -> Group:
    """What is there of these, one below the other."""
    return Group(*(part for part in parts if part is not None))
