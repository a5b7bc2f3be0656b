"""How it is judged: who was answered, what answers left out, how even the hosts were, and what was moved."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from statistics import fmean
from typing import Protocol

from windtunnel import Event, History
from windtunnel.catalogue.scale.range_or_hash.records import Question, Record
from windtunnel.catalogue.scale.range_or_hash.rig import BIN_S
from windtunnel.statistics import not_measurable

QUESTIONS = {"of_author": "author", "of_time": "time", "of_names": "names"}
"""What is asked, and by what."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def hosts(self) -> int: ...
    @property
    def duration_s(self) -> float: ...


def rise_s(p: Setting) -> float:
    """From when on one author writes more than all others, and some neighbours in the alphabet more than usual."""
    return p.duration_s / 4


def settled_s(p: Setting) -> float:
    """From when on hosts have had time to even out what they have to do."""
    return p.duration_s / 2


def named(history: History, *names: str) -> list[Event]:
    """The requests of these names."""
    return [event for event in history if event.name in names]


def share_answered(events: Sequence[Event]) -> float:
    """The share that was answered; 1 where nobody asked."""
    return sum(event.outcome == "ok" for event in events) / len(events) if events else 1.0


def star(history: History) -> str:
    """The author who writes the most."""
    authors = Counter(event.args[0] for event in named(history, "post"))
    return authors.most_common(1)[0][0] if authors else ""


def hosts_of(late: Sequence[Event], p: Setting) -> float:
    """How many hosts would do nothing else than what was answered of these inserts of the second half."""
    return sum(float(event.args[3]) for event in late if event.outcome == "ok") / (p.duration_s - settled_s(p))


def mean(values: Iterable[float]) -> float:
    """Their mean, if there are any."""
    found = list(values)
    return fmean(found) if found else not_measurable("nobody was answered")


def question_of(event: Event) -> Question:
    """What was asked."""
    about = QUESTIONS[event.name]
    return Question(about, event.args[0], event.args[0] if about == "author" else event.args[1])


def left_out(history: History) -> tuple[int, int]:
    """Records that were answered for before somebody asked for them, and that his answer left out; and such as stood
    in an answer twice."""
    known = [(record, -1.0) for event in named(history, "begin") for record in event.args[0]]
    known += [(Record(*event.args[:3]), event.end) for event in named(history, "post") if event.outcome == "ok"]
    known.sort(key=itemgetter(1))
    missed = doubled = 0
    for event in named(history, *QUESTIONS):
        if event.outcome == "ok":
            question, (found, _) = question_of(event), event.value
            numbers = set(found)
            doubled += len(found) - len(numbers)
            before = known[: bisect_right(known, event.start, key=itemgetter(1))]
            missed += sum(record.number not in numbers and question.fits(record) for record, _ in before)
    return missed, doubled


def by_host(history: History, p: Setting, since_s: float) -> list[int]:
    """Inserts that came to each host from then on."""
    counts = [0] * p.hosts
    for at, host, many in history.facts["arrived"]:
        counts[host] += many * (at * BIN_S >= since_s)
    return counts


def stripe(history: History) -> float:
    """The share of the inserts that go to one host, whichever gets the most in each tenth of a second."""
    most: dict[int, int] = {}
    total = 0
    for at, _, many in history.facts["arrived"]:
        most[at] = max(most.get(at, 0), many)
        total += many
    return sum(most.values()) / total if total else not_measurable("nothing was written")


def over_mean(counts: Sequence[int]) -> float:
    """The most of these counts, over their mean."""
    return max(counts) * len(counts) / sum(counts) if sum(counts) else not_measurable("nothing was written")


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """What clients were told: `posted`: the share of inserts that was answered; `settled`: of those in the second half;
    `star_posted`: of those there by the author who writes the most; `done` and `star_done`: the work of what was
    answered there, in hosts that do nothing else; `answered_moving`: of all requests that were due between
    the beginning of the first change, of an owner or of an author's parts, and the end of the last; `found`: the share
    of all questions that was answered; `names_found`: of those for names; `missed`: records that were answered for
    before somebody asked for them and that his answer left out; `doubled`: such as it held twice.

    What hosts did: `stripe`: the share of the inserts that goes to one host within a tenth of a second; `peak`: the
    inserts of the host that gets the most, over the mean, in the second half; `peak_run`: in the whole run. Of the
    hosts, how many an answer took: `author_shards` (`star_shards`: of the one who writes the most), `time_shards`,
    `name_shards`. `moves`, `moved_kb`; `astray_looks`: looks in which a key was in no place or in two; `lost`: records
    that were answered for and are nowhere in the end, or in two places; `unseen`: such as a program does not look for
    that has just been started.
    """
    facts = history.facts
    posts = named(history, "post")
    late = [event for event in posts if event.due >= settled_s(p)]
    first = star(history)
    changes = facts["changes"]
    moving = [
        event
        for event in named(history, "post", *QUESTIONS)
        if changes and changes[0][0] <= event.due <= changes[-1][1]
    ]
    missed, doubled = left_out(history)
    held = facts["held"]
    kept = [record.number for event in named(history, "begin") for record in event.args[0]]
    kept += [event.args[2] for event in posts if event.outcome == "ok"]

    def shards(events: Iterable[Event]) -> float:
        return mean(event.value[1] for event in events if event.outcome == "ok")

    by_author = named(history, "of_author")
    return {
        "posted": share_answered(posts),
        "settled": share_answered(late),
        "star_posted": share_answered([event for event in late if event.args[0] == first]),
        "done": hosts_of(late, p),
        "star_done": hosts_of([event for event in late if event.args[0] == first], p),
        "answered_moving": share_answered(moving),
        "found": share_answered(named(history, *QUESTIONS)),
        "names_found": share_answered(named(history, "of_names")),
        "missed": missed,
        "doubled": doubled,
        "stripe": stripe(history),
        "peak": over_mean(by_host(history, p, settled_s(p))),
        "peak_run": over_mean(by_host(history, p, 0.0)),
        "author_shards": shards(event for event in by_author if event.args[0] != first),
        "star_shards": shards(event for event in by_author if event.args[0] == first and event.due >= settled_s(p)),
        "time_shards": shards(named(history, "of_time")),
        "name_shards": shards(named(history, "of_names")),
        "moves": sum(what == "move" for *_, what in facts["changes"]),
        "moved_kb": facts["bytes"] / 1e3,
        "astray_looks": facts["astray"],
        "lost": sum(held.get(number, 0) != 1 for number in kept),
        "unseen": sum(number in facts["unseen"] for number in kept),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def inserts(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """How many inserts came to each host in each fifth of a second."""
    found: Counter[tuple[float, int]] = Counter()
    for at, host, many in history.facts["arrived"]:
        found[at // 2 * 2 * BIN_S, host] += many
    return {"inserts": [(at_s, float(host), float(many)) for (at_s, host), many in sorted(found.items())]}


def posted(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Which share of the inserts of each half second was answered."""
    halves: dict[int, list[Event]] = {}
    for event in named(history, "post"):
        halves.setdefault(int(2 * event.due), []).append(event)
    return {"inserts": [(half / 2, share_answered(events)) for half, events in sorted(halves.items())]}


def asked_hosts(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """How many hosts an answer takes, by what is asked for."""
    found = measure(history, p)
    words = {"author": "an author", "star": "the first author", "time": "a time", "name": "names"}
    return {"hosts": [(word, found[f"{name}_shards"]) for name, word in words.items()]}
