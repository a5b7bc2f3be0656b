"""Checkers by name, for the command line: `windtunnel check FILE.jsonl --model NAME`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from windtunnel.lab.checkers.bank import check_bank
from windtunnel.lab.checkers.counting import check_counter, check_set, check_unique_ids
from windtunnel.lab.checkers.files import read_history
from windtunnel.lab.checkers.linearizable import BUDGET_STEPS, check_linearizable
from windtunnel.lab.checkers.locks import check_fencing, check_leaders, check_mutex
from windtunnel.lab.checkers.logs import check_log
from windtunnel.lab.checkers.models import CompareAndSet, Counter, KeyValue, Model, Queue, Register, Set
from windtunnel.lab.checkers.queues import check_queue
from windtunnel.lab.checkers.sequential import check_sequential
from windtunnel.lab.checkers.sessions import GUARANTEES, check_sessions
from windtunnel.lab.checkers.transactions.check import check_list_append, check_read_write
from windtunnel.lab.checkers.verdict import Verdict
from windtunnel.lab.history import History

Checker = Callable[..., Verdict]

_OBJECTS: Mapping[str, type[Model]] = {
    "register": Register,
    "cas": CompareAndSet,
    "key-value": KeyValue,
    "queue": Queue,
    "set": Set,
    "counter": Counter,
}


def _linearizable(model: type[Model]) -> Checker:
    def check(history: History, *, budget_steps: int = BUDGET_STEPS) -> Verdict:
        return check_linearizable(history, model(), budget_steps=budget_steps)

    return check


def _sequential(history: History, *, object: str = "key-value", budget_steps: int = BUDGET_STEPS) -> Verdict:  # noqa: A002
    return check_sequential(history, _object(object), budget_steps=budget_steps)


def _sessions(history: History, *, object: str = "key-value", only: str = "", real_time: bool = True) -> Verdict:  # noqa: A002
    chosen = [g for g in GUARANTEES if only in ("", g, g.replace(" ", "-"))]
    if not chosen:
        raise ValueError(f"There is no session guarantee {only!r}; there are {', '.join(GUARANTEES)}.")
    versions = history.facts.get("versions")
    return check_sessions(history, chosen, model=_object(object), versions=versions, real_time=real_time)


def _bank(history: History, *, total: float | None = None, negative_allowed: bool = False) -> Verdict:
    accounts = history.facts.get("accounts")
    return check_bank(history, total=total, accounts=accounts, negative_allowed=negative_allowed)


def _object(name: str) -> Model:
    if name not in _OBJECTS:
        raise ValueError(f"There is no object {name!r}; there are {', '.join(_OBJECTS)}.")
    return _OBJECTS[name]()


_CHECKERS: Mapping[str, tuple[str, Checker]] = {
    "register": ("linearizable register: read, write", _linearizable(Register)),
    "cas": ("linearizable register: read, write, cas", _linearizable(CompareAndSet)),
    "key-value": ("linearizable map: get, put, delete, cas", _linearizable(KeyValue)),
    "queue": ("linearizable queue: enqueue, dequeue", _linearizable(Queue)),
    "set": ("linearizable set: add, remove, contains, read", _linearizable(Set)),
    "counter": ("linearizable counter: add, increment, decrement, read", _linearizable(Counter)),
    "sequential": ("sequential consistency of one of the objects above (object=key-value)", _sequential),
    "sessions": ("the four session guarantees of a map or register (only=monotonic-reads, real_time=true)", _sessions),
    "bank": ("transfers keep the total: transfer, read (total=100, negative_allowed=false)", _bank),
    "unique-ids": ("no id is given out twice: generate", check_unique_ids),
    "grow-set": ("a set that only grows loses nothing: add, read (stale_allowed=false)", check_set),
    "sum": ("reads of a counter lie within what was added: add, increment, decrement, read", check_counter),
    "messages": ("a queue's messages, lost, duplicated, reordered: enqueue, dequeue (ordered=true)", check_queue),
    "log": ("an append-only log with offsets: append, poll (duplicates_allowed=false)", check_log),
    "mutex": ("no two hold a lock at once: acquire, release (lease_s=10)", check_mutex),
    "fencing": ("tokens rise and old ones are refused: acquire, release, write", check_fencing),
    "leaders": ("at most one leader in a term: lead", check_leaders),
    "list-append": ("isolation of txn with append and r (level=serializable, real_time=false)", check_list_append),
    "read-write": ("isolation of txn with w and r (level=serializable, real_time=false)", check_read_write),
}

MODELS: Mapping[str, str] = {name: help_ for name, (help_, _) in _CHECKERS.items()}
"""What `check_file` can judge by: name and help. Also `FILE.py:Class` or `module:Class`, a `Model` of yours."""


def check_file(path: str | os.PathLike[str], model: str, **options: Any) -> Verdict:
    """Judge the history in a file by the model of that name.

    Options go to the checker; those given as text are read as JSON where the checker expects no text. Raises
    `HistoryFileError` for a bad file, and ValueError for an unknown model, an unknown option, or operations that the
    model does not know: each with one sentence.
    """
    return check(read_history(path), model, **options)


def check(history: History, model: str, **options: Any) -> Verdict:
    """As `check_file`, for a history at hand."""
    if ":" in model:
        checker = _linearizable(_users_model(model))
    elif model in _CHECKERS:
        checker = _CHECKERS[model][1]
    else:
        raise ValueError(f"There is no model {model!r}; there are {', '.join(MODELS)}, and FILE.py:Class for your own.")
    return checker(history, **_decoded(model, checker, options))


def _decoded(model: str, checker: Checker, options: Mapping[str, Any]) -> dict[str, Any]:
    parameters = list(inspect.signature(checker).parameters.values())[1:]
    known = {p.name: p for p in parameters}
    decoded = {}
    for name, value in options.items():
        if name not in known:
            there = f"has {', '.join(known)}" if known else "has none"
            raise ValueError(f"Model {model} has no option {name!r}; it {there}.")
        decoded[name] = value
        if isinstance(value, str) and known[name].annotation != "str":
            try:
                decoded[name] = json.loads(value)
            except json.JSONDecodeError:
                raise ValueError(f"Option {name} of model {model} cannot be {value!r}.") from None
    return decoded


def _users_model(name: str) -> type[Model]:
    """The class behind `FILE.py:Class` or `module:Class`. Runs that file: it must be the user's own."""
    place, _, wanted = name.rpartition(":")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_name(place)
    found = getattr(module, wanted, None)
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise ValueError(f"{place} has no class {wanted!r} that is a windtunnel.lab.checkers.Model.")
    return found


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _from_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(f"There is no module {name!r}.") from None
