"""What a list says of an experiment, read off its file without running it: sixty imports would cost half a second.

The title, question, designs and stages of `experiment = Experiment(...)` are nearly always written out. Where one is
computed, the module is imported after all.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from windtunnel.lab.discovery import BINDS, load, modules, track_of


class Card(NamedTuple):
    """An experiment in a list."""

    id: str
    track: str
    title: str
    question: str
    designs: tuple[str, ...]
    stages: tuple[str, ...]


def cards() -> list[Card]:
    """One for each experiment of the catalogue, in order."""
    return [card(name, module) for name, module in modules().items()]


def doubted(name: str) -> str:
    """What the committed report of `windtunnel doubt` says of an experiment; "" where there is none.

    "ok", "n findings", or "stale" where its file has changed since.
    """
    from windtunnel.lab.doubt.source import committed, text_at

    path = committed(name)
    spec = importlib.util.find_spec(modules().get(name, "")) if path.is_file() and name in modules() else None
    if spec is None or not spec.origin:
        return ""
    from windtunnel.lab.doubt.report import read, state_of

    return state_of(read(path), text_at(Path(spec.origin)))


def card(name: str, module: str) -> Card:
    """The card of one experiment. Raises WrongInput where it can be neither read nor imported."""
    spec = importlib.util.find_spec(module)
    read = _read(Path(spec.origin).read_text(encoding="utf-8")) if spec is not None and spec.origin else None
    if read is None:
        found = load(module)
        read = (found.title, found.question, tuple(found.designs), _names(found.stages))
    return Card(name, track_of(module), *read)


def _read(text: str) -> tuple[str, str, tuple[str, ...], tuple[str, ...]] | None:
    """Title, question, designs and stages, where they are written out."""
    start = BINDS.search(text)
    if start is None:
        return None
    end = text.find("\n)", start.start())
    try:
        statement = ast.parse(text[start.start() : end + 2]).body[0]
    except SyntaxError:
        return None
    match statement:
        case ast.Assign(value=ast.Call(keywords=found)) | ast.AnnAssign(value=ast.Call(keywords=found)):
            said = {k.arg: k.value for k in found}
        case _:
            return None
    designs = said.get("designs")
    try:
        stages = ast.literal_eval(said["stages"]) if "stages" in said else ("sim",)
        title, question = ast.literal_eval(said["title"]), ast.literal_eval(said["question"])
        if not isinstance(designs, ast.Dict):
            return None
        names = tuple(ast.literal_eval(key) for key in designs.keys if key is not None)
    except (ValueError, KeyError):
        return None
    return (title, question, names, _names(stages)) if len(names) == len(designs.keys) else None


def _names(stages: Iterable[str | Mapping[str, str]]) -> tuple[str, ...]:
    from windtunnel.lab.footing import name_of

    return tuple(one if isinstance(one, str) else name_of(one) for one in stages)
