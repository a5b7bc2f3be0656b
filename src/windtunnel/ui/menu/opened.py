"""An experiment: its question, its designs side by side, its parameters, and where to go from there."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab.cards import Card
from windtunnel.lab.claims import number
from windtunnel.lab.experiment import Experiment, idea
from windtunnel.ui.menu.lines import CHOSEN, beside, cut, joined, rule, wrapped
from windtunnel.ui.menu.reading import Reading
from windtunnel.ui.menu.room import BACK, HELP, PALETTE, Key, Room
from windtunnel.ui.menu.setting import Setting
from windtunnel.ui.menu.source import lines_of, side_by_side

NARROW = 60
"""Below so many columns only the chosen design's source is shown."""
TALL = 32
"""From so many lines on parameters stand with their range and their sentence."""
LEAST = 5
"""Lines of source that are worth a pane."""


class Opened(Room):
    """One experiment. It is imported behind the screen that is already there."""

    KEYS = (
        Key("p", "do_predict", "predict and run"),
        Key("x", "do_run", "run"),
        Key("up", "do_up", ""),
        Key("down", "do_down", "design", "↑↓"),
        Key("v", "do_whole", "whole source"),
        Key("e", "do_parameters", "parameters"),
        Key("f", "do_size", "small setting"),
        Key("l", "do_lesson", "lesson"),
        Key("c", "do_challenge", "challenge"),
        Key("m", "do_map", "map"),
        Key("y", "do_why", "why"),
        Key("i", "do_interview", "interview"),
        Key("w", "do_page", "page"),
        PALETTE,
        HELP,
        BACK,
        Key("enter", "do_predict", ""),
        Key("pageup", "do_page_up", ""),
        Key("pagedown", "do_page_down", ""),
        Key("space", "do_page_down", "more", "space"),
    )

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card
        self.setting: Setting | None = None
        self.at, self.scrolled, self.everything = max(1, len(card.designs) - 1), 0, False

    def began(self) -> None:
        from windtunnel.lab.discovery import find

        self.behind(lambda: find(self.card.id), self.imported)

    def imported(self, found: Experiment[Any]) -> None:
        """It is there."""
        self.setting = Setting(found)
        self.draw()

    # --- keys --------------------------------------------------------------------------------------------------------
    def can(self, key: Key) -> bool:
        if key.what in ("help", "back", "every_action", "up", "down", "leave"):
            return True
        if self.setting is None:
            return False
        match key.what:
            case "map":
                return bool(self.setting.experiment.maps)
            case "challenge":
                return bool(self.setting.experiment.demands)
            case "interview":
                return self.setting.experiment.board is not None
            case "why":
                return any(claim.breaks for claim in self.setting.experiment.claims)
            case "size":
                return bool(self.setting.experiment.quick)
        return True

    def keys_now(self) -> list[Key]:
        small = self.setting is not None and self.setting.quick
        says = {
            "size": "full setting" if small else "small setting",
            "whole": "what differs" if self.everything else "",
        }
        return [key._replace(said=says.get(key.what) or key.said) for key in super().keys_now()]

    async def do_predict(self) -> None:
        from windtunnel.ui.menu.predict import Predict

        if self.setting is not None:
            await self.menu.enter(Predict(self.setting))

    async def do_run(self) -> None:
        from windtunnel.ui.menu.working import run_of

        if self.setting is not None:
            await self.menu.enter(run_of(self.setting, {}))

    async def do_map(self) -> None:
        from windtunnel.ui.menu.working import map_of

        if self.setting is not None:
            await self.menu.enter(map_of(self.setting))

    async def do_why(self) -> None:
        from windtunnel.ui.menu.working import why_of

        if self.setting is not None:
            await self.menu.enter(why_of(self.setting))

    def do_interview(self) -> None:
        """Give the screen away until the interview is over, or was broken off."""
        size = ["--quick"] if self.setting is not None and self.setting.quick else []
        with self.app.suspend():
            subprocess.run([sys.executable, "-m", "windtunnel", "interview", self.card.id, *size], check=False)
            with contextlib.suppress(EOFError, KeyboardInterrupt):
                input("Enter goes back. ")
        self.app.refresh(layout=True)

    def do_page(self) -> None:
        self.menu.page(self.card.id)

    async def do_parameters(self) -> None:
        from windtunnel.ui.menu.parameters import Parameters

        if self.setting is not None:
            await self.menu.enter(Parameters(self.setting))

    async def do_challenge(self) -> None:
        from windtunnel.ui.menu.challenge import Challenge

        await self.menu.enter(Challenge(self.card))

    async def do_lesson(self) -> None:
        from windtunnel.ui import terminal

        if (setting := self.setting) is not None:
            await self.menu.enter(
                Reading(
                    f"{setting.where} / lesson", lambda width: terminal.experiment(setting.experiment, False, width)
                )
            )

    def do_size(self) -> None:
        if self.setting is not None:
            self.setting.quick = not self.setting.quick

    def do_whole(self) -> None:
        self.everything, self.scrolled = not self.everything, 0

    def do_up(self) -> None:
        self.at, self.scrolled = max(0, self.at - 1), 0

    def do_down(self) -> None:
        self.at, self.scrolled = min(len(self.card.designs) - 1, self.at + 1), 0

    def do_page_up(self) -> None:
        self.scrolled = max(0, self.scrolled - 4)

    def do_page_down(self) -> None:
        self.scrolled += 4

    # --- how it looks ------------------------------------------------------------------------------------------------
    def place(self) -> tuple[str, str]:
        size = self.setting.said if self.setting is not None else "opening …"
        return f"{self.card.track or 'start here'} / {self.card.id}", f"{size}   ? help"

    def middle(self, width: int, height: int) -> RenderableType:
        foot = self._parameters(width, height)
        head = [] if self.everything else [Text(""), *wrapped(self.card.question, width, style="bold"), Text("")]
        head += self._designs(width) if not self.everything else []
        left = height - len(head) - len(foot)
        if left <= LEAST and not self.everything:
            head = [line for line in head if line.plain]
            left = height - len(head) - len(foot)
        return joined([*head, *(self._source(width, left) if left > 2 else []), *foot])

    def _designs(self, width: int) -> list[Text]:
        names = self.card.designs
        wide = max(map(len, names), default=0)
        lines = []
        for number_, name in enumerate(names):
            chosen = number_ == self.at
            role = "naive" if number_ == 0 else "best" if number_ == len(names) - 1 else ""
            said = idea(self.setting.experiment.designs[name]) if self.setting is not None else ""
            line = Text.assemble(
                CHOSEN if chosen else " ", (f"{name:<{wide}}", "bold" if chosen else ""), f" {role:<6}"
            )
            room = width - wide - 8
            body = wrapped(said, room) if chosen else [cut(Text(said, "dim"), max(8, room))]
            lines.append(line + body[0])
            lines += [Text(" " * (wide + 8)) + more for more in body[1:]]
        return lines

    def _source(self, width: int, height: int) -> list[Text]:
        names = self.card.designs
        naive, other = names[0], names[min(self.at, len(names) - 1)]
        if self.setting is None:
            said = [Text(f" {self.wrong}")] if self.wrong else []
            return [rule([(naive, width, False)]), *said, *[Text("")] * (height - 1 - len(said))]
        made = self.setting.experiment.designs
        alone = other == naive or width < NARROW
        within = self.setting.experiment.module
        pairs = lines_of(made[naive], made[other], within, self.everything or other == naive)
        right_wide = width if alone else (width - 1) // 2
        left_wide = width - 1 - right_wide
        if alone:
            pairs = [("", text) for _, text in pairs]
        left, right = side_by_side(pairs, (max(1, left_wide), right_wide))
        self.scrolled = max(0, min(self.scrolled, len(right) - height + 1))
        rest = len(right) - self.scrolled - height + 1
        more = f", {rest} more" if rest > 0 else ""
        seen = slice(self.scrolled, None)
        if alone:
            title = f"{other}{more}" if other == naive or self.everything else f"{other}: its own{more}"
            return [rule([(title, width, False)]), *beside([right[seen]], [width], height - 1)]
        what = "" if self.everything else ": instead"
        head = rule([(naive, left_wide, False), (f"{other}{what}{more}", right_wide, False)], "┬")
        return [head, *beside([left[seen], right[seen]], [left_wide, right_wide], height - 1, "│")]

    def _parameters(self, width: int, height: int) -> list[Text]:
        line = Text("─" * width, "dim")
        if self.setting is None:
            return [line, Text(""), Text("")]
        if height > TALL:
            return [line, *self._table(width)]
        parts = []
        for param in self.setting.params:
            star = "*" if param.name in self.setting.changed else ""
            value = self.setting.value(param)
            parts.append(f"{param.name}{star}\N{NO-BREAK SPACE}{number(value)}")
        found = wrapped("  ".join(parts), width)
        if len(found) > 2:
            found = [found[0], cut(Text.assemble(found[1].plain, " …"), width)]
        return [line, *found, *[Text("")] * (2 - len(found))]

    def _table(self, width: int) -> list[Text]:
        """Each parameter with its range and its sentence."""
        if self.setting is None:
            return []
        params = self.setting.params
        values = [number(self.setting.value(one)) + "*" * (one.name in self.setting.changed) for one in params]
        name_wide, value_wide = max(len(one.name) for one in params), max(map(len, values))
        range_wide = min(24, max(len(one.range) for one in params))
        rows = []
        for one, value in zip(params, values, strict=True):
            row = Text.assemble((f"{one.name:<{name_wide}}  ", ""), (f"{value:<{value_wide}}  ", "bold"))
            row.append(f"{one.range[:range_wide]:<{range_wide}}  ", "dim")
            rows.append(cut(row.append(one.help), width))
        return rows
