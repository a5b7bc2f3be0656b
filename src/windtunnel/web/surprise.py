"""What the picture of an experiment surprises with: a claim of its own, so that a run holds the sentence."""

from __future__ import annotations

from windtunnel.lab.result import JudgedClaim, Result


def surprise(result: Result, design: str) -> JudgedClaim | None:
    """The claim that says why this design fails; None where none that holds says so.

    Of several the one that is about the setting in which it was measured, so that it can be seen in the picture.
    """
    found = [one for one in result.claims if one.breaks == design and one.verdict == "holds"]
    here = [one for one in found if all(result.params.get(name) == value for name, value in one.given.items())]
    return next(iter(here or found), None)
