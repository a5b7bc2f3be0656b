"""A result: the guess beside what was measured, then the claims with their numbers, the figures, the charts, why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab import progress
from windtunnel.lab.claims import interval, number
from windtunnel.lab.guessed import with_unit
from windtunnel.lab.progress import Guess
from windtunnel.lab.result import Result
from windtunnel.ui import drawings, terminal
from windtunnel.ui.menu.asking import answered, distance, questions
from windtunnel.ui.menu.fields import scale
from windtunnel.ui.menu.lines import joined, rule, signed, wrapped
from windtunnel.ui.menu.reading import Reading
from windtunnel.ui.menu.room import BACK, HELP, PALETTE, Key, Room, stacked
from windtunnel.ui.menu.setting import Setting

JUDGED = ("the same", "close", "something else")
"""What a sentence of one's own may be beside the lesson's."""


class Outcome(Room):
    """What a run found out."""

    KEYS = (
        Key("enter", "do_claims", "claims, each run"),
        Key("s", "do_sentence", "why, in your words"),
        Key("d", "do_case", "smallest case"),
        Key("y", "do_why", "why, by taking away"),
        Key("m", "do_map", "map"),
        Key("t", "do_table", "table"),
        Key("l", "do_lesson", "lesson"),
        Key("c", "do_challenge", "challenge"),
        Key("w", "do_page", "page"),
        PALETTE,
        HELP,
        BACK,
    )
    WRITING = (Key("enter", "do_said", "show what the lesson says"), Key("escape", "do_unsaid", "not now"))
    JUDGING = (
        Key("1", "do_judge_1", JUDGED[0]),
        Key("2", "do_judge_2", JUDGED[1]),
        Key("3", "do_judge_3", JUDGED[2]),
    )

    def __init__(self, setting: Setting, found: Result, said: Mapping[str, float]) -> None:
        super().__init__()
        self.setting, self.found, self.said = setting, found, said
        self.asked = questions(setting.experiment)
        self.sentence: str | None = None
        self.writing = self.judging = False
        self.judged = ""

    def began(self) -> None:
        """Remembered at once: a lost connection loses nothing."""
        today = date.today().isoformat()
        guesses = []
        for one in self.asked if self.setting.usual else ():
            measured = answered(one, self.found)
            if math.isfinite(measured):
                guesses.append(Guess(one.question, self.said.get(one.question), measured, one.unit, today))
        self._note(ran=True, guesses=guesses)

    def _note(self, **what: Any) -> None:
        self.menu.note(partial(progress.note, self.setting.experiment.id, **what))

    # --- keys --------------------------------------------------------------------------------------------------------
    def keys_now(self) -> list[Key]:
        if self.writing:
            return list(self.WRITING)
        return [*(self.JUDGING if self.judging else ()), *super().keys_now()]

    def can(self, key: Key) -> bool:
        experiment = self.setting.experiment
        match key.what:
            case "map":
                return bool(experiment.maps)
            case "challenge" | "case":
                return bool(experiment.demands)
            case "why":
                return any(claim.breaks for claim in experiment.claims)
            case "sentence":
                return not self.judging
        return True

    async def pressed(self, name: str, character: str) -> None:
        extra = self.WRITING if self.writing else self.JUDGING if self.judging else ()
        for key in extra:
            if key.name == name:
                await self.do(key.does)
                self.draw()
                return
        if self.writing and name != "ctrl+c":
            self.typed(character, name)
            self.draw()
            return
        await super().pressed(name, character)

    def typed(self, character: str, name: str) -> bool:
        if not self.writing:
            return False
        self.sentence = self.sentence or ""
        self.sentence = self.sentence[:-1] if name == "backspace" else self.sentence + character
        return True

    def do_sentence(self) -> None:
        self.writing = True
        self.do_scroll_home()

    def do_unsaid(self) -> None:
        self.writing = False

    def do_said(self) -> None:
        self.writing = False
        if self.sentence:
            self.judging, self.judged = True, ""
            self._note(why=self.sentence)

    def _judge(self, place: int) -> None:
        self.judging, self.judged = False, JUDGED[place]

    def do_judge_1(self) -> None:
        self._judge(0)

    def do_judge_2(self) -> None:
        self._judge(1)

    def do_judge_3(self) -> None:
        self._judge(2)

    async def do_claims(self) -> None:
        from windtunnel.ui.menu.claims import Claims

        await self.menu.enter(Claims(self.setting, self.found))

    async def do_case(self) -> None:
        from windtunnel.ui.menu.case import case_of

        await self.menu.enter(case_of(self.setting))

    async def do_why(self) -> None:
        from windtunnel.ui.menu.working import why_of

        await self.menu.enter(why_of(self.setting))

    async def do_map(self) -> None:
        from windtunnel.ui.menu.working import map_of

        await self.menu.enter(map_of(self.setting))

    def do_page(self) -> None:
        self.menu.page(self.setting.experiment.id)

    async def do_table(self) -> None:
        where, found = f"{self.setting.where} / table", self.found
        await self.menu.enter(Reading(where, lambda width: stacked(*terminal.measured(found, width))))

    async def do_lesson(self) -> None:
        one = self.setting.experiment
        where = f"{self.setting.where} / lesson"
        await self.menu.enter(Reading(where, lambda width: terminal.experiment(one, False, width)))

    async def do_challenge(self) -> None:
        from windtunnel.ui.menu.challenge import Challenge

        card = next((card for card in self.menu.cards if card.id == self.setting.experiment.id), None)
        if card is not None:
            await self.menu.enter(Challenge(card))

    # --- how it looks ------------------------------------------------------------------------------------------------
    def place(self) -> tuple[str, str]:
        cpu = sum(self.found.provenance.get("cpu_s", {}).values())
        seeds = len(self.found.seeds)
        runs = f"{len(self.found.runs)} runs, {seeds} seed{'s' if seeds > 1 else ''}"
        runs += f", {cpu:.1f} s CPU" if cpu else ""
        return self.setting.where, f"{self.setting.said}   {runs}   ? help"

    def middle(self, width: int, height: int) -> RenderableType:
        found = self.found
        parts: list[RenderableType] = [
            joined([Text(""), *self._words(width), *self._guesses(width), *self._bars(width)])
        ]
        if self.asked and self.setting.elsewhere:
            parts += [*wrapped(self.setting.elsewhere, width, style="dim"), Text("")]
        charts = drawings.charts(found, width)
        if charts:
            parts += [rule([("charts, first seed", width, False)]), *charts[1:], Text("")]
        parts += [joined(_claims(found, width))]
        judged = [one for one in found.figures if one.verdict != "skipped"]
        if judged:
            parts += [
                Text(""),
                rule([("figures of sources beside ours", width, False)]),
                *terminal.figures(judged, width),
            ]
        if found.why and not self.judging:
            parts += [
                Text(""),
                rule([("why", width, False)]),
                *(joined(signed(*terminal.SIGNS[w.verdict], w.sentence, width)) for w in found.why),
            ]
        return stacked(*parts)

    def _guesses(self, width: int) -> list[Text]:
        """What was said beside what was measured, and the distance."""
        lines: list[Text] = []
        for one in self.asked:
            measured, said = answered(one, self.found), self.said.get(one.question)
            lines += wrapped(one.question, width)
            words = Text.assemble("  ◆ measured ", (with_unit(measured, one.unit), "bold"))
            if said is not None:
                far = distance(one, said, measured)
                words += Text.assemble(f"   ○ you {with_unit(said, one.unit)}   ", (far, "bold"))
            lines.append(words)
            if said is not None and one.low is not None and one.high is not None:
                ends = (f"  {number(one.low)} ", f" {number(one.high)}")
                room = width - len(ends[0]) - len(ends[1])
                drawn = scale([(said, "○"), (measured, "◆")], one.field(), room)
                lines.append(Text(ends[0], "dim") + drawn + Text(ends[1], "dim"))
            lines.append(Text(""))
        return lines

    def _bars(self, width: int) -> list[Text]:
        """The measurement that was asked about, of every design."""
        measure = next((one.measure for one in self.asked if one.measure in self.found.measures), "")
        if not measure:
            return []
        means = {name: self.found.interval(name, measure) for name in self.found.designs}
        most = max((abs(one.mean) for one in means.values() if math.isfinite(one.mean)), default=0.0)
        wide = max(map(len, means))
        values = {name: interval(one) for name, one in means.items()}
        digits = max(map(len, values.values()))
        room = max(4, width - wide - digits - 4)
        lines = [rule([(f"{measure}, every design", width, False)])]
        for name, one in means.items():
            full = round(room * abs(one.mean) / most) if most and math.isfinite(one.mean) else 0
            drawn = "█" * full if full else "" if math.isnan(one.mean) else "▏"
            lines.append(Text.assemble(f" {name:<{wide}} ", (f"{values[name]:>{digits}} ", "bold"), drawn))
        return [*lines, Text("")]

    def _words(self, width: int) -> list[Text]:
        """Why, in one sentence: the learner's own, and then the lesson's."""
        if self.writing:
            head = rule([("why did it go so? one sentence", width, True)])
            return [head, *wrapped(f"{self.sentence or ''}▏", width), Text("")]
        if not self.judging and not self.judged:
            return []
        lines = [rule([("why", width, self.judging)]), *wrapped(f"You: {self.sentence}", width, "  ")]
        for one in self.found.why:
            lines += signed(*terminal.SIGNS[one.verdict], one.sentence, width)
        choices = ", ".join(f"{said} [{number_}]" for number_, said in enumerate(JUDGED, 1))
        lines.append(Text(f"Is yours {choices}?" if self.judging else f"You found it {self.judged}.", "dim"))
        lines.append(Text(""))
        return lines


def _claims(found: Result, width: int) -> list[Text]:
    """Claims with their numbers: what does not hold first."""
    counts = {v: sum(c.verdict == v for c in found.claims) for v in ("holds", "fails", "unknown")}
    said = f"{counts['holds']} of {sum(counts.values())} claims hold"
    said += "".join(f", {counts[v]} {w}" for v, w in (("fails", "broken"), ("unknown", "unknown")) if counts[v])
    lines = [rule([(said, width, False)])]
    order = ("fails", "unknown", "holds")
    for claim in sorted((c for c in found.claims if c.verdict in order), key=lambda c: order.index(c.verdict)):
        lines += signed(*terminal.SIGNS[claim.verdict], claim.because, width)
        note = claim.shown.partition("   ")[0]
        lines += [Text("  ") + line for line in wrapped(note, width - 2, style="dim")] if note else []
    return lines
