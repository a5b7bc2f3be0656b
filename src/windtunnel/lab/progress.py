"""What a learner has done: one small JSON file, theirs to keep, to copy, and to merge with one from another machine."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.result import write


@dataclass(frozen=True, slots=True)
class Done:
    """About one experiment: whether it was run, how often graded, whether passed, how many hints were read."""

    runs: int = 0
    grades: int = 0
    passed: bool = False
    hints: int = 0

    def merged(self, other: Done) -> Done:
        """What both say; the same in any order, and once more changes nothing."""
        return Done(
            max(self.runs, other.runs),
            max(self.grades, other.grades),
            self.passed or other.passed,
            max(self.hints, other.hints),
        )


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
        done = {name: Done(**entry) for name, entry in found.items()}
        if not all(isinstance(value, int) for one in done.values() for value in asdict(one).values()):
            raise TypeError("That is not a number.")
        return done
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        raise WrongInput(f"{path} is no progress file; move it away, and a new one is begun.") from None


def merge(one: dict[str, Done], other: dict[str, Done]) -> dict[str, Done]:
    """The progress of two files together."""
    return {name: one.get(name, Done()).merged(other.get(name, Done())) for name in sorted({*one, *other})}


def note(experiment: str, *, ran: bool = False, graded: bool = False, passed: bool = False, hint: bool = False) -> Done:
    """Add one thing that was done to the user's file. A file that cannot be written is no reason to stop."""
    path = default_path()
    known = read(path)
    old = known.get(experiment, Done())
    new = Done(old.runs + ran, old.grades + graded, old.passed or passed, old.hints + hint)
    known[experiment] = new
    text = {name: asdict(done) for name, done in sorted(known.items())}
    try:
        write(path, json.dumps(text, indent=1) + "\n")
    except OSError:
        return new
    return new
