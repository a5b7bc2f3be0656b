"""How it is judged: by what producers were told, beside what members handled and what a later reader finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from statistics import median
from typing import Any, NamedTuple

from windtunnel import Event, History
from windtunnel.catalogue.interview.q13_kafka.episodes import (
    CROWDS,
    NEXT,
    POURED,
    READERS,
    STRUCK,
    TWO,
    Episode,
    Setting,
    Strike,
)
from windtunnel.statistics import not_measurable, percentile


class Found(NamedTuple):
    """What came of one episode.

    Args:
        told: records of which a producer was told that they are there.
        lost: of those, which no member was ever handed and no later reader finds.
        gone: of those, which a later reader does not find.
        missed: of those, which no member was ever handed.
        doubled: records that stand at two offsets.
        disorder: records that a later reader finds before one that its producer sent earlier.
        phantom: offsets at which two readers found different records.
        holes: offsets that a later reader misses between the first and the last.
        again: records that were handed out once more, at the same offset.
        shared: partitions that two members handled in one generation.
        untold: batches of which the producer was never told.
        slowest_ms: from sending a batch to being told, at the most.
        shown_ms: from sending a batch to who follows, each.
    """

    episode: Episode
    hit: bool
    before: Sequence[str]
    told: int
    lost: int
    gone: int
    missed: int
    doubled: int
    disorder: int
    phantom: int
    holes: int
    again: int
    shared: int
    fenced: int
    untold: int
    slowest_ms: float
    median_ms: float
    shown_ms: Sequence[float]
    cost: Mapping[str, int]
    took_s: float

    @property
    def wrong(self) -> bool:
        """Whether anything is not as it has to be, beside what is lost."""
        return bool(self.doubled or self.disorder or self.phantom or self.holes or self.shared)


def episode_of(event: Event) -> Episode:
    """What was asked for."""
    number, kind, strikes, *rest = event.args
    return Episode(number, kind, [Strike(*one) for one in strikes], *rest)


def judged(history: History) -> list[Found]:
    """All that were tried, and whose place was there."""
    tried = [e for e in history.where(name="episode") if e.outcome == "ok" and e.value is not None]
    return [_of(episode_of(event), event.value) for event in tried]


def _of(e: Episode, found: Mapping[str, Any]) -> Found:
    told = [value for _, batch, yes, _, _ in found["sent"] if yes for value in batch]
    times_ms = [1e3 * took_s for _, _, yes, took_s, _ in found["sent"] if yes]
    logs: Sequence[Sequence[tuple[int, str]]] = found["log"]
    left = {value for log in logs for _, value in log}
    handled = {value for *_, value, _ in found["handled"]}
    at: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    handed = Counter((partition, offset) for _, _, partition, offset, _, _ in found["handled"])
    owners: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for name, generation, partition, offset, value, _ in found["handled"]:
        at[partition, offset].add(value)
        owners[generation, partition].add(name)
    for partition, log in enumerate(logs):
        for offset, value in log:
            at[partition, offset].add(value)
    places: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for place, values in at.items():
        for value in values:
            places[value].add(place)
    return Found(
        e,
        found["hit"],
        found["before"],
        len(told),
        sum(value not in left and value not in handled for value in told),
        sum(value not in left for value in told),
        sum(value not in handled for value in told),
        sum(len(known) > 1 for known in places.values()),
        sum(_disorder(log) for log in logs),
        sum(len(values) > 1 for values in at.values()),
        sum(log[-1][0] - log[0][0] + 1 - len(log) for log in logs if log),
        sum(count - 1 for count in handed.values()),
        sum(len(names) > 1 for (generation, _), names in owners.items() if generation),
        found["fenced"],
        sum(not yes for _, _, yes, _, _ in found["sent"]),
        max(times_ms, default=0.0),
        median(times_ms) if times_ms else 0.0,
        found["shown_ms"],
        found["cost"],
        found["took_s"],
    )


def _disorder(log: Sequence[tuple[int, str]]) -> int:
    """Records that stand before one that was sent earlier; who stands twice counts where he stands first."""
    newest, found = defaultdict[str, int](int), 0
    for value in dict.fromkeys(value for _, value in log):
        _, producer, number = value.split(":")
        found += int(number) < newest[producer]
        newest[producer] = max(newest[producer], int(number))
    return found


# --- measurements ----------------------------------------------------------------------------------------------------
LEADER = (*STRUCK, "all")
"""One blow."""
KINDS = (*LEADER, *TWO, *READERS)


def share(found: Iterable[Found], what: Callable[[Found], bool]) -> float:
    """The share of them of which that is so; no number where there are none."""
    those = [what(one) for one in found]
    return sum(those) / len(those) if those else _nothing()


def _nothing() -> float:
    return not_measurable("nothing of that kind comes with these parameters")


def measure(history: History, p: Setting) -> dict[str, float]:
    """What it all comes to."""
    found = judged(history)
    by: defaultdict[str, list[Found]] = defaultdict(list)
    for one in found:
        if one.hit:
            by[one.episode.kind].append(one)
    struck = [one for kind in STRUCK for one in by[kind]]
    after, back = [one for kind in NEXT for one in by[kind]], by["returns"]
    long = by["long"][0] if by["long"] else None
    two = [one for one in by["pour"] if one.episode.producers == 2]

    def cost(what: str, of: str) -> float:
        return long.cost.get(what, 0) / long.cost[of] if long else _nothing()

    told: dict[str, float] = {}
    for kind in ("calm", "dies", "power", "gone", "all"):
        told[f"lost_{kind}"] = share(by[kind], lambda one: one.lost > 0)
    for kind in ("calm", *LEADER, *TWO, "drawn"):
        told[f"gone_{kind}"] = share(by[kind], lambda one: one.gone > 0)
    for flush in ("never", "each"):
        for records in (POURED[0], POURED[-1]):
            pours = [one for one in two if (one.episode.flush, one.episode.records) == (flush, records)]
            told[f"{flush}_{records}"] = _rate(pours[0]) if pours else _nothing()
    if p.pours > 1:
        told |= _of_crowds(by["pour"])
    left = [one for kind in ("dies", "power", "gone") for one in by[kind]]
    return told | {
        "missed_reader_dies": share(by["reader_dies"], lambda one: one.missed > 0),
        "gone_next": share(after, lambda one: one.gone > 0),
        "missed_next": share([*struck, *after], lambda one: one.missed > one.gone),
        "again_calm": share(by["calm"], lambda one: one.again > 0),
        "again_returns": sum(one.again for one in back) / sum(one.told for one in back) if back else _nothing(),
        "lost_leader": share(left, lambda one: one.lost > 0),
        "lost": sum(one.lost for one in found),
        "wrong": sum(one.wrong for one in found if one.episode.kind != "all"),
        "wrong_calm": sum(one.wrong for kind in ("calm", "long") for one in by[kind]),
        "doubled": share(struck, lambda one: one.doubled > 0),
        "shared": sum(one.shared for one in found),
        "fenced": share(by["reader_stands"], lambda one: one.fenced > 0),
        "again": share(by["reader_dies"], lambda one: one.again > 0),
        "untold": sum(one.untold for one in struck),
        "waits_ms": median(one.slowest_ms for one in by["dies"]) if by["dies"] else _nothing(),
        "told_ms": long.median_ms if long else _nothing(),
        "read_later": 1 - long.gone / long.told if long else _nothing(),
        "copied": cost("copied", "bytes"),
        "syncs": cost("syncs", "batches"),
    }


TOO_FEW_SEEN = "too few of the batches were seen by who follows while the producer still sent"


def _of_crowds(pours: Sequence[Found]) -> dict[str, float]:
    """What is asked beside Kafka's own rates: by the number of producers, and how late who follows one of them is."""
    by = {one.episode.producers: one for one in pours}
    told = {f"of_{producers}": _rate(by[producers]) for producers in CROWDS}
    for name, q in (("50", 50.0), ("99", 99.0), ("999", 99.9)):
        shown_ms = percentile(by[1].shown_ms, q)
        told[f"shown_{name}_ms"] = not_measurable(TOO_FEW_SEEN) if isnan(shown_ms) else shown_ms
    told["in_a_row"] = not_measurable("no disk here has a head; `python -m bench disk` asks this machine's")
    return told


