"""What clients were told: what was acknowledged and is gone, what no order explains, and how long nobody answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import mean, median
from typing import Protocol

from windtunnel import Event, Held, History
from windtunnel.catalogue.scale.election.servers import PATIENCE_S, SERVERS, SMALL
from windtunnel.catalogue.scale.election.trials import CAP_S
from windtunnel.checkers import KeyValue, check_linearizable
from windtunnel.parts import share_of

KEYS = 4
CALM_S = 0.6
"""Before the trouble and after it."""
SETTLES_S = 1.2
"""After the last request, before somebody looks at what is there."""
IN_TURN = ("restarts", "cut off", "deaf", "mute", "pause")
"""Troubles that befall one server after the other."""
DOWN = ("restarts", "blackout", "pause")
"""Those in which a server says nothing to anybody."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def trouble(self) -> str: ...
    @property
    def for_s(self) -> float: ...
    @property
    def rounds(self) -> int: ...
    @property
    def rate(self) -> float: ...


def struck(p: Setting) -> list[tuple[int, float]]:
    """Which server is struck, from when on; each for `for_s`, and the next one as soon as it is over.

    Two at a time are restarted, since five bear that two are gone.
    """
    if p.trouble == "blackout":
        return [(i, CALM_S) for i in range(SERVERS)]
    if p.trouble not in IN_TURN:
        return []
    turns = range(SERVERS * p.rounds)
    if p.trouble == "restarts":
        return [((2 * i + k) % SERVERS, CALM_S + i * p.for_s) for i in turns for k in (0, 1)]
    return [(i % SERVERS, CALM_S + i * p.for_s) for i in turns]


def over_s(p: Setting) -> float:
    """When the trouble is over."""
    return CALM_S + p.for_s * (SERVERS * p.rounds if p.trouble in IN_TURN else 1)


def end_s(p: Setting) -> float:
    """When the last request is due, but for those who look at the end."""
    return over_s(p) + CALM_S


def is_well(e: Event, p: Setting) -> bool:
    """Whether nothing befell the server beside this client while it asked."""
    if p.trouble == "halves":
        return e.args[0] not in SMALL or e.due < CALM_S - PATIENCE_S or e.due > over_s(p)
    return all(at != e.args[0] or e.due > from_s + p.for_s or e.due + PATIENCE_S < from_s for at, from_s in struck(p))


def is_calm(e: Event, p: Setting) -> bool:
    """Whether nothing befell anybody while it was asked, nor before it by so much as clients wait."""
    return p.trouble == "none" or e.due < CALM_S - PATIENCE_S or e.due > over_s(p) + PATIENCE_S


def broken(history: Sequence[Event]) -> list[bool]:
    """Of each key, whether no order explains what clients were told."""
    found: dict[str, list[Event]] = {}
    for e in history:
        if e.name in ("put", "get"):
            found.setdefault(e.args[1], []).append(e._replace(client=f"request {e.id}", args=e.args[1:]))
    return [check_linearizable(events, KeyValue()).status == "invalid" for _, events in sorted(found.items())]


def lost(history: Sequence[Event]) -> list[bool]:
    """Of writes that were acknowledged, which somebody who looks after that, at the end, does not find."""
    looks = [(e.start, set(e.value)) for e in history if e.name == "everything" and e.outcome == "ok"]
    told = [(e.end, e.args[2]) for e in history if e.name == "put" and e.outcome == "ok"]
    return [any(at <= start and value not in look for start, look in looks) for at, value in told]


def twice(history: Sequence[Event]) -> int:
    """Most of the values that somebody who looks at the end finds more than once."""
    looks = [e.value for e in history if e.name == "everything" and e.outcome == "ok"]
    return max((len(look) - len(set(look)) for look in looks), default=0)


def gaps_s(history: Sequence[Event]) -> list[float]:
    """From each answer to the next one, whoever asked; from the first request on, and to the last."""
    ends = sorted(e.end for e in history if e.name in ("put", "get") and e.outcome == "ok")
    dues = [e.due for e in history if e.name in ("put", "get")]
    return [later - earlier for earlier, later in pairwise([min(dues), *ends, max(dues)])] if dues else []


