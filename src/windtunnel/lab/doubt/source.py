"""Where an experiment is written, and where the report of its doubt is committed. Light: a list of them reads it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path


def committed(name: str) -> Path:
    """Where the report of an experiment is committed: in a checkout of the project."""
    return Path(__file__).resolve().parents[4] / "results" / "doubt" / f"{name}.json"


def files(origin: Path, module: str) -> dict[str, Path]:
    """The files of an experiment by their modules: one, or all of a folder whose `__init__` it is."""
    if origin.name != "__init__.py":
        return {module: origin}
    found = {module: origin}
    for path in sorted(origin.parent.rglob("*.py")):
        if path != origin:
            parts = path.relative_to(origin.parent).with_suffix("").parts
            found[".".join([module, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


def text_at(origin: Path) -> str:
    """The text of an experiment: of its file, or of all files of its folder, one after the other."""
    return "".join(path.read_text("utf-8") for path in files(origin, "").values())


def digest_of(text: str) -> str:
    """The digest of an experiment's text."""
    return sha256(text.encode()).hexdigest()[:16]
