"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Protocol

from windtunnel import Claim, Event, Figure, Held, History, Source, most_at_once

WORKERS = 4
"""Orders that the backend works on at once."""
WORK_S = 0.1
"""Mean seconds of work of an order."""
CAPACITY = WORKERS / WORK_S
"""Orders a second that the backend can do."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def load(self) -> float: ...

    @property
    def run_s(self) -> float: ...

    @property
    def places(self) -> int: ...

    @property
    def grace_s(self) -> float: ...

    @property
    def producers(self) -> int: ...

    @property
    def cuts(self) -> int: ...


def restarts(history: History) -> list[tuple[float, float]]:
    """From when to when the process was told to end and had not been started again."""
    return [(e.due, e.end) for e in history.where(name="restart")]


def spans(history: History, done: Mapping[int, float]) -> list[tuple[float, float, Event]]:
    """From when to when each order was held: until it was done, or refused, or the process that held it had ended.

    An order that was told yes is held until it is done, whoever believes what.
    """
    over = [end for _, end in restarts(history)]
    found = []
    for e in history.where(name="order"):
        end = e.end
        if e.outcome == "ok":
            gone = min((at for at in over if at >= e.end), default=e.end)
            end = max(end, done.get(e.args[0], gone))
        found.append((e.start, end, e))
    return found


def most_inside(spans_s: Iterable[tuple[float, float]]) -> int:
    """The most that were inside at one moment."""
    most = inside = 0
    for _, move in sorted(move for begin, end in spans_s if end > begin for move in ((begin, 1), (end, -1))):
        inside += move
        most = max(most, inside)
    return most


def told(history: History) -> dict[int, bool | None]:
    """What the client of each order was told: yes, no, or nothing."""
    found: dict[int, bool | None] = {
        e.args[0]: True if e.outcome == "ok" else False if e.outcome == "fail" else None
        for e in history.where(name="order")
    }
    for e in history.where(name="cut", outcome="ok"):
        found |= e.value[1]
    return found


def judged(history: History, done: Mapping[int, float], rows: Set[int]) -> dict[str, float]:
    """What is the same for who measures and who audits: `done` says when each order was, `rows` which are written.

    Where there were no orders, or none was done, nobody has waited: 0.
    """
    orders = history.where(name="order")
    pauses = restarts(history)
    door_open = [e for e in orders if not any(begin <= e.due <= end for begin, end in pauses)]
    refused = sum(e.outcome == "fail" for e in door_open)
    answered = orders.where(outcome="ok")
    waits_s = [done[e.args[0]] - e.due for e in answered if e.args[0] in done]
    first = min([begin for begin, _ in pauses] + [max(done.values(), default=0.0)], default=0.0)
    said = told(history)
    return {
        "held": most_inside((begin, end) for begin, end, _ in spans(history, done)),
        "told_ms": round(1e3 * max((e.end - e.due for e in answered), default=0.0), 3),
        "done_ms": 1e3 * max(waits_s, default=0.0),
        "mean_ms": 1e3 * sum(waits_s) / len(waits_s) if waits_s else 0.0,
        "done_per_s": sum(at < first for at in done.values()) / first if first else 0.0,
        "refused": refused / len(door_open) if door_open else 0.0,
        "lost": sum(yes is True and number not in rows for number, yes in said.items()),
        "denied": sum(yes is False and number in rows for number, yes in said.items()),
        "stop_s": max((end - begin for begin, end in pauses), default=0.0),
    }


def measure(history: History, p: Setting) -> dict[str, float]:
    """All of it, and what the cuts did."""
    rows = set(history.facts["rows"])
    cuts = history.where(name="cut")
    return {
        **judged(history, dict(history.facts["done"]), rows),
        "done": len(rows),
        "at_backend": history.facts["at_backend"],
        "wasted": history.facts["asked"] - len(rows),
        "places_cut": sum(e.value[0] for e in cuts),
        "unheard": sum(yes is None for e in cuts for yes in e.value[1].values()),
        "cuts_that_lost": sum(any(yes is True and n not in rows for n, yes in e.value[1].items()) for e in cuts),
    }


def nanoseconds(work_s: float) -> int:
    """By which the backend's list and an order are put together: no two orders are the same work."""
    return round(1e9 * work_s)


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the table and the backend's own list of jobs say."""
    rows = {int(row["id"]) for row in held.rows("done")}
    worked = {nanoseconds(work_s): at for _, at, work_s in held.jobs if at is not None}
    orders = [(e.args[0], nanoseconds(e.args[1])) for e in history.where(name="order")]
    done = {number: worked[work] for number, work in orders if work in worked}
    unworked = len(rows - done.keys())
    done = {number: at for number, at in done.items() if number in rows}
    return {
        **judged(history, done, rows),
        "unworked": unworked,
        "at_backend": most_at_once(held.jobs),
        "capacity": held.capacity,
    }


