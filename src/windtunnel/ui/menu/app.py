"""The program behind the rooms: which one is in front, long work and its end, the palette of actions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from textual import events
from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider

from windtunnel.lab.cards import Card, cards
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.progress import Done, default_path, read
from windtunnel.ui.menu.errand import Errand, Message
from windtunnel.ui.menu.room import Key, Room
from windtunnel.ui.options import sentence_of


class Actions(Provider):
    """What the palette finds: the keys that work now, and every experiment."""

    def _all(self) -> list[tuple[str, str, Callable[[], Any]]]:
        menu, room = self.app, self.screen
        assert isinstance(menu, Menu)
        found: list[tuple[str, str, Callable[[], Any]]] = []
        if isinstance(room, Room):
            found += [(key.said, f"key {key.face}", partial(room.pressed, key.name, "")) for key in _worth(room)]
        return found + [(card.id, card.question, partial(menu.open, card)) for card in menu.cards]

    async def discover(self) -> Hits:
        for name, said, does in self._all():
            yield DiscoveryHit(name, does, help=said)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, said, does in self._all():
            score = max(matcher.match(name), matcher.match(said))
            if score > 0:
                yield Hit(score, matcher.highlight(name), does, help=said)


def _worth(room: Room) -> list[Key]:
    return [key for key in room.keys_now() if key.said and key.what != "every_action"]


class Menu(App[None]):
    """The menu. Colours are the terminal's own, so that light and dark grounds are its own affair."""

    TITLE = "windtunnel"
    COMMANDS = {Actions}  # noqa: RUF012  (Textual's word)
    CSS = """
    Screen { background: ansi_default; color: ansi_default; }
    #head { height: 1; padding: 0 1; }
    #page { height: 1fr; padding: 0 0 0 1; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
            scrollbar-background: ansi_default; scrollbar-color: ansi_bright_black; background: ansi_default; }
    #middle, #keys { height: auto; }
    #keys { padding: 0 1; }
    CommandPalette > Vertical { background: ansi_default; max-width: 100; }
    CommandPalette #--input { border: none; border-bottom: solid ansi_bright_black; }
    CommandPalette CommandList { border: none; scrollbar-size-vertical: 1; scrollbar-background: ansi_default;
                                 scrollbar-color: ansi_bright_black; }
    CommandPalette SearchIcon { display: none; }
    CommandList > .option-list--option-highlighted, CommandList:focus > .option-list--option-highlighted {
        color: ansi_default; background: ansi_default; text-style: reverse bold; }
    """

    def __init__(self) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self.cards: list[Card] = cards()
        self.errands: list[Errand] = []
        self.done: dict[str, Done] = {}
        self.pages: Errand | None = None
        self.address = self.wanted = self.said = ""

    def on_mount(self) -> None:
        from windtunnel.ui.menu.home import Home

        self._end_by_signals()
        self.known()
        self.push_screen(Home())

    def known(self) -> None:
        """Read what the progress file says now. One that cannot be read stops nobody, and is told."""
        with self.telling():
            self.done = read(default_path())

    def note(self, does: Callable[[], object]) -> None:
        """Have something noted in the progress file, and know it."""
        with self.telling():
            does()
            self.done = read(default_path())

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """What cannot be done is said in the last lines, and ends nothing else."""
        try:
            yield
        except WrongInput as error:
            self.say(str(error))
        except OSError as error:
            self.say(sentence_of(error))

    # --- rooms -------------------------------------------------------------------------------------------------------
    async def enter(self, room: Room) -> None:
        """Go one room further."""
        await self.push_screen(room)

    async def instead(self, room: Room) -> None:
        """Go to a room in the place of this one."""
        await self.switch_screen(room)

    async def back(self) -> None:
        """Go one room back; what was done there meanwhile is known here."""
        if len(self.screen_stack) > 2:
            await self.pop_screen()
            self.known()
            if isinstance(self.screen, Room):
                self.screen.draw()

    async def home(self) -> None:
        """Go back to the first room."""
        while len(self.screen_stack) > 2:
            await self.pop_screen()
        self.known()

    async def open(self, card: Card) -> None:
        """Go to an experiment."""
        from windtunnel.ui.menu.opened import Opened

        await self.home()
        await self.enter(Opened(card))

    def leave(self) -> None:
        """Leave the menu; what is at work is stopped."""
        self.exit()

    def _end_by_signals(self) -> None:
        """A signal that ends a program ends this one with the terminal as it was found."""
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows; not in the main thread
                asyncio.get_running_loop().add_signal_handler(number, self.exit, None, 128 + number)

    @property
    def status(self) -> int:
        """The exit status: 0 where the person has left."""
        from windtunnel.ui.cli import OURS

        return OURS if self.return_code == 1 else self.return_code or 0

    async def on_event(self, event: events.Event) -> None:
        """Keys go to the room in front, one after the other, whatever else there is on the screen."""
        if isinstance(event, events.Key) and not event.is_forwarded and isinstance(self.screen, Room):
            printable = event.character if event.character is not None and event.is_printable else ""
            await self.screen.pressed(event.key, printable)
        elif isinstance(event, events.Paste) and not event.is_forwarded and isinstance(self.screen, Room):
            self.screen.pasted(event.text)
        else:
            await super().on_event(event)

    # --- the page ----------------------------------------------------------------------------------------------------
    def page(self, experiment: str) -> None:
        """Show an experiment's page; the server of pages is started with the first, and ends with the menu."""
        self.wanted = experiment
        self.said = "The pages are being started."
        if self.pages is None:
            self.pages = self.send(["web", "--port", "0", "--json"], self.served)
        elif self.address:
            self.show_page()

    def served(self, message: Message) -> None:
        """The server of pages has told its address, or why there is none."""
        if "line" in message and not self.address:
            found = json.loads(message["line"])
            self.address = found.get("address", "")
            if self.address:
                self.show_page()
        elif "status" in message and self.pages is not None:
            self.say(self.pages.sentence or "The pages have ended.")
            self.stop(self.pages)
            self.pages, self.address = None, ""

    def show_page(self) -> None:
        """In a browser, where there is a screen for one; the address is told anyway."""
        address = f"{self.address}e/{self.wanted}"
        self.say(f"page  {address}")
        if os.name != "posix" or sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def say(self, sentence: str) -> None:
        """A line above the keys, until the next one is typed."""
        self.said = sentence
        if isinstance(self.screen, Room):
            self.screen.draw()

    # --- long work ---------------------------------------------------------------------------------------------------
    def send(self, words: Sequence[str], heard: Callable[[Message], object]) -> Errand:
        """Have a command done by a process of its own; `heard` is told in our own thread."""

        def tell(message: Message) -> None:
            if self.is_running:
                self.call_later(heard, message)

        errand = Errand(words, max(40, self.size.width - 2), tell)
        self.errands.append(errand)
        return errand

    def stop(self, errand: Errand) -> None:
        """End long work, without waiting for it; the menu is left when nothing of it is left."""
        errand.stopped = True
        threading.Thread(target=self._ended, args=(errand,), daemon=True).start()

    def _ended(self, errand: Errand) -> None:
        errand.stop()
        if errand in self.errands:
            self.errands.remove(errand)

    def on_unmount(self) -> None:
        for errand in list(self.errands):
            errand.stop()
        self.errands.clear()
