"""From what a design's method did to an event of the history, and the sentence for a design that is broken."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from windtunnel.lab.errors import DesignError, WrongInput, raised
from windtunnel.lab.history import Event, Op, Outcome

_new = tuple.__new__
NOBODY_KNOWS = (TimeoutError, ConnectionError, OSError, EOFError)
"""Exceptions after which the request may or may not have taken effect."""
UNREPORTED = "unreported"
"""The fact that stands in place of all others where no report could be had."""
OURS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


class Recorder:
    """Turns the ends of requests into events, for one design."""

    def __init__(self, name: str, design: object, ops: list[Op], others: object = None) -> None:
        self.name = name
        self.design = design
        self.events: list[Event] = []
        self.methods = methods(name, design, ops, others)

    def returned(self, op: Op, due: float, start: float, end: float, value: object) -> None:
        """The request was answered."""
        # What Event() does, without the call: there is one of these a request.
        self.events.append(_new(Event, (op.client, op.name, op.args, start, end, "ok", value, due, op.id)))

    def raised(self, op: Op, due: float, start: float, end: float, error: BaseException) -> None:
        """The request ended with an exception. Raises DesignError for one that is no outcome."""
        outcome = outcome_of(error)
        if isinstance(error, KeyboardInterrupt):
            raise error  # Ctrl-C is nobody's outcome
        if outcome is None:
            raise broken(self.name, self.design, op.name, error) from error
        self.events.append(Event(op.client, op.name, op.args, start, end, outcome, type(error).__name__, due, op.id))

    def unfinished(self, op: Op, due: float, start: float, end: float) -> None:
        """The run ended before the request did."""
        self.events.append(Event(op.client, op.name, op.args, start, end, "unknown", "unfinished", due, op.id))


def outcome_of(error: BaseException) -> Outcome | None:
    """What an exception says about a request; None where it says that the design is broken.

    An exception may say so itself, by its attribute `outcome`: "fail" promises that nothing happened.
    """
    said: object = getattr(error, "outcome", None)
    if said == "fail":
        return "fail"
    if said == "unknown":
        return "unknown"
    if isinstance(error, NOBODY_KNOWS) or type(error).__name__ == "CancelledError":
        return "unknown"
    return None


def reported(name: str, found: object) -> dict[str, Any]:
    """What the design's `report` returned, as facts. Raises DesignError where that is no table."""
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise DesignError(f"Design {name} is broken: report returned {type(found).__name__}, not a dict.")
    return dict(found)


def methods(name: str, design: object, ops: list[Op], others: object = None) -> Mapping[str, Callable[..., Any]]:
    """The design's methods by the names in the requests, and before them those of the experiment's other clients.

    Raises WrongInput where one is missing.
    """
    found = {}
    for wanted in dict.fromkeys(op.name for op in ops):
        method = getattr(others, wanted, None) or getattr(design, wanted, None)
        if not callable(method):
            raise WrongInput(f"Design {name} ({type(design).__name__}) has no method {wanted}; the workload calls it.")
        found[wanted] = method
    return found


def broken(name: str, design: object, what: str, error: BaseException) -> DesignError:
    """The sentence that names design, operation, exception and the design's own line."""
    made = getattr(design, "design", design)  # in a rig
    home = getattr(sys.modules.get(type(made).__module__), "__file__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename == home]
    if not own:  # it may be called through a library, whose line helps; a line of ours does not
        own = [f for f in frames if not f.filename.startswith(OURS)]
    where = f" at {own[-1].filename.rpartition('/')[2]}:{own[-1].lineno}" if own else ""
    did = "called sys.exit" if isinstance(error, SystemExit) else f"raised {raised(error)}"
    return DesignError(f"Design {name} is broken: {what} {did}{where}.")
