"""What a learner has done: one small JSON file, theirs to keep, to copy, and to merge with one from another machine."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.result import write

AGAIN_AFTER_DAYS = (1, 7, 30)
"""How many days after a number was committed to it is asked again."""
PATIENCE_S, LOOK_EVERY_S = 5.0, 0.01
"""How long a change waits for another one to end, which takes a moment, and how often it looks."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A number that was committed to before a run showed the answer.

    Attributes:
        question: in the words in which it was asked.
        said: what was committed to; None where the question was skipped.
        measured: what the run showed.
        unit: of both; "" where they have none.
        day: when, as in 2026-11-28.
        again: how often it has been asked again since.
        recalled: what was answered the last time.
    """

    question: str
    said: float | None
    measured: float
    unit: str
    day: str
    again: int = 0
    recalled: float | None = None

    @property
    def due(self) -> date | None:
        """The day on which it is asked again; None where it never is."""
        if self.said is None or self.again >= len(AGAIN_AFTER_DAYS):
            return None
        return date.fromisoformat(self.day) + timedelta(days=AGAIN_AFTER_DAYS[self.again])

    @property
    def _rank(self) -> tuple[Any, ...]:
        """Of two about one question the lesser is kept: the earlier one, then the one asked again more often."""
        numbers = [(x is not None, x or 0.0) for x in (self.said, self.recalled)]
        return (self.day, -self.again, *numbers, self.measured, self.unit)


@dataclass(frozen=True, slots=True)
class Done:
    """About one experiment: whether it was run, how often graded, whether passed, how many hints were read; what was
    guessed before a run, and why in the learner's own words."""

    runs: int = 0
    grades: int = 0
    passed: bool = False
    hints: int = 0
    guesses: tuple[Guess, ...] = ()
    why: str = ""

    def merged(self, other: Done) -> Done:
        """What both say; the same in any order, and once more changes nothing."""
        return Done(
            max(self.runs, other.runs),
            max(self.grades, other.grades),
            self.passed or other.passed,
            max(self.hints, other.hints),
            _each_once((*self.guesses, *other.guesses)),
            max(self.why, other.why),
        )


def _each_once(guesses: Iterable[Guess]) -> tuple[Guess, ...]:
    """One for each question: a guess after the answer was seen is none, so the first one counts."""
    found: dict[str, Guess] = {}
    for one in guesses:
        found[one.question] = min(found.get(one.question, one), one, key=lambda guess: guess._rank)
    return tuple(found[question] for question in sorted(found))


def default_path() -> Path:
    """WINDTUNNEL_PROGRESS, else `progress.json` where this system keeps a user's data."""
    given = os.environ.get("WINDTUNNEL_PROGRESS")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "windtunnel" / "progress.json"


def read(path: Path) -> dict[str, Done]:
    """What the file says by experiment; empty where there is none. Raises WrongInput for a damaged one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: _done(**entry) for name, entry in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        raise WrongInput(f"{path} is no progress file; move it away, and a new one is begun.") from None


def _done(guesses: Sequence[Mapping[str, Any]] = (), why: str = "", **counts: Any) -> Done:
    """What a file says of one experiment. Raises TypeError or ValueError where it cannot be that."""
    if not all(isinstance(value, int) for value in counts.values()) or not isinstance(why, str):
        raise TypeError("That is not a number.")
    known = tuple(Guess(**one) for one in guesses)
    for one in known:
        numbers = [x for x in (one.said, one.measured, one.recalled) if x is not None]
        if one.again < 0 or not all(map(isfinite, numbers)) or not isinstance(one.question + one.unit, str):
            raise ValueError("That is no guess.")
        date.fromisoformat(one.day)
    return Done(**counts, guesses=known, why=why)


def due(known: Mapping[str, Done], today: date) -> list[tuple[str, Guess]]:
    """What is to be asked again today, by experiment, what waits longest first."""
    found = [(one.due, name, one) for name, done in known.items() for one in done.guesses if one.due is not None]
    return [(name, one) for day, name, one in sorted(found, key=lambda f: (f[0], f[1], f[2].question)) if day <= today]


def merge(one: Mapping[str, Done], other: Mapping[str, Done]) -> dict[str, Done]:
    """The progress of two files together."""
    return {name: one.get(name, Done()).merged(other.get(name, Done())) for name in sorted({*one, *other})}


def note(
    experiment: str,
    *,
    ran: bool = False,
    graded: bool = False,
    passed: bool = False,
    hint: bool = False,
    guesses: Sequence[Guess] = (),
    why: str = "",
) -> Done:
    """Add what was done to the user's file. A file that cannot be written is no reason to stop."""

    def more(old: Done) -> Done:
        return Done(
            old.runs + ran,
            old.grades + graded,
            old.passed or passed,
            old.hints + hint,
            _each_once((*old.guesses, *guesses)),
            why or old.why,
        )

    return _changed(experiment, more)


def recalled(experiment: str, question: str, said: float) -> Done:
    """Note that a question was asked again, and what was answered."""

    def more(old: Done) -> Done:
        guesses = [replace(g, again=g.again + 1, recalled=said) if g.question == question else g for g in old.guesses]
        return replace(old, guesses=tuple(guesses))

    return _changed(experiment, more)


def merge_in(path: Path, other: Mapping[str, Done]) -> dict[str, Done]:
    """Take what another file says into this one. Raises WrongInput, or OSError where it cannot be written."""
    with alone(path):
        known = merge(read(path), other)
        write(path, text_of(known))
    return known


def _changed(experiment: str, more: Callable[[Done], Done]) -> Done:
    path = default_path()
    with alone(path):
        known = read(path)
        new = known[experiment] = more(known.get(experiment, Done()))
        try:
            write(path, text_of(known))
        except OSError:
            return new
    return new


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else changes the file between its reading and its writing, or one of two changes at once would be lost.

    The lock is a file beside it, for the file itself is replaced. Where there can be none, or whoever has it stands
    still, it is done without.
    """
    from windtunnel.blocks.ground.files import DiskLock, InUse

    path = Path(os.path.realpath(path))
    end = time.monotonic() + PATIENCE_S
    lock: DiskLock | None = None
    while lock is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = DiskLock(path.with_name(f".{path.name}.lock"))
        except InUse:
            if time.monotonic() > end:
                break
            time.sleep(LOOK_EVERY_S)
        except OSError:
            break
    with closing(lock) if lock is not None else nullcontext():
        yield


def text_of(known: Mapping[str, Done]) -> str:
    """The file: what was never said stands in no line of it."""
    said = {
        name: {k: v for k, v in asdict(done).items() if v or k not in ("guesses", "why")}
        for name, done in sorted(known.items())
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"
