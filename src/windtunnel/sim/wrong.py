"""Input that cannot be used: one sentence that says what would be right."""

from __future__ import annotations

from collections.abc import Iterable


class WrongInput(ValueError):
    """An experiment, parameter, stage, fault or file that cannot be used; the sentence says what would be right."""


def suggest(wrong: str, known: Iterable[str], kind: str) -> str:
    """ "There is no KIND WRONG", with the nearest names, or all of them where none is near."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(wrong, names, n=3, cutoff=0.5)
    if near:
        return f"There is no {kind} {wrong}; did you mean {' or '.join(near)}?"
    return f"There is no {kind} {wrong}; there {'is' if len(names) == 1 else 'are'} {', '.join(names) or 'none'}."
