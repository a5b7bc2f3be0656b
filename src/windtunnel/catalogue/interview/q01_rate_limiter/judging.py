"""How it is judged: by who was told yes and who no, and when.

A decision is made at some moment between the question and the answer. What is certain whatever that moment was is
counted: too many, where all of those were asked and answered within one window; refused for nothing, where not even all
who may have been let through in some window before it are as many as the limit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from statistics import mean

from windtunnel import Event, History
from windtunnel.blocks.resilience import SlidingLog
from windtunnel.catalogue.interview.q01_rate_limiter.nodes import Setting

STEADY, STICKY, FLOOD, OVER = "steady", "sticky", "flood", "over"
PAIRS = tuple(f"pair {k}" for k in range(4))
CLIENTS = (STEADY, STICKY, *PAIRS, FLOOD, OVER)
"""By what they do. What a design is told is a number."""
SURE_S = 1e-5
"""What rounds times: who came just a window later came later."""
WAVE = 0.4
"""Windows in which only one of a flood's two waves is seen."""
BINS = 40


def by_client(history: Sequence[Event]) -> dict[str, list[Event]]:
    """The requests of each client, in the order in which they came."""
    found: dict[str, list[Event]] = {client: [] for client in CLIENTS}
    for one in history:
        found[one.client].append(one)
    return {client: sorted(those, key=lambda one: one.start) for client, those in found.items()}


def yes(event: Event) -> bool:
    """Whether the client was told that he may."""
    return event.outcome == "ok" and event.value is True


def no(event: Event) -> bool:
    """Whether he was told that he may not."""
    return event.outcome == "ok" and event.value is False


def most(events: Sequence[Event], window_s: float) -> int:
    """How many were asked for and let through within a window, at the most."""
    let = [one for one in events if yes(one)]
    starts = [one.start for one in let]

    def within(first: int) -> int:
        until_s = starts[first] + window_s - SURE_S
        return sum(one.end <= until_s for one in let[first : bisect_right(starts, until_s)])

    return max(map(within, range(len(let))), default=0)


def wronged(events: Sequence[Event], p: Setting) -> int:
    """How many were refused although fewer than the limit can have been let through in the window before."""
    may = [one for one in events if not no(one)]
    starts, ends = [one.start for one in may], sorted(one.end for one in may)

    def possible(one: Event) -> int:  # who came until then, and was not answered before the window
        return bisect_right(starts, one.end) - bisect_right(ends, one.start - p.window_s)

    return sum(possible(one) < p.limit for one in events if no(one))


def share(part: float, whole: float) -> float:
    """A part of a whole; 0 of nothing."""
    return part / whole if whole else 0.0


def refused(events: Sequence[Event]) -> float:
    """Which share was not told yes."""
    return share(sum(not yes(one) for one in events), len(events))


def unlike_log(events: Sequence[Event], p: Setting) -> float:
    """Which share was decided otherwise than by an exact log that is asked the same at the same times."""
    log = SlidingLog(p.limit, p.window_s)
    return share(sum(yes(one) is not log.take(at_s=one.start).allowed for one in events), len(events))


def off(events: Sequence[Event], p: Setting) -> float:
    """By which part the rate that two counts estimate differs from the real one, mean over the requests.

    Of all that were asked for, as in Cloudflare's formula: the window before in proportion to how much of it is within
    a window of now, and all of this window.
    """
    times = [one.start for one in events]

    def until(at_s: float) -> int:
        return bisect_right(times, at_s)

    found = []
    for at_s in times:
        passed, begun_s = at_s % p.window_s, at_s // p.window_s * p.window_s
        if begun_s > 0:
            this, last = until(at_s) - until(begun_s), until(begun_s) - until(begun_s - p.window_s)
            real = until(at_s) - until(at_s - p.window_s)
            found.append(abs(this + last * (1 - passed / p.window_s) - real) / real)
    return mean(found) if found else 0.0


def measure(history: History, p: Setting) -> dict[str, float]:
    """What was let through, in limits; shares of requests; calls a decision; bytes a client; milliseconds."""
    those = by_client(history)
    peaks = {client: most(events, p.window_s) / p.limit for client, events in those.items()}
    waits_s = [one.end - one.due for one in history]
    many = len(history)
    return {
        "most": max(peaks.values()),
        "edge": max(peaks[pair] for pair in PAIRS),
        "flood": peaks[FLOOD],
        "at_once": most(those[FLOOD], WAVE * p.window_s) / p.limit,
        "over": peaks[OVER],
        "wronged": share(sum(wronged(events, p) for events in those.values()), many),
        "steady_refused": refused(those[STEADY]),
        "sticky_refused": refused(those[STICKY]),
        "unlike_log": unlike_log(those[OVER], p),
        "off": off(those[OVER], p),
        "strange": float(sum(not (yes(one) or no(one)) for one in history)),
        "caches": history.facts.get("caches", 0),
        "calls": share(history.facts.get("calls", 0), many),
        "forever": history.facts.get("forever", 0),
        "bytes": history.facts.get("bytes", 0) / len(CLIENTS),
        "ms": 1e3 * mean(waits_s) if waits_s else 0.0,
        "slowest_ms": 1e3 * max(waits_s, default=0.0),
    }


# --- what is drawn -----------------------------------------------------------------------------------------------
def trailing(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: of the client with two bursts who got most, how many were let through in the window before each moment."""
    those = by_client(history)
    worst = max(PAIRS, key=lambda pair: most(those[pair], p.window_s))
    let = [one.end for one in those[worst] if yes(one)]
    step_s = p.windows * p.window_s / BINS
    moments = [k * step_s for k in range(BINS + 1)]
    return {"let through": [(at, float(sum(at - p.window_s < end <= at for end in let))) for at in moments]}


def by_kind(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Chart: of each client, the most that was let through in any window, in limits."""
    return {"most": [(client, most(events, p.window_s) / p.limit) for client, events in by_client(history).items()]}


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: bytes in the cache for a client, and the most that any got."""
    found = measure(history, p)
    return {"a client": [(found["bytes"], found["most"])]}
