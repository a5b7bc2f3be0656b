"""The keys, the marks, and what is remembered."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from windtunnel.ui.menu.lines import wrapped
from windtunnel.ui.menu.room import BACK, Key, Room

WHERE = (
    ("Everywhere", "↑↓ move · ⏎ open, next · esc back, and keeps what was typed · ^p every action · w the page of an "
     "experiment · q and ^c leave"),
    ("Home", "tab goes from pane to pane · / finds by a word of a name, a question, a design · c takes the challenge · "
     "r answers what is to be recalled"),
    ("Experiment", "p predict, then run · x run at once · ↑↓ choose the design on the right · v the whole source · e "
     "parameters · l lesson · f small or full setting · m map · y why"),
    ("Prediction", "type a number, or move it with ←→ · ⏎ next, commit after the last · ^r commit and run · x skip"),
    ("Result", "⏎ claims, and the runs of each · s why, in one sentence of yours · d the smallest case in which the "
     "naive design fails · y what a failure hangs on · m map"),
    ("Challenge", "o opens $EDITOR and gives it the screen · every save is judged · h hint · ⏎ the case, larger · g "
     "grades all of it"),
)  # fmt: skip
MARKS = "· not seen   ◐ run   ✔ passed, holds   ✘ broken   ? unknown   ▸ chosen   ○ you said   ◆ measured"
KEPT = (
    "In your progress file, and nowhere else (windtunnel progress): what you ran and passed, hints read, each number "
    "you committed to, what was measured, your sentence, and the days on which you are asked again: after 1, 7 and 30."
)
NEVER = "Your code, its path, anything of the machine."
PLAIN = "windtunnel --plain: numbers, names, ?, q. Line by line, for a pipe, a braille line, or a slow connection."


class Help(Room):
    """What one may want to know at any moment."""

    KEYS = (BACK, Key("question_mark", "do_back", ""), Key("q", "do_back", ""))

    def place(self) -> tuple[str, str]:
        return "help", ""

    def middle(self, width: int, height: int) -> RenderableType:
        column = 13
        lines: list[Text] = []
        for head, said in (*WHERE, ("Marks", MARKS), ("Remembered", KEPT), ("Never kept", NEVER), ("Plain", PLAIN)):
            body = wrapped(said, width - column)
            lines += [Text.assemble((f"{head:<{column}}", "bold"), body[0])]
            lines += [Text.assemble(" " * column, line) for line in body[1:]]
        return Text("\n").join(lines)
