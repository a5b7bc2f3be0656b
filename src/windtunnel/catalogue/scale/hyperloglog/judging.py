"""How counting is judged: by what was answered, against who came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan, sqrt
from statistics import fmean
from typing import NamedTuple

from windtunnel import History
from windtunnel.catalogue.scale.hyperloglog.designs import Setting
from windtunnel.statistics import not_measurable


class Answer(NamedTuple):
    """What was answered, and what is true."""

    what: str
    day: int
    told: float
    true: int

    @property
    def error(self) -> float:
        """As a share of what is true; of 1 where that is nothing."""
        return (self.told - self.true) / max(self.true, 1)


def answers(history: History) -> list[Answer]:
    """All of them; who came follows from the visits before."""
    came: dict[int, set[str]] = {}
    found = []
    for event in history:
        if event.outcome != "ok":
            continue
        match event.name, event.args:
            case "visit", (day, _, visitors):
                came.setdefault(day, set()).update(visitors)
            case "count", (day,):
                found.append(Answer("count", day, event.value, len(came[day])))
            case "both", (day,):
                found.append(Answer("both", day, event.value, len(came[day] & came[day + 1])))
            case "count_all", ():
                found.append(Answer("all", 0, event.value, len(set[str]().union(*came.values()))))
    return found


def root_mean_square(errors: Sequence[float]) -> float:
    """Of errors around nothing."""
    return sqrt(fmean(one * one for one in errors)) if errors else nan


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """Errors are shares of the truth: `rms` and `bias` over days, `all_error` of all days together, `both_rms` of who
    came on two days one after the other.

    `bytes`: what a shard sends for a day, on average; `held`: what one remembers at the end of the first; `theory`:
    1.04 / sqrt(m); `merge_gap`: how far the first day by shards is from the first day by one who saw all of it;
    `server_rms`, `server_bytes`: of PFCOUNT.
    """
    found, facts = answers(history), history.facts
    days = [one for one in found if one.what == "count"]
    first = next(one for one in days if one.day == 0)
    beside = [counted / one.true - 1 for (counted, _), one in zip(facts["server"], days, strict=False)]
    missing = not_measurable("PFCOUNT is asked of a real server, on stage valkey")
    return {
        "rms": root_mean_square([one.error for one in days]),
        "bias": fmean(one.error for one in days),
        "all_error": next(abs(one.error) for one in found if one.what == "all"),
        "both_rms": root_mean_square([one.error for one in found if one.what == "both"]),
        "bytes": fmean(facts["bytes"]),
        "held": fmean(facts["held"]),
        "theory": 1.04 / sqrt(1 << p.precision),
        "merge_gap": abs(first.told / facts["alone"] - 1) if facts["alone"] else not_measurable("nobody was counted"),
        "server_rms": root_mean_square(beside) if beside else missing,
        "server_bytes": max(size for _, size in facts["server"]) if beside else missing,
    }


# --- charts --------------------------------------------------------------------------------------------------------
def by_day(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The error of each day's answer."""
    return {"error": [(float(one.day), 100 * one.error) for one in answers(history) if one.what == "count"]}


def sent(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What a shard sends for a day."""
    return {"sent": [("a day", fmean(history.facts["bytes"]))]}


def questions(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """How far the answers to each question are from the truth."""
    found = measure(history, p)
    names = {"rms": "one day", "all_error": "all days", "both_rms": "on this day and on the next"}
    return {"error": [(names[name], 100 * found[name]) for name in names]}


def steps(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """Which shard saw visits, and what was told then, step by step: nothing takes time here."""
    rows, told = [], iter(answers(history))
    within = 3 * 1.04 / sqrt(1 << p.precision)
    for step, event in enumerate(history):
        lane, what = "who adds up", "fails"
        if event.name == "visit":
            lane, what = f"shard {event.args[1]}", "sees visits, and sends"
        elif event.outcome == "ok":
            error = next(told).error
            what = "too few" if error < -within else "too many" if error > within else "right, or nearly"
        rows.append((lane, float(step), step + 1.0, what))
    return {"requests": rows}
