"""A design of the user's own: of the one file that was named on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windtunnel.lab.grading.challenge import challenge_of


@dataclass(frozen=True, slots=True)
class Own:
    """The file, and the experiment that it answers."""

    file: Path
    name: str

    @staticmethod
    def of(file: Path) -> Own:
        """The file as it stands now; none of its code is run. Raises WrongInput."""
        return Own(file.resolve(), challenge_of(file).id)

    def saved(self) -> int:
        """When it was saved last, in nanoseconds; 0 where it is not there just now."""
        try:
            return self.file.stat().st_mtime_ns
        except OSError:
            return 0

    def told(self) -> dict[str, Any]:
        """What a page knows of it: no path."""
        return {"name": self.name, "file": self.file.name, "saved": str(self.saved())}
