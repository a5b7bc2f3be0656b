"""The claims of a result, one after the other, each with the runs that it was judged on."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab.claims import number
from windtunnel.lab.result import JudgedClaim, Result
from windtunnel.ui import terminal
from windtunnel.ui.menu.asking import spoken_of
from windtunnel.ui.menu.lines import CHOSEN, cut, joined, rule, window, wrapped
from windtunnel.ui.menu.room import BACK, HELP, Key, Room
from windtunnel.ui.menu.setting import Setting


class Claims(Room):
    """A list above, and below it the chosen claim, seed by seed."""

    KEYS = (
        Key("up", "do_up", ""),
        Key("down", "do_down", "claim", "↑↓"),
        Key("home", "do_first", ""),
        Key("end", "do_last", ""),
        HELP,
        BACK,
        Key("enter", "do_back", ""),
    )

    def __init__(self, setting: Setting, found: Result) -> None:
        super().__init__()
        self.setting, self.found, self.at = setting, found, 0

    def do_up(self) -> None:
        self.at = max(0, self.at - 1)

    def do_down(self) -> None:
        self.at = min(len(self.found.claims) - 1, self.at + 1)

    def do_first(self) -> None:
        self.at = 0

    def do_last(self) -> None:
        self.at = len(self.found.claims) - 1

    def place(self) -> tuple[str, str]:
        return f"{self.setting.where} / claims", f"{self.at + 1} of {len(self.found.claims)}"

    def middle(self, width: int, height: int) -> RenderableType:
        claims = self.found.claims
        if not claims:
            return Text("It claims nothing.")
        tall = min(len(claims), max(4, height // 3))
        lines = []
        for number_ in window(len(claims), self.at, tall):
            one, chosen = claims[number_], number_ == self.at
            sign, style = terminal.SIGNS[one.verdict]
            line = Text.assemble(CHOSEN if chosen else " ", (sign, style), " ", (one.because, "bold" if chosen else ""))
            lines.append(cut(line, width))
        return joined([*lines, rule([("judged", width, False)]), *self._judged(claims[self.at], width)])

    def _judged(self, one: JudgedClaim, width: int) -> list[Text]:
        sign, style = terminal.SIGNS[one.verdict]
        lines = [Text.assemble((f"{sign} {one.verdict}", style), f"   {one.note}" if one.note else "")]
        lines += wrapped(one.because, width)
        lines += wrapped(one.expression, width, "  ", "bold")
        lines += wrapped(one.shown, width, "  ") if one.shown else []
        limits = [f"with {', '.join(f'{k} = {number(v)}' for k, v in one.given.items())}"] if one.given else []
        limits += [f"where {one.where}"] if one.where else []
        limits += [one.source] if one.source else []
        lines += [line for text in limits for line in wrapped(text, width, "  ", "dim")]
        if one.seeds:
            signs = [{True: "✔", False: "✘", None: "?"}[seed] for seed in one.seeds]
            seeds = "   ".join(f"{sign} seed {seed}" for sign, seed in zip(signs, self.found.seeds, strict=False))
            lines += wrapped(seeds, width)
        return [*lines, Text(""), *self._runs(one, width)]

    def _runs(self, one: JudgedClaim, width: int) -> list[Text]:
        """The measurements that it speaks of, seed by seed."""
        there = {**self.found.params, **one.given}
        setting = next((number_ for number_, known in enumerate(self.found.settings) if known == there), 0)
        rows = [
            (f"{design}.{measure}", self.found.samples(design, measure, setting))
            for design, measure in spoken_of(one.expression)
            if self.found.of(design, setting)
        ]
        wide = max((len(what) for what, _ in rows), default=0)
        lines = [Text.assemble(f"{what:<{wide}}  ", ("  ".join(map(number, values)), "bold")) for what, values in rows]
        return [cut(line, width) for line in lines]
