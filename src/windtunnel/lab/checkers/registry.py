"""Checkers by name, for the command line: `windtunnel check FILE.jsonl --model NAME`."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
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
from windtunnel.lab.checkers.users_model import blaming, load_model
from windtunnel.lab.checkers.values import is_number
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
    if versions is not None and not (
        isinstance(versions, dict) and all(isinstance(v, list) for v in versions.values())
    ):
        raise ValueError('The fact "versions" gives each key a list of its values, from the oldest to the newest.')
    return check_sessions(history, chosen, model=_object(object), versions=versions, real_time=real_time)


def _bank(history: History, *, total: float | None = None, negative_allowed: bool = False) -> Verdict:
    accounts = history.facts.get("accounts")
    if accounts is not None and not (isinstance(accounts, dict) and all(map(is_number, accounts.values()))):
        raise ValueError('The fact "accounts" gives each account its first balance, a number.')
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
    """As `check_file`, for a history at hand. Options may also follow the name: `sessions:only=monotonic-reads`."""
    name, colon, told = model.partition(":")
    if name in _CHECKERS:
        if colon:
            options = {**_told(name, told), **options}
        return _CHECKERS[name][1](history, **_decoded(name, _CHECKERS[name][1], options))
    if not colon:
        near = get_close_matches(model, _CHECKERS, n=2, cutoff=0.6)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(
            f"There is no model {model!r}; there are {', '.join(MODELS)}, and FILE.py:Class for your own.{hint}"
        )
    checker = _linearizable(load_model(model))
    with blaming(model):
        return checker(history, **_decoded(model, checker, options))


def options_of(model: str) -> tuple[str, ...]:
    """The names of the options that a model has."""
    return tuple(list(inspect.signature(_CHECKERS[model][1]).parameters)[1:])


def _told(model: str, text: str) -> dict[str, str]:
    """Options that follow a model's name, as `only=monotonic-reads,real_time=false`."""
    found = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"After {model}: stand options as name=value, separated by commas; {part!r} is none.")
        found[name.strip().replace("-", "_")] = value.strip()
    return found


def _decoded(model: str, checker: Checker, options: Mapping[str, Any]) -> dict[str, Any]:
    known = {p.name: p for p in list(inspect.signature(checker).parameters.values())[1:]}
    decoded = {}
    for name, value in options.items():
        if name not in known:
            there = f"has {', '.join(known)}" if known else "has none"
            raise ValueError(f"Model {model} has no option {name!r}; it {there}.")
        kind = str(known[name].annotation).removesuffix(" | None")
        decoded[name] = value
        if isinstance(value, str) and kind != "str":
            try:
                decoded[name] = json.loads(value)
            except ValueError:
                raise ValueError(f"Option {name} of model {model} cannot be {value!r}; {_KINDS[kind][1]}.") from None
        if decoded[name] is not None and not _KINDS[kind][0](decoded[name]):
            raise ValueError(f"Option {name} of model {model} cannot be {value!r}; {_KINDS[kind][1]}.")
    return decoded


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "str": (lambda v: isinstance(v, str), "it is a text"),
    "bool": (lambda v: isinstance(v, bool), "it is true or false"),
    "int": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0, "it is a whole number from 0 on"),
    "float": (is_number, "it is a number"),
}
