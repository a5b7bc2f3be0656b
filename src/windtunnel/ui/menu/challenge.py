"""A challenge: your file beside its verdict, judged whenever it is saved."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab import progress
from windtunnel.lab.cards import Card
from windtunnel.lab.claims import number
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.ui.menu.case import drawn
from windtunnel.ui.menu.errand import Errand, Message
from windtunnel.ui.menu.lines import beside, cut, joined, rule, signed, wrapped
from windtunnel.ui.menu.reading import Reading
from windtunnel.ui.menu.room import BACK, HELP, PALETTE, Key, Room
from windtunnel.ui.menu.source import coded

EDITORS = ("sensible-editor", "nano", "vi", "notepad")
"""What is tried where neither VISUAL nor EDITOR says which."""
COMPARED = ("ok", "fail", "unknown", "latency_p50_ms", "latency_p99_ms")
NARROW = 70
SEEDS = 3
"""On so many hidden seeds what is saved is judged, until all of it is graded."""


class Challenge(Room):
    """The file of one challenge. Nothing of it is kept but whether it passed."""

    KEYS = (
        Key("o", "do_edit", "editor"),
        Key("h", "do_hint", "hint"),
        Key("enter", "do_case", "the case, larger"),
        Key("g", "do_grade", "grade all of it"),
        PALETTE,
        HELP,
        BACK,
        Key("space", "do_page_down", "more", "space"),
        Key("pagedown", "do_page_down", ""),
        Key("pageup", "do_page_up", ""),
        Key("down", "do_line_down", ""),
        Key("up", "do_line_up", ""),
    )

    def __init__(self, card: Card, folder: Path | None = None) -> None:
        super().__init__()
        self.card = card
        self.file = (folder or Path.cwd()) / f"{card.id.replace('-', '_')}.py"
        self.experiment: Experiment[Any] | None = None
        self.errand: Errand | None = None
        self.grading: Errand | None = None
        self.begun = self.text = self.before = ""
        self.doing = ""
        self.failing: Message = {}
        self.grade: dict[str, Any] = {}
        self.verdicts: list[bool] = []
        self.hints = 0
        self.whole = False
        self.scrolled = 0

    def began(self) -> None:
        self.behind(self._import, self.imported)

    def _import(self) -> tuple[Experiment[Any], str]:
        from windtunnel.lab.discovery import find
        from windtunnel.lab.grading.challenge import demanding, stub, write_stub

        experiment = demanding(find(self.card.id))
        if not self.file.exists():
            write_stub(experiment, self.file)
        return experiment, stub(experiment)

    def imported(self, found: tuple[Experiment[Any], str]) -> None:
        """It is there."""
        self.experiment, self.begun = found
        self.doing = "judging …"
        self.text = self.before = self._read()
        self.hints = self.menu.done.get(self.card.id, progress.Done()).hints
        with self.menu.telling():
            self.errand = self.menu.send(["watch", str(self.file), "--json", "--seeds", str(SEEDS)], self.heard)
        self.draw()

    def _read(self) -> str:
        try:
            return self.file.read_text("utf-8")
        except (OSError, ValueError):
            return ""

    # --- what is heard of the file -----------------------------------------------------------------------------------
    def heard(self, message: Message) -> None:
        """A line of `windtunnel watch --json`, or its end."""
        if "line" in message:
            try:
                self._told(json.loads(message["line"]))
            except ValueError:
                return
        elif "status" in message and self.errand is not None:
            self.menu.stop(self.errand)
            self.wrong, self.doing = self.errand.sentence, ""
        self.draw()

    def _told(self, told: Message) -> None:
        match told:
            case {"judging": _}:
                self.before, self.text = self.text, self._read()
                self.doing, self.failing, self.wrong = "judging …", {}, ""
            case {"failing": _}:
                self.failing = told
            case {"wrong": sentence}:
                self.wrong, self.doing, self.grade = sentence, "", {}
            case {"gone": _}:
                self.wrong = "The file is gone; it is judged again once it is back."
            case {"grade": found}:
                self.grade, self.doing, self.whole, self.scrolled = found, "", False, 0
                self.verdicts.append(found["passed"])

    def graded(self, message: Message) -> None:
        """How far the grading of all of it is, or what came of it."""
        if self.grading is None or self.grading.stopped:
            return
        if "done" in message:
            self.doing = f"grading, {message['done']} of {message['of']} trials"
        elif "status" in message:
            self.menu.stop(self.grading)
            self.doing = ""
            try:
                found = json.loads(self.grading.written)
            except ValueError:
                found = {"error": self.grading.sentence}
            if "error" in found:
                self.wrong = found["error"]
            else:
                self.grade, self.whole = found, True
                self.verdicts.append(found["passed"])
            self.grading = None
            self.menu.known()
        self.draw()

    # --- keys --------------------------------------------------------------------------------------------------------
    def can(self, key: Key) -> bool:
        match key.what:
            case "hint":
                return self.experiment is not None and self.hints < len(self.experiment.hints)
            case "case":
                return bool(self.grade.get("case"))
            case "grade":
                return self.errand is not None and self.grading is None
            case "edit":
                return self.errand is not None
        return True

    def do_edit(self) -> None:
        """Give the screen away until the editor ends."""
        words = editor()
        if not words:
            self.wrong = "There is no editor: set EDITOR, or open the file in another window."
            return
        with self.app.suspend():
            try:
                status = subprocess.run([*words, str(self.file)], check=False).returncode
                self.wrong = f"{words[0]} has ended with status {status}." if status else ""
            except OSError as error:
                self.wrong = f"{words[0]} cannot be started: {error.strerror}."
        self.app.refresh(layout=True)

    def do_hint(self) -> None:
        self.hints += 1
        self.menu.note(partial(progress.note, self.card.id, hint=True))

    def do_page_down(self) -> None:
        self.scrolled += 8

    def do_page_up(self) -> None:
        self.scrolled = max(0, self.scrolled - 8)

    def do_line_down(self) -> None:
        self.scrolled += 1

    def do_line_up(self) -> None:
        self.scrolled = max(0, self.scrolled - 1)

    async def do_case(self) -> None:
        case = self.grade["case"]
        await self.menu.enter(Reading(f"{self._where} / case", lambda width: drawn(case, width)))

    def do_grade(self) -> None:
        self.doing = "grading …"
        self.grading = self.menu.send(["grade", str(self.file), "--json"], self.graded)

    async def do_back(self) -> None:
        for errand in (self.grading, self.errand):
            if errand is not None:
                self.menu.stop(errand)
        await self.menu.back()

    # --- how it looks ------------------------------------------------------------------------------------------------
    @property
    def _where(self) -> str:
        return f"challenge / {self.card.id}"

    def place(self) -> tuple[str, str]:
        return self._where, f"{self.file.name}   ? help"

    def middle(self, width: int, height: int) -> RenderableType:
        foot = self._foot(width)
        tall = max(3, height - len(foot) - 2)
        if width < NARROW:
            lines = [rule([("verdict", width, False)]), *self._verdict(width), rule([("yours", width, False)])]
            return joined([*lines, *self._yours(width), *foot])
        left = (width - 1) // 2
        right = width - 1 - left
        panes = [self._yours(left), self._verdict(right)]
        longest = max(map(len, panes))
        self.scrolled = max(0, min(self.scrolled, longest - tall))
        rest = longest - tall - self.scrolled
        more = f"verdict, {rest} more" if rest > 0 else "verdict"
        head = rule([(self.file.name, left, False), (more, right, False)], "┬")
        seen = [pane[self.scrolled :] for pane in panes]
        return joined([head, *beside(seen, [left, right], tall, "│"), Text("─" * width, "dim"), *foot])

    def _yours(self, width: int) -> list[Text]:
        """What was changed, how long it is, the hints that were read."""
        lines: list[Text] = []
        since = changed(self.before, self.text)
        if since:
            lines += [Text("changed since the last verdict", "dim"), *_coloured(since, width), Text("")]
        all_of_it = changed(self.begun, self.text)
        if all_of_it and all_of_it != since:
            lines += [Text("yours, and not the naive design's", "dim"), *_coloured(all_of_it, width), Text("")]
        if not all_of_it and self.begun:
            said = f"The file holds the naive design, {self.card.designs[0]}: it runs, and it is wrong. o opens it."
            lines += [*wrapped(said, width), Text("")]
            lines += coded(_class_of(self.text), width)
        return lines

    def _verdict(self, width: int) -> list[Text]:
        lines: list[Text] = []
        if self.wrong:
            lines += signed("✘", "red", self.wrong, width)
        doing = "opening …" if self.experiment is None and not self.wrong else self.doing
        if doing:
            lines.append(Text(doing, "dim"))
        if self.failing and not self.grade_is_fresh:
            shown = f"{self.failing['failing']}   {self.failing['shown']}"
            lines += signed("✘", "red", shown, width)
        if not self.grade:
            return lines
        if "sentence" in self.grade:
            return lines + signed("✘", "red", self.grade["sentence"], width)
        demands = self.grade["demands"]
        held = sum(one["verdict"] == "holds" for one in demands)
        trials = self.grade["trials"]
        if self.grade["passed"]:
            said = f"passed, {trials} trials" if self.whole else f"holds on {trials} trials: g grades all of it"
            lines.append(Text.assemble(("✔ ", "green"), (said, "bold")))
        else:
            lines.append(Text.assemble(("✘ ", "red"), (f"not yet: {held} of {len(demands)} demands", "bold")))
        for one in (demand for demand in demands if demand["verdict"] != "holds"):
            lines += signed("✘", "red", one["because"], width)[:3]
            shown = f"{one['shown']}   held on {one['held']} of {one['trials']}"
            lines += [Text("  ") + line for line in wrapped(shown, width - 2, style="dim")]
        if self.grade.get("case"):
            case = self.grade["case"]
            size = f"{len(case['events'])} requests, {len(case['faults'])} faults"
            lines += [Text(""), *wrapped(f"Smallest case that fails: {size} ⏎", width)]
        elif self.grade.get("why"):
            lines += wrapped(self.grade["why"], width, style="dim")
        good = [
            line for one in demands if one["verdict"] == "holds" for line in signed("✔", "green", one["because"], width)
        ]
        return [*lines, Text(""), *self._par(width), Text(""), *good]

    @property
    def grade_is_fresh(self) -> bool:
        """Whether the verdict that stands there is of the file as it is."""
        return bool(self.grade) and not self.doing

    def _par(self, width: int) -> list[Text]:
        """Your numbers beside the reference's, on the first hidden seed."""
        mine, theirs = self.grade["measures"], self.grade["par_measures"]
        names = [
            *COMPARED,
            *(n for n in mine if n not in COMPARED and not n.startswith(("latency", "ops", "throughput"))),
        ]
        wide = max(8, width - 24)
        lines = [Text(f"{'first hidden seed':<{wide}}{'you':>12}{'best':>12}", "dim")]
        for name in names:
            cells = ["–" if x is None else number(x) for x in (mine.get(name), theirs.get(name))]
            if any(cell not in ("–", "0") for cell in cells):
                line = Text(f"{name[: wide - 1]:<{wide}}{cells[0]:>12}{cells[1]:>12}")
                lines.append(cut(line, width))
        return lines

    def _foot(self, width: int) -> list[Text]:
        seen = " ".join("✔" if passed else "✘" for passed in self.verdicts[-20:])
        hints = self.experiment.hints if self.experiment is not None else ()
        size = f"{len(self.text.splitlines())} lines   hints {min(self.hints, len(hints))} of {len(hints)}"
        lines = [Text(f"{size}   verdicts so far  {seen or '–'}", "dim")]
        if self.hints and hints:
            at = min(self.hints, len(hints))
            lines += wrapped(f"Hint {at}: {hints[at - 1]}", width)
        return lines


def editor() -> list[str]:
    """The person's editor as words of a command; empty where there is none. Raises WrongInput."""
    said = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if said:
        try:
            return shlex.split(said)
        except ValueError as error:
            raise WrongInput(f"The editor {said} is no command: {str(error).lower()}.") from None
    return next(([name] for name in EDITORS if shutil.which(name)), [])


def changed(before: str, after: str) -> list[str]:
    """The lines that differ, as - and +."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line.startswith(("- ", "+ ")) and line[2:].strip()]


def _coloured(lines: list[str], width: int) -> list[Text]:
    found = []
    for line in sorted(lines, key=lambda one: not one.startswith("+")):  # what is new first: it is what is judged
        found += [Text(one.plain, "bold" if line.startswith("+") else "dim") for one in coded(line, width)]
    return found


def _class_of(text: str) -> str:
    """The design in a file: from its class on."""
    return text[text.find("\nclass ") + 1 :]