def millis(history: Sequence[Event], name: str, p: Setting) -> float:
    """The median of those that were answered in calm, milliseconds; 0 of none."""
    found = [1e3 * (e.end - e.start) for e in history if e.name == name and e.outcome == "ok" and is_calm(e, p)]
    return median(found) if found else 0.0


def trials_ms(history: Sequence[Event]) -> list[float]:
    """How long each trial of the paper took, milliseconds."""
    return [1e3 * took for e in history if e.name == "elections" and e.outcome == "ok" for took in e.value]


def measure(history: History, p: Setting) -> dict[str, float]:
    """Lost, broken, refused, without an answer, and what it costs."""
    asked = [e for e in history if e.name in ("put", "get")]
    well = [e for e in asked if is_well(e, p)]
    took = trials_ms(history)
    facts = history.facts
    gone = lost(history)
    return {
        "lost": share_of(gone),
        "lost_writes": float(sum(gone)),
        "twice": float(twice(history)),
        "unseen": share_of(e.outcome != "ok" for e in history if e.name == "everything"),
        "broken": share_of(broken(history)),
        "refused": share_of(e.outcome != "ok" for e in well),
        "small_refused": share_of(e.outcome != "ok" for e in asked if e.args[0] in SMALL),
        "large_refused": share_of(e.outcome != "ok" for e in asked if e.args[0] not in SMALL),
        "silent_s": max(gaps_s(history), default=0.0),
        "put_ms": millis(history, "put", p),
        "get_ms": millis(history, "get", p),
        "leaderless_median_ms": median(took) if took else 0.0,
        "leaderless_mean_ms": mean(took) if took else 0.0,
        "leaderless_most_ms": max(took, default=0.0),
        "leaderless_least_ms": min(took, default=0.0),
        "never": share_of(one >= 1e3 * CAP_S for one in took),
        "in_287_ms": share_of(one <= 287 for one in took),
        "in_311_ms": share_of(one <= 311 for one in took),
        "leaders": float(facts.get("leaders", 0)),
        "terms": float(facts.get("terms", 0)),
        "unsafe": float(facts.get("unsafe", 0)),
        "looks": float(facts.get("looks", 0)),
        "syncs": facts.get("syncs", 0) / len(asked) if asked else 0.0,
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What was told beside a server that was down, or across a cut, or was never put; machines beside the five.

    And what the wires say: what was shown where it had not come.
    """
    down = [(at, from_s, from_s + p.for_s) for at, from_s in struck(p) if p.trouble in DOWN]
    told = [e for e in history if e.name in ("put", "get") and e.outcome == "ok"]
    begins = {e.args[2]: e.start for e in history if e.name == "put"}
    crossed = 0
    if p.trouble == "halves":
        inside = [e for e in told if e.start > CALM_S and e.end < over_s(p)]
        sides = {e.args[2]: e.args[0] in SMALL for e in history if e.name == "put" and e.start > CALM_S}
        crossed = sum(
            e.name == "get" and sides.get(e.value, e.args[0] in SMALL) != (e.args[0] in SMALL) for e in inside
        )
    return {
        "ghosts": float(sum(any(e.args[0] == at and a < e.start and e.end < b for at, a, b in down) for e in told)),
        "crossed": float(crossed),
        "helpers": float(len({*held.hosts} - {f"server {i}" for i in range(SERVERS)} - {"gate", "clients"})),
        "made_up": float(
            sum(begins.get(e.value, e.end) >= e.end for e in told if e.name == "get" and e.value is not None)
        ),
        "unheard": float(history.facts.get("unheard", 0)),
    }


# --- what is drawn -----------------------------------------------------------------------------------------------
def leaderless(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: the share of trials that were over after so long, as in the paper's figure 16; else, of times to the next
    answer."""
    took = sorted(trials_ms(history) or [max(1e3 * gap, 0.01) for gap in gaps_s(history)])
    return {"elections" if trials_ms(history) else "answers": [(ms, (i + 1) / len(took)) for i, ms in enumerate(took)]}


def who_was_answered(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: answers a second, in tenths of a second."""
    asked = [e for e in history if e.name in ("put", "get")]
    bins = range(int(10 * end_s(p)) + 1) if asked else range(0)
    ends = [int(10 * e.end) for e in asked if e.outcome == "ok"]
    return {"answers": [(tenth / 10, 10.0 * ends.count(tenth)) for tenth in bins]}
