"""A checker refuses operations that it does not know, in one sentence: a history judged half is not judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from windtunnel.lab.checkers.describe import printable
from windtunnel.lab.history import Event


def select(history: Iterable[Event], what: str, arguments: Mapping[str, int]) -> list[Event]:
    """The events that did not fail. `arguments` gives the known names (none: all) and how many arguments each needs.

    Raises ValueError for another name or too few arguments.
    """
    chosen = []
    for e in history:
        if arguments and e.name not in arguments:
            raise ValueError(
                f"A {what} knows {', '.join(arguments)}, not {e.name!r} (called by {printable(e.client)})."
            )
        needs = arguments.get(e.name, 0)
        if len(e.args) < needs:
            who = printable(e.client)
            raise ValueError(f"{e.name} was called by {who} with {len(e.args)} arguments, but a {what} needs {needs}.")
        if e.outcome != "fail":
            chosen.append(e)
    return chosen
