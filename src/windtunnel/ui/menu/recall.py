"""A question that was answered before a run, asked again: after a day, a week, a month."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab import progress
from windtunnel.lab.guessed import with_unit
from windtunnel.lab.progress import AGAIN_AFTER_DAYS, Guess
from windtunnel.ui.menu.asking import Question, distance, questions
from windtunnel.ui.menu.fields import Fields, scale
from windtunnel.ui.menu.lines import joined, wrapped
from windtunnel.ui.menu.predict import asked
from windtunnel.ui.menu.room import BACK, Key, Room


class Recall(Room):
    """What was measured is shown when it was answered, and not before."""

    FILLED = True
    KEYS = (Key("enter", "do_answer", "answer"), Key("o", "do_open", "open the experiment"), BACK)

    def __init__(self, name: str, guess: Guess) -> None:
        super().__init__()
        self.about, self.guess = name, guess
        self.question = Question(guess.question, "", guess.unit)
        self.fields = Fields([self.question.field()])
        self.over = False

    def began(self) -> None:
        self.behind(lambda: _own(self.about, self.guess), self.imported)

    def imported(self, found: Question | None) -> None:
        """The question has its scale, where the experiment still asks it."""
        if found is not None:
            self.question = found
            self.fields = Fields([replace(found.field(), text=self.fields.front.text)])
        self.draw()

    def can(self, key: Key) -> bool:
        return {"answer": not self.over, "open": self.over}.get(key.what, True)

    def typed(self, character: str, name: str) -> bool:
        return not self.over and self.fields.front.type(character, name)

    def do_answer(self) -> None:
        said = self.fields.front.value
        if said is not None:
            self.over = True
            self.menu.note(partial(progress.recalled, self.about, self.guess.question, said))

    async def do_open(self) -> None:
        card = next(card for card in self.menu.cards if card.id == self.about)
        await self.menu.open(card)

    def place(self) -> tuple[str, str]:
        return f"recall / {self.about}", f"you were asked on {self.guess.day}"

    def middle(self, width: int, height: int) -> RenderableType:
        lines = [Text(""), *asked([self.question], self.fields, width)]
        said = self.fields.front.value
        if not self.over or said is None:
            return joined([*lines, Text("You have seen it measured. What was it?", "dim")])
        one, field = self.guess, self.fields.front
        lines += [Text("  ") + scale([(one.said, "○"), (said, "●"), (one.measured, "◆")], field, width - 4)]
        lines += [Text.assemble("  ◆ measured   ", (with_unit(one.measured, one.unit), "bold"))]
        lines += [Text(f"  ● you now     {with_unit(said, one.unit)}   {distance(self.question, said, one.measured)}")]
        if one.said is not None:
            then = distance(self.question, one.said, one.measured)
            lines += [Text(f"  ○ you then    {with_unit(one.said, one.unit)}   {then}")]
        why = self.menu.done[self.about].why if self.about in self.menu.done else ""
        lines += [Text(""), *wrapped(f"You wrote: {why}", width)] if why else []
        later = AGAIN_AFTER_DAYS[one.again + 1 :]
        told = f"It is asked again {later[0]} days after that day." if later else "It is not asked again."
        return joined([*lines, Text(""), Text(told, "dim")])


def _own(name: str, guess: Guess) -> Question | None:
    """The experiment's own question; None where it asks it no more."""
    from windtunnel.lab.discovery import find

    return next((one for one in questions(find(name)) if one.question == guess.question), None)
