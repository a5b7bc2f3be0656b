"""Notes of finished work, a line of JSON each, so that a call that was stopped goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.progress import default_path

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def key_of(work: DataclassInstance) -> str:
    """The key of a piece of work, by all that it is asked with."""
    return sha256(json.dumps(asdict(work), sort_keys=True).encode()).hexdigest()[:24]


class Notes:
    """What is known by key, and the file that keeps it. Without a file it is kept for this call alone."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.known: dict[str, Any] = {}
        text = path.read_text("utf-8", "replace") if path is not None and path.exists() else ""
        for line in text.splitlines():
            try:
                said = json.loads(line)
                self.known[said["key"]] = said["outcome"]
            except (ValueError, TypeError, KeyError):
                continue  # half a line, since we were stopped while it was written; or one of another version
        self._torn = bool(text) and not text.endswith("\n")

    def add(self, key: str, outcome: Any) -> None:
        """Keep what came of it."""
        self.known[key] = outcome
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n" * self._torn + json.dumps({"key": key, "outcome": outcome}) + "\n")
            self._torn = False

    def drop(self) -> None:
        """Nobody will go on here."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def folder(kind: str) -> Path:
    """Where notes of this kind are kept, made where it is not there. Raises WrongInput."""
    found = default_path().parent / kind
    try:
        found.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unkept(found, error) from error
    return found


def unkept(where: Path, error: Exception) -> WrongInput:
    """That notes cannot be kept there."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return WrongInput(f"The notes of what was tried cannot be kept in {where}: {why}.")
