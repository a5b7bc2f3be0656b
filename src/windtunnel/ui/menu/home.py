"""Home: tracks with progress, the experiments of one, and what is next: three panes that stay."""

from __future__ import annotations

from datetime import date

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab.cards import Card
from windtunnel.lab.progress import Done, Guess, due
from windtunnel.ui.menu.lines import CHOSEN, beside, cut, joined, rule, window, wrapped
from windtunnel.ui.menu.room import HELP, PALETTE, Key, Room

START, ALL = "start here", "all"
TRACKS_WIDE, NEXT_WIDE, NARROW = 20, 26, 72


def mark(done: Done | None) -> str:
    """Not seen, run, passed: three shapes, so that no colour is needed."""
    return "·" if done is None else "✔" if done.passed else "◐" if done.runs or done.grades else "·"


def next_for(cards: list[Card], done: dict[str, Done]) -> tuple[Card, str]:
    """The one next step: what was seen and not yet cured, else what was not yet seen."""
    seen = [
        card for card in cards if (known := done.get(card.id)) and (known.runs or known.grades) and not known.passed
    ]
    if seen:
        return seen[0], "You saw it run, and have not cured it yourself: c takes the challenge."
    new = [card for card in cards if mark(done.get(card.id)) == "·"]
    if new:
        first = "The first one. " if not done else "Not yet seen. "
        return new[0], first + "Guess, run it, see how far off you were."
    return cards[0], "All are passed. Change a parameter, and see what turns."


