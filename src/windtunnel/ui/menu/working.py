"""Long work: one line says how far it is, and Escape stops it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from windtunnel.ui.menu.errand import Errand, Message
from windtunnel.ui.menu.lines import bar, joined, signed, wrapped
from windtunnel.ui.menu.reading import Reading, as_written
from windtunnel.ui.menu.room import Key, Room
from windtunnel.ui.menu.setting import Setting

Then = Callable[["Working"], Room | None]
"""Which room comes after it; None where something went wrong."""
FINE = (0, 1, 3)
"""Exit statuses of a command that has answered: what it found holds, fails, or cannot be told."""


class Working(Room):
    """A command at work; what it wrote is read in the room that comes after."""

    KEYS = (Key("escape", "do_stop", "stop"), Key("question_mark", "do_help", "help"))

    def __init__(self, where: str, title: str, words: Sequence[str], then: Then, said: Sequence[str] = ()) -> None:
        super().__init__()
        self.where, self.title_, self.words, self.then, self.said = where, title, words, then, said
        self.errand: Errand | None = None
        self.message: Message = {}
        self.status: int | None = None
        self.begun = time.monotonic()

    def began(self) -> None:
        self.errand = self.menu.send(self.words, self.heard)

    async def heard(self, message: Message) -> None:
        """Something happened."""
        if self.errand is None or self.errand.stopped:
            return
        if "status" in message:
            self.status = message["status"]
            self.menu.stop(self.errand)
            room = self.then(self) if self.status in FINE else None
            if room is not None and self.is_current:
                await self.menu.instead(room)
                return
            self.wrong = self.errand.sentence or "It ended without an answer."
        elif "done" in message:
            self.message = message
        self.draw()

    async def do_stop(self) -> None:
        if self.errand is not None:
            self.menu.stop(self.errand)
        await self.menu.back()

    async def do_help(self) -> None:
        """Not now: what follows takes the place of the room in front."""

    def keys_now(self) -> list[Key]:
        return [Key("escape", "do_stop", "back" if self.wrong else "stop")]

    def place(self) -> tuple[str, str]:
        return self.where, ""

    def middle(self, width: int, height: int) -> RenderableType:
        lines = [Text(""), Text(self.title_, "bold"), Text("")]
        if self.wrong:
            return joined([*lines, *signed("✘", "red", self.wrong, width)])
        done, total = self.message.get("done", 0), self.message.get("of", 0)
        design, seed = self.message.get("design", ""), self.message.get("seed", 0)
        lines.append(bar(done, total, min(60, width)))
        what = f", {design}, seed {seed}" if design else ""
        after = f"   {time.monotonic() - self.begun:.0f} s"
        lines.append(Text(f"{done} of {total}{what}{after}" if total else "starting", "dim"))
        return joined([*lines, Text(""), *(line for text in self.said for line in wrapped(text, width))])


def run_of(setting: Setting, said: Mapping[str, float]) -> Working:
    """The run of an experiment, and its result beside what was said before it."""

    def then(room: Working) -> Room | None:
        from windtunnel.lab.errors import WrongInput
        from windtunnel.lab.result import Result
        from windtunnel.ui.menu.outcome import Outcome

        assert room.errand is not None
        try:
            found = Result.from_json(room.errand.written)
        except WrongInput:
            return None
        return Outcome(setting, found, said)

    words = ["run", *setting.words, "--json"]
    title = f"Every design meets the same requests: {', '.join(setting.experiment.designs)}."
    return Working(setting.where, title, words, then, [setting.experiment.question])


def map_of(setting: Setting) -> Working:
    """Where the experiment's claim holds: its own map."""
    changed = [word for name, value in setting.changed.items() for word in ("--set", f"{name}={value}")]
    words = ["map", setting.experiment.id, *changed]
    title = "The map, in the small setting: where the claim holds, and its edge."
    return Working(setting.where, title, words, _read(setting, "map", "small setting"))


def why_of(setting: Setting) -> Working:
    """What the naive design's failure hangs on."""
    words = ["why", *setting.words]
    title = "Why it fails: from when on it could not be saved, and what it would not have failed without."
    return Working(
        setting.where, title, words, _read(setting, "why", setting.said), ["Stopped, it goes on where it was."]
    )


def _read(setting: Setting, what: str, note: str) -> Then:
    def then(room: Working) -> Room | None:
        assert room.errand is not None
        return Reading(f"{setting.where} / {what}", as_written(room.errand.written.rstrip("\n")), note)

    return then