def holding(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How many orders are inside."""
    moves = sorted(m for b, e, _ in spans(history, dict(history.facts["done"])) if e > b for m in ((b, 1), (e, -1)))
    line, inside = [(0.0, 0.0)], 0
    for at, move in moves:
        inside += move
        line.append((at, float(inside)))
    return {"orders": line}


def ends(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What clients were told, and whether it was so."""
    rows = set(history.facts["rows"])
    kinds = {"told yes, and done": 0, "told yes, and lost": 0, "told no": 0, "told nothing": 0}
    for number, yes in told(history).items():
        key = "told nothing" if yes is None else "told no" if not yes else "told yes, and "
        kinds[key + ("done" if number in rows else "lost") if yes else key] += 1
    return {"orders": [(kind, count / sum(kinds.values())) for kind, count in kinds.items()]}


OPEN = {"producers": 0, "cuts": 0}
WELL = {**OPEN, "load": 0.6, "places": 40}
KILLED = {**OPEN, "grace_s": 0.0}
CLOSED = {"producers": 8, "cuts": 0, "load": 1.0, "run_s": 3.0, "places": 6}
CUT = {"cuts": 32, "producers": 0, "places": 2, "grace_s": 2.0}
LONG = {**OPEN, "load": 2.0, "run_s": 12.0, "places": 16}

HALF = "producers == 0 and cuts == 0 and (load - 1) * run_s >= 3.2"
"""What comes too much until half time is as many orders as a dozen places and more, whatever the luck."""
TOO_LATE = f"{HALF} and 0.5 * (load - 1) * run_s >= grace_s + 0.447 * ((load + 0.25) * run_s) ** 0.5"
"""Until half time more work has come than can be done in the time that is left then, whatever the luck."""
IN_TIME = "grace_s >= 0.2 + 1.5 * (places + 4) / 40"
"""What is in a full queue can be done in the time that is left."""

LOSES = "tasks.lost > 0"
GROWS = (
    "semaphore.at_backend <= 4 and tasks.at_backend > 0.8 * tasks.held"
    " and min(semaphore.held, tasks.held) > 10 * (params.load - 1) * params.run_s"
)
PUSHED = (
    "back_pressure.held <= params.producers + params.places + 4 and back_pressure.refused == 0"
    " and back_pressure.done == tasks.done and tasks.held > 5 * back_pressure.held"
)
AS_MUCH = "structured.done_per_s > 0.9 * tasks.done_per_s and refusing.done_per_s > 0.9 * tasks.done_per_s"
PROMISES = "min(tasks.lost, semaphore.lost, back_pressure.lost, refusing.lost) > 0 and structured.lost == 0"
KEPT = (
    "max(structured.cuts_that_lost, structured.denied, structured.unheard) == 0"
    " and 20 <= structured.places_cut < params.cuts"
)
ALL = ("tasks", "semaphore", "back_pressure", "refusing", "structured")


def most(measured: str) -> str:
    """The most of this measurement, of all designs."""
    return f"max({', '.join(f'{design}.{measured}' for design in ALL)})"


CLAIMS = (
    Claim(
        LOSES,
        "Everybody is told yes at once, and what is not done when the process ends nobody knows any more.",
        breaks="tasks",
        where=TOO_LATE,
    ),
    Claim(
        GROWS,
        "A semaphore keeps the backend from being asked by all at once, and they wait as tasks instead.",
        where=HALF,
    ),
    Claim("semaphore.lost > 0", "So the half-measure loses them as well.", where=TOO_LATE),
    Claim(
        "tasks.wasted > 5 * semaphore.wasted and 4 <= semaphore.wasted <= 8",
        "The backend does what it was asked for, also by a process that is no more; the semaphore spares it that.",
        where=TOO_LATE,
    ),
    Claim(
        "tasks.done < 0.95 * semaphore.done",
        "And the next process finds the backend busy with it.",
        over="mean",
        where=TOO_LATE,
    ),
    Claim(
        "back_pressure.held > 10 * (params.load - 1) * params.run_s"
        " and back_pressure.told_ms > 500 * ((1 - 1 / params.load) * params.run_s / 2 - params.places / 40)",
        "Where orders come on their own a full queue makes them wait before it, without a bound.",
        where=f"{HALF} and (load - 1) * run_s >= 0.2 * places",
    ),
    Claim(
        "back_pressure.lost == 0 and refusing.lost == 0",
        "But what was told yes is little, and done in the time that is left.",
        where=IN_TIME,
        given=OPEN,
    ),
    Claim(
        PUSHED,
        "Where a client waits for his answer before he sends more, waiting is a bound, and nobody is refused.",
        "Ronacher 2020",
        given=CLOSED,
    ),
    Claim(
        "structured.held <= 8 and structured.done == tasks.done and refusing.done < 0.3 * tasks.done",
        "Refusing who could have waited does less; answers that come after the work slow clients down as well.",
        given=CLOSED,
    ),
    Claim(
        "max(refusing.held, structured.held) <= params.places + 4",
        "Whoever is refused is not held: memory is flat, whatever comes.",
    ),
    Claim(
        AS_MUCH,
        "It costs no work: the backend is never without.",
        over="mean",
        where=f"{HALF} and places >= 4",
    ),
    Claim(
        "structured.done_ms < 1000 * (0.6 + 2 * (params.places + 4) / 40)",
        "By Little's law who is let in waits for those who are in, and for nobody else.",
        where="cuts == 0",
    ),
    Claim(
        PROMISES,
        "A process that is killed has no time left: a yes before the work is a promise that dies with it.",
        "Smith 2018",
        given=KILLED,
        where=HALF,
    ),
    Claim(
        KEPT,
        "Killed at any place, with six orders inside: no yes without its row, no no with one; who asks again is told.",
        "Smith 2018",
        given=CUT,
    ),
    Claim(
        "tasks.cuts_that_lost > 0.7 * tasks.places_cut and tasks.places_cut < params.cuts"
        " and min(back_pressure.cuts_that_lost, refusing.cuts_that_lost) > 0 and refusing.places_cut >= 6",
        "Killed at nearly any place the first design loses orders: they all had their yes before.",
        given=CUT,
    ),
    Claim(
        "structured.told_ms > 80 > refusing.told_ms",
        "The price: a yes takes as long as the work.",
        where="cuts == 0 and producers == 0",
    ),
    Claim(
        f"{most('stop_s')} <= params.grace_s + 0.001",
        "A process that is told to end ends in time, whatever it has to leave.",
        given=OPEN,
    ),
    Claim(
        "structured.stop_s < params.grace_s and refusing.stop_s < params.grace_s and structured.unknown == 0",
        "One that holds little needs less than that, and leaves nobody without an answer.",
        given=OPEN,
        where=IN_TIME,
    ),
    Claim(
        "tasks.lost == 0 and tasks.refused == 0 and tasks.held < 40",
        "Below what the backend can do a task for each order holds few, and they are done when the process ends.",
        given=WELL,
        where="grace_s >= 0.5",
        spares="tasks",
    ),
    Claim(
        "abs(tasks.mean_ms - structured.mean_ms) < 0.05 * tasks.mean_ms",
        "Then orders are done as soon as in the best design.",
        given=WELL,
        spares="tasks",
    ),
)

OVER = {**OPEN, "load": 2.0, "run_s": 4.0, "places": 6, "grace_s": 0.6}
DEMANDS = (
    Claim("yours.held <= params.places + 4", "Twice what can be done comes, and memory is flat.", given=OVER),
    Claim(
        "yours.lost == 0",
        "What was told yes is written, also when the process is killed.",
        given={**OVER, **KILLED},
        always=True,
    ),
    Claim("yours.denied == 0", "What was told no is not.", given=OVER, always=True),
    Claim("yours.unworked == 0", "What is written the backend has worked for.", given={**OVER, **KILLED}, always=True),
    Claim("yours.lost == 0", "Wherever it is killed, no yes is without its row.", given=CUT, always=True),
    Claim("yours.denied == 0", "And no no is beside one, also of who asks again.", given=CUT, always=True),
    Claim("yours.unknown == 0", "Who is inside when the process is told to end hears how it ended.", given=OVER),
    Claim("yours.stop_s <= params.grace_s + 0.001", "And it ends in time.", given=OVER),
    Claim("yours.done_per_s > 30", "As much is done as the backend can, which is 40 a second.", given=OVER),
    Claim("yours.done_ms < 1000", "Who is let in is done soon.", given=OVER),
    Claim("yours.refused < 0.02", "Where less comes than can be done nobody is refused.", given=WELL),
    Claim("yours.refused == 0", "Nor where clients wait for their answers.", given=CLOSED),
    Claim("yours.done_per_s > 30", "And they keep the backend busy.", given=CLOSED),
    Claim("yours.at_backend <= 4", "The backend is asked for no more than it can do at once.", given=OVER),
    Claim("yours.capacity <= 4", "There is one backend, and it has four workers.", always=True),
)
FIGURES = (
    Figure(
        "orders held at half time",
        (LONG["load"] - 1) * CAPACITY * LONG["run_s"] / 2,
        "semaphore.held",
        0.3,
        "D",
        "(load - 1) x capacity x time: 40 a second too many, for 6 s; ours is the greater one of two halves",
        given={**LONG, "grace_s": 0.0},
    ),
    Figure(
        "share refused at the door",
        1 - 1 / LONG["load"] - (LONG["places"] + WORKERS) / (LONG["load"] * CAPACITY * LONG["run_s"]),
        "structured.refused",
        0.12,
        "D",
        "1 - 1 / load, who cannot be done, less the 20 that are let in while it fills",
        given=LONG,
    ),
    Figure(
        "milliseconds that an order takes which is let in",
        1e3 * (LONG["places"] + WORKERS) / CAPACITY,
        "structured.mean_ms",
        0.12,
        "D",
        "Little's law: 20 inside, 40 done a second; they are a few less while it fills and empties",
        given=LONG,
    ),
)

SOURCES = (
    Source(
        "N. J. Smith, Notes on structured concurrency, or: Go statement considered harmful",
        2018,
        "https://vorpus.org/blog/notes-on-structured-concurrency-or-go-statement-considered-harmful/",
    ),
    Source(
        "A. Ronacher, I'm not feeling the async pressure", 2020, "https://lucumr.pocoo.org/2020/1/1/async-pressure/"
    ),
    Source("CPython, asyncio, Queues", 2025, "https://docs.python.org/3/library/asyncio-queue.html"),
)