class Home(Room):
    """The first room."""

    KEYS = (
        Key("enter", "do_open", "open"),
        Key("tab", "do_pane", "pane"),
        Key("shift+tab", "do_pane_back", ""),
        Key("slash", "do_find", "find"),
        PALETTE,
        Key("c", "do_challenge", "challenge"),
        Key("r", "do_recall", "recall"),
        Key("escape", "do_all", "all again"),
        Key("w", "do_page", "page"),
        HELP,
        Key("q", "do_leave", "quit"),
        Key("up", "do_up", ""),
        Key("down", "do_down", ""),
        Key("pageup", "do_page_up", ""),
        Key("pagedown", "do_page_down", ""),
        Key("home", "do_first", ""),
        Key("end", "do_last", ""),
        Key("left", "do_pane_back", ""),
        Key("right", "do_pane", ""),
    )

    def __init__(self) -> None:
        super().__init__()
        self.pane, self.track, self.at = 1, 0, 0
        self.finding = False
        self.sought = ""

    # --- what there is -----------------------------------------------------------------------------------------------
    @property
    def tracks(self) -> list[str]:
        """The tracks, in their order."""
        return [ALL, *dict.fromkeys(card.track or START for card in self.menu.cards)]

    @property
    def listed(self) -> list[Card]:
        """The experiments in the middle."""
        if self.sought:
            words = self.sought.casefold().split()
            return [c for c in self.menu.cards if all(word in _sought_in(c) for word in words)]
        track = ALL if self.app.size.width < NARROW else self.tracks[self.track]
        return [card for card in self.menu.cards if track in (ALL, card.track or START)]

    @property
    def chosen(self) -> Card | None:
        """The experiment that a key is about."""
        if self.pane == 2:
            return next_for(self.menu.cards, self.menu.done)[0]
        found = self.listed
        return found[min(self.at, len(found) - 1)] if found else None

    @property
    def due(self) -> list[tuple[str, Guess]]:
        """What is to be asked again today."""
        known = {card.id for card in self.menu.cards}
        return [(name, one) for name, one in due(self.menu.done, date.today()) if name in known]

    # --- keys --------------------------------------------------------------------------------------------------------
    def can(self, key: Key) -> bool:
        if self.finding:
            return key.name in ("enter", "escape", "up", "down", "tab")
        match key.what:
            case "recall":
                return bool(self.due)
            case "all":
                return bool(self.sought)
        return True

    def typed(self, character: str, name: str) -> bool:
        if not self.finding:
            return False
        if name == "backspace":
            self.sought = self.sought[:-1]
        self.sought += character
        self.at = 0
        return True

    async def do_open(self) -> None:
        self.finding = False
        if self.pane == 0:
            self.pane = 1  # into the track
        elif self.chosen is not None:
            from windtunnel.ui.menu.opened import Opened

            await self.menu.enter(Opened(self.chosen))

    async def do_challenge(self) -> None:
        if self.chosen is not None:
            from windtunnel.ui.menu.challenge import Challenge

            await self.menu.enter(Challenge(self.chosen))

    def do_page(self) -> None:
        if self.chosen is not None:
            self.menu.page(self.chosen.id)

    async def do_recall(self) -> None:
        from windtunnel.ui.menu.recall import Recall

        await self.menu.enter(Recall(*self.due[0]))

    def do_find(self) -> None:
        self.finding, self.pane, self.sought, self.at = True, 1, "", 0

    def do_all(self) -> None:
        self.finding, self.sought, self.at = False, "", 0

    def do_pane(self) -> None:
        self.finding = False
        self.pane = (self.pane + 1) % 3

    def do_pane_back(self) -> None:
        self.pane = (self.pane - 1) % 3

    def _move(self, by: int) -> None:
        if self.pane == 0:
            self.track = max(0, min(self.track + by, len(self.tracks) - 1))
            self.at, self.sought = 0, ""
        elif self.pane == 1:
            self.at = max(0, min(self.at + by, len(self.listed) - 1))

    def do_up(self) -> None:
        self._move(-1)

    def do_down(self) -> None:
        self._move(1)

    def do_page_up(self) -> None:
        self._move(-10)

    def do_page_down(self) -> None:
        self._move(10)

    def do_first(self) -> None:
        self._move(-1000)

    def do_last(self) -> None:
        self._move(1000)

    # --- how it looks ------------------------------------------------------------------------------------------------
    def place(self) -> tuple[str, str]:
        passed = sum(done.passed for done in self.menu.done.values())
        return "windtunnel", f"{passed} of {len(self.menu.cards)} passed   ? help"

    def middle(self, width: int, height: int) -> RenderableType:
        glance = self._glance(width)
        tall = max(3, height - len(glance) - 2)
        if width < NARROW - 2:
            parts, panes, widths = [self._title(width)], [self._list(width, tall)], [width]
        else:
            wide = width - TRACKS_WIDE - NEXT_WIDE - 2
            widths = [TRACKS_WIDE, wide, NEXT_WIDE]
            parts = [
                ("tracks", TRACKS_WIDE, self.pane == 0),
                self._title(wide),
                ("next for you", NEXT_WIDE, self.pane == 2),
            ]
            panes = [self._tracks(), self._list(wide, tall), self._next(NEXT_WIDE)]
        lines = [rule(parts), *beside(panes, widths, tall), Text("─" * width, "dim"), *glance]
        return joined(lines)

    def _title(self, width: int) -> tuple[str, int, bool]:
        title = f"find: {self.sought}▏" if self.finding else f"found: {self.sought}" if self.sought else ""
        track = ALL if width >= NARROW else self.tracks[self.track]
        return title or track, width, self.pane == 1

    def _tracks(self) -> list[Text]:
        lines = []
        for number, track in enumerate(self.tracks):
            mine = [card.id for card in self.menu.cards if track in (ALL, card.track or START)]
            passed = sum(self.menu.done.get(name, Done()).passed for name in mine)
            chosen = number == self.track and not self.sought
            text = f"{CHOSEN if chosen else ' '}{track:<12}{f'{passed}/{len(mine)}':>6}"
            lines.append(Text(text, "bold" if chosen else ""))
        return lines

    def _list(self, width: int, height: int) -> list[Text]:
        found = self.listed
        if not found:
            return [Text(""), Text(f" Nothing has “{self.sought}” in it."), Text(" esc shows all again.", "dim")]
        self.at = min(self.at, len(found) - 1)
        names = max(len(card.id) for card in found)
        lines = []
        for number in window(len(found), self.at, height):
            card, chosen = found[number], number == self.at
            line = Text.assemble(f"{CHOSEN if chosen else ' '}{mark(self.menu.done.get(card.id))} ")
            line.append(f"{card.id:<{names}}", "bold" if chosen else "")
            if width > names + 22:
                line.append(f"  {card.question}", "dim")
            lines.append(cut(line, width))
        return lines

    def _next(self, width: int) -> list[Text]:
        card, why = next_for(self.menu.cards, self.menu.done)
        pointed = CHOSEN if self.pane == 2 else " "
        lines = [Text(f"{pointed}{card.id}", "bold"), *(Text(" ") + line for line in wrapped(why, width - 2))]
        again = self.due
        lines += [Text(""), Text("─recall today" + "─" * (width - 13), "dim")]
        if again:
            name, one = again[0]
            lines += [Text(" ") + line for line in wrapped(one.question, width - 2)]
            lines += [Text(f" {name}", "dim"), Text(" r answers", "dim")]
            if len(again) > 1:
                lines.append(Text(f" and {len(again) - 1} more", "dim"))
        else:
            lines.append(Text(" Nothing is due.", "dim"))
        return lines

    def _glance(self, width: int) -> list[Text]:
        card = self.chosen
        if card is None:
            return [Text("")] * 4
        *between, best = card.designs or ("",)
        question = wrapped(card.question, width)
        designs = wrapped(f"naive {' · '.join(between)} · best {best}" if between else best, width, style="dim")
        if len(designs) > 2:
            designs[1] = cut(Text(f"{designs[1].plain} …", "dim"), width)
        lines = [*question[:2], *designs[:2]]
        return lines + [Text("")] * (4 - len(lines))


def _sought_in(card: Card) -> str:
    return f"{card.id} {card.title} {card.question} {' '.join(card.designs)}".casefold().replace("_", " ") + card.id
