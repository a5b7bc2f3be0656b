"""Commit to a number before the result is shown; and the same question again after days."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab.claims import number
from windtunnel.ui.menu.asking import Question, questions
from windtunnel.ui.menu.fields import Fields, scale
from windtunnel.ui.menu.lines import CHOSEN, joined, signed, wrapped
from windtunnel.ui.menu.room import BACK, HELP, Key, Room
from windtunnel.ui.menu.setting import Setting


class Predict(Room):
    """The questions of an experiment, a field for each. No mark is set before one is set: it would be an anchor."""

    FILLED = True
    KEYS = (
        Key("enter", "do_next", "next, commit after the last"),
        Key("left", "do_move", "move", "←→"),
        Key("up", "do_up", ""),
        Key("down", "do_down", "question", "↑↓"),
        Key("ctrl+r", "do_commit", "commit and run", "^r"),
        Key("x", "do_skip", "skip, and see"),
        HELP,
        BACK,
        Key("tab", "do_down", ""),
        Key("shift+tab", "do_up", ""),
    )

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.asked = questions(setting.experiment)
        self.fields = Fields([one.field() for one in self.asked])

    def began(self) -> None:
        if not self.asked:
            self.call_later(self.do_skip)

    def can(self, key: Key) -> bool:
        return key.what != "move"  # told in the last line; the field takes it

    def keys_now(self) -> list[Key]:
        return [
            key for key in self.KEYS if key.what != "move" or (self.fields.all and self.fields.front.low is not None)
        ]

    def typed(self, character: str, name: str) -> bool:
        return bool(self.fields.all) and self.fields.front.type(character, name)

    async def do_next(self) -> None:
        if not self.fields.move(1):
            await self.do_commit()

    async def do_commit(self) -> None:
        """Nothing can be taken back from here on, and nothing that was said is left out."""
        for at, field in enumerate(self.fields.all):
            if field.wrong:
                self.fields.at = at
                return
        said = {q.question: f.value for q, f in zip(self.asked, self.fields.all, strict=True) if f.value is not None}
        if said:
            await self._run(said)

    async def do_skip(self) -> None:
        await self._run({})

    async def _run(self, said: dict[str, float]) -> None:
        from windtunnel.ui.menu.working import run_of

        await self.menu.instead(run_of(self.setting, said))

    def do_up(self) -> None:
        self.fields.move(-1)

    def do_down(self) -> None:
        self.fields.move(1)

    def place(self) -> tuple[str, str]:
        return self.setting.where, f"{self.setting.said}   ? help"

    def middle(self, width: int, height: int) -> RenderableType:
        lines = [Text(""), Text("Before you look", "bold"), Text("")]
        lines += asked(self.asked, self.fields, width)
        said = "One number is enough. Nothing is shown until you commit."
        return joined([*lines, *wrapped(f"{said} {self.setting.elsewhere}".strip(), width, style="dim")])


def asked(questions: Sequence[Question], fields: Fields, width: int) -> list[Text]:
    """Each question with its field, and where on its scale that stands."""
    lines: list[Text] = []
    for index, (one, field) in enumerate(zip(questions, fields.all, strict=True)):
        front = index == fields.at
        text = wrapped(one.question, width - 2, style="bold" if front else "")
        lines += [Text(f"{CHOSEN if front and not row else ' '} ") + line for row, line in enumerate(text)]
        line = Text("  ") + field.drawn(front)
        if one.low is not None and one.high is not None:
            ends = (f" {number(one.low)} ", f" {number(one.high)} {one.unit}")
            room = max(8, width - len(line) - len(ends[0]) - len(ends[1]))
            line = line + Text(ends[0], "dim") + scale([(field.value, "●")], field, room) + Text(ends[1], "dim")
        else:
            line += Text(f" {one.unit}", "dim")
        lines += [
            line,
            *([Text("  ") + told for told in signed("✘", "red", field.wrong, width - 2)] if field.wrong else []),
        ]
        lines.append(Text(""))
    return lines