def _rate(one: Found) -> float:
    """Records a second that a producer was told of."""
    return one.told / one.took_s if one.took_s > 0 else not_measurable("nobody waits for anything")


# --- charts ----------------------------------------------------------------------------------------------------------
def matrix(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """By place and what happened there: 1 where something is lost that a producer was told of."""
    return {
        "lost": [
            (float(one.episode.strikes[0].place), float(KINDS.index(one.episode.kind)), float(one.lost > 0))
            for one in judged(history)
            if one.hit and one.episode.kind in (*LEADER, *TWO)
        ]
    }


def by_kind(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Of a hundred places at which that happened, how many lost something that a producer was told of."""
    by: defaultdict[str, list[bool]] = defaultdict(list)
    for one in judged(history):
        if one.hit and one.episode.kind in (*LEADER, *TWO, *NEXT):
            by[one.episode.kind].append(one.lost > 0)
    return {"lost": [(kind.replace("_", " "), 100 * sum(those) / len(those)) for kind, those in by.items()]}


def throughput(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Records a second by the size of batches, with an fsync for each batch and without."""
    tried = [one for one in judged(history) if one.episode.kind == "pour" and one.took_s > 0]
    found = [one for one in tried if one.episode.producers == 2]
    return {
        name: [(float(one.episode.records), _rate(one)) for one in found if one.episode.flush == flush]
        for name, flush in (("no fsync", "never"), ("an fsync each", "each"))
    }
