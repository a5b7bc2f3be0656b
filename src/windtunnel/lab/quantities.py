"""Numbers as people say them: `20k`, `1.5 M`, `5 ms` where seconds are asked, `30 %`, `1,000 requests/s`."""

from __future__ import annotations

import re

from windtunnel.lab.errors import WrongInput

_LARGE = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "days": 86_400.0}
_BYTES = {"bytes": 1.0, "B": 1.0}
_BYTES |= {f"{sign}B": size for sign, size in _LARGE.items() if sign}
_BYTES |= {f"{sign}iB": 1024.0**power for power, sign in enumerate("KMGT", 1)}
_SHARES = {"": 1.0, "%": 0.01, "of 1": 1.0}
MOST = 1e100
"""No quantity is as large, and differences and quotients of two that are not can be told."""
_FAMILIES = (_SECONDS, _BYTES)
_SPOKEN = {"sec": "s", "secs": "s", "second": "s", "seconds": "s", "minutes": "min", "hours": "h", "day": "days"}
_WHOLE = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:_\d+)*)"  # a comma is between thousands alone: half is no 0,5
_FORM = re.compile(rf"([+-]?(?:{_WHOLE}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)
_TYPED = str.maketrans({"\u2212": "-", "\u03bc": "\u00b5"})
"""Signs that look alike: the minus of typesetters, and the Greek letter in the place of micro."""


def quantity(text: str, unit: str) -> float | None:
    """What was said, in the unit that was asked; None where nothing was said.

    Raises:
        WrongInput: it is no number, or in a unit that does not become the one that was asked.
    """
    said = text.strip()
    if not said:
        return None
    found = _FORM.fullmatch(said.translate(_TYPED))
    if found is None:
        raise WrongInput(f"{said!r} is no number; say one{_of(unit)}, as in {_example(unit)}.")
    size = float(found[1].replace(",", "").replace("_", ""))
    factor = _factor(found[2].strip(), unit)
    if factor is None:
        raise WrongInput(f"{said!r} is not{_of(unit) or ' a plain number'}; say it as in {_example(unit)}.")
    if not abs(size * factor) < MOST:
        raise WrongInput(f"{said!r} is too large to be meant; say one{_of(unit)}, as in {_example(unit)}.")
    return size * factor


def _factor(said: str, unit: str) -> float | None:
    """How many of the unit that was asked one of what was said is; None where that makes no sense."""
    if said in ("", unit):
        return 1.0
    if said in _LARGE:
        return _LARGE[said]
    for size, times in _LARGE.items():
        if size and said.startswith(size) and said[len(size) :].strip() == unit and unit not in _BYTES:
            return times
    said = _SPOKEN.get(said, said)
    for family in _FAMILIES:
        if said in family and unit in family:
            return family[said] / family[unit]
    if said == "%" and unit in _SHARES:
        return _SHARES["%"] / _SHARES[unit]
    words, asked = said.lower().split(), unit.lower().split()
    # "tickets" where "tickets" are asked, "retries" where "retries a sale" are
    return 1.0 if words and words == asked[: len(words)] else None


def _of(unit: str) -> str:
    return f" in {unit}" if unit else ""


def _example(unit: str) -> str:
    return f"800{unit if unit.startswith('%') else f' {unit}' if unit else ''} or 0.8k"
