"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Protocol

from windtunnel import Claim, Figure, Held, History, Source, owed, parts

WORK_S = 0.025
"""Seconds of work that an attempt is to the database."""
FAIL_S = 0.005  # unclaimed: any small part of the work would do
"""Seconds of work until a bad request fails."""
RUN_S = 8.0
"""How long requests come."""
TRIGGER_AT_S = 2.0
LEFT = 0.1
"""The share of its speed that the trigger leaves the database."""
END_S = 2.0
"""Seconds at the end of the run in which one looks whether the service is back."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def load(self) -> float: ...

    @property
    def layers(self) -> int: ...

    @property
    def attempts(self) -> int: ...

    @property
    def lost(self) -> float: ...

    @property
    def lost_above(self) -> float: ...

    @property
    def patience_s(self) -> float: ...

    @property
    def trigger_s(self) -> float: ...

    @property
    def bad(self) -> float: ...


def share(found: int, of: int) -> float:
    """No number where there is nothing to be a share of."""
    return found / of if of else nan


def measure(history: History, p: Setting) -> dict[str, float]:
    """Who is answered, how soon, and what that costs: attempts at the database, and calls of all layers."""
    good = [e for e in history if e.args[1]]
    answered = [e for e in good if e.outcome == "ok"]
    last = [e for e in good if e.due >= RUN_S - END_S]
    attempts = history.facts["queries"]
    return {
        "answered_good": share(len(answered), len(good)),
        "answered_end": share(sum(e.outcome == "ok" for e in last), len(last)) if last else 1.0,
        "answered_ms": 1e3 * sum(e.end - e.due for e in answered) / len(answered) if answered else nan,
        "attempts_each": share(attempts, len(history)),
        "calls_each": share(history.facts["calls"], len(history)),
        "late_share": share(history.facts["late"], attempts),
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the database's own list of jobs says: whether answers were worked for, the bad ones too, and how often."""
    told = history.where(outcome="ok")
    jobs = [job for machine in held.machines.values() for job in machine.jobs]
    bad = sum(not e.args[1] for e in history)
    return {
        "attempts_each": share(len(jobs), len(history)),
        "owed_s": owed([(e.end, e.args[0]) for e in told], held.done()),
        "capacity": held.capacity,
        "untrue": sum(not e.args[1] for e in told),
        "learned": min(1.0, sum(work == FAIL_S for _, _, work in jobs) / bad) if bad else 1.0,
    }


def answers(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers to users who are still there, a second at a time."""
    return {"answers": parts.goodput(history, RUN_S)}


CLEAN = {"bad": 0.0, "lost": 0.0, "lost_above": 0.0}
PLAIN = {**CLEAN, "trigger_s": 0.0}
CHAIN = {**PLAIN, "attempts": 4, "limit_s": 0.2, "load": 0.6}
THREE = {"layers": 3}
SLOW = {**CHAIN, "trigger_s": 2.0}
BAD = {**CHAIN, "bad": 0.2}
ONLY_BAD = {**PLAIN, "bad": 1.0, "load": 0.03, "patience_s": 10.0}
LOST = {**CHAIN, "lost": 0.1}
LOST_ABOVE = {**CHAIN, "lost_above": 0.1}
ONCE = {**PLAIN, "attempts": 1, "load": 0.3}
SHORT = {**CHAIN, "trigger_s": 0.8}
PATIENT = {**SHORT, "limit_s": 1.0, "patience_s": 3.0}
BACKLOG = "load * trigger_s >= 2 * limit_s"
"""What the slow database leaves behind takes it far longer than an attempt may."""
USUAL = "0.8 <= patience_s <= 1.5 and 2 <= layers <= 3"
"""Users wait for all attempts at the database, and for no more."""

STAYS = "max(outer_shorter.answered_end, equal.answered_end, nested.answered_end) < 0.1"
BACK = "min(deadline_passed.answered_end, nearest_only.answered_end, outermost_only.answered_end) > 0.9"
STORM = (
    "min(outer_shorter.attempts_each, equal.attempts_each) > 0.8 * nested.attempts_each"
    " and nested.attempts_each == params.attempts ** params.layers"
)
ORDER = (
    "min(outer_shorter.attempts_each, equal.attempts_each) - 1 > 2.3 * (nested.attempts_each - 1)"
    " and nested.attempts_each < 1.2"
)
LATE = "cancelled.late_share, deadline_passed.late_share, nearest_only.late_share, outermost_only.late_share"
SRE, AWS, GRPC = "The SRE book 2016", "Brooker, Timeouts, retries", "gRPC, Deadlines"

CLAIMS = (
    Claim(
        STAYS,
        "A slow database makes users go, and the attempts for who has gone keep it slow, in whatever order.",
        breaks="outer_shorter",
        given=CLEAN,
        where=f"0.3 <= load and load * attempts**layers >= 6 and trigger_s >= 1.2 and {BACKLOG}",
    ),
    Claim(
        STAYS,
        "With limits of a fifth of a second less than a second of it is enough.",
        given={**SHORT, **THREE},
        where=USUAL,
    ),
    Claim(
        "max(outer_shorter.attempts_each, equal.attempts_each, nested.attempts_each) == 1",
        "Limits that outlast the trouble start no storm, in whatever order.",
        given=PATIENT,
        spares="outer_shorter",
    ),
    Claim(
        BACK,
        "Work that nobody waits for is not begun, and the database is back as soon as it is well.",
        GRPC,
        given=CLEAN,
        where="load <= 0.7 and patience_s <= 3",
    ),
    Claim(
        "cancelled.answered_end > outer_shorter.answered_end + 0.2",
        "Work that is taken back is not done either; but some is begun too late, so it may take longer.",
        given=CLEAN,
        where="0.3 <= load <= 0.7 and layers >= 2 and attempts >= 3 and trigger_s >= 1 and patience_s <= 3"
        " and limit_s <= 0.3",
    ),
    Claim(
        "cancelled.late_share == 0",
        "That holds for the user too, who gives up before the layers do.",
        given={**SLOW, "limit_s": 0.5},
        where="patience_s <= 1.5",
        stages=("sim",),  # a real cancel takes its time, and here a limit ends in the moment in which the user goes
    ),
    Claim(
        "equal.attempts_each > 1.05 * outer_shorter.attempts_each",
        "Equal limits end all at once, and every layer asks again in the same moment.",
        over="mean",
        given={**SLOW, **THREE},
        where=USUAL,
    ),
    Claim(
        STORM,
        "A request that fails whatever is done costs the product of all attempts, in whatever order.",
        SRE,
        given=ONLY_BAD,
        where="attempts ** layers <= 64",
    ),
    Claim(
        "max(nearest_only.attempts_each, outermost_only.attempts_each) == params.attempts",
        "Where one layer asks again it costs that layer's attempts.",
        AWS,
        given=ONLY_BAD,
        where="attempts ** layers <= 64 and limit_s >= 0.2",
    ),
    Claim(
        "min(outer_shorter.late_share, nested.late_share) > 0.3",
        "Many attempts, and with three layers most of them, begin when the user has gone.",
        given=SLOW,
        where=f"{USUAL} and patience_s <= 1.2",
    ),
    Claim(
        f"max({LATE}) == 0",
        "With a deadline none does, nor with a cancel.",
        GRPC,
        given=SLOW,
        stages=("sim",),
    ),
    Claim(
        f"max({LATE}) < 0.01",
        "With real processes too, but for what is on its way when he goes.",
        GRPC,
        given=SLOW,
        stages=("machine",),
    ),
    Claim(
        ORDER,
        "Each layer that gives up too early asks again for what is still under way: a lost answer costs more than one.",
        over="mean",
        given={**LOST, **THREE, "load": 0.3},
        where=USUAL,
    ),
    Claim(
        "abs(outer_shorter.answered_ms - nested.answered_ms) < 0.15 * nested.answered_ms",
        "The user sees nothing of it: whoever asks again first does so after the same time.",
        over="mean",
        given={**LOST, **THREE, "load": 0.3},
        where=USUAL,
    ),
    Claim(
        "cancelled.calls_each > nested.calls_each + 0.03",
        "With a cancel the wrong order mends it too: the outermost layer asks again, and all work once more.",
        given={**LOST, **THREE, "load": 0.3},
        where=USUAL,
    ),
    Claim(
        "abs(cancelled.attempts_each - nested.attempts_each) < 0.1",
        "At the database that is one more attempt, as in the right order.",
        over="mean",
        given={**LOST, **THREE, "load": 0.3},
        where=USUAL,
    ),
    Claim(
        "cancelled.attempts_each > 2 * outermost_only.attempts_each",
        "A cancel takes back what is given up, not what failed: bad requests are tried by all layers.",
        over="mean",
        given={**BAD, **THREE},
        where="0.8 <= patience_s",
    ),
    Claim(
        "equal.answered_end < nested.answered_end - 0.3",
        "On most seeds that is enough to lose the database, with nothing slow: one answer in ten is lost.",
        over="mean",
        given={**LOST, **THREE},
        where=USUAL,
    ),
    Claim(
        "max(nested.answered_good, deadline_passed.answered_good) < 0.96",
        "An answer lost higher up is missed for as long as all attempts below might take: the user has gone.",
        given={**LOST_ABOVE, **THREE},
        where=USUAL,
    ),
    Claim(
        "outermost_only.answered_good > 0.98 and nearest_only.answered_good < 0.9",
        "The outermost layer mends what is lost on any way, the one next to the database only what is lost there.",
        over="mean",
        given={**LOST_ABOVE, **THREE},
        where=USUAL,
    ),
    Claim(
        "outermost_only.calls_each > nearest_only.calls_each + 0.05",
        "The price: all layers work again for each attempt.",
        AWS,
        given=LOST,
        where=USUAL,
    ),
    Claim(
        "deadline_passed.attempts_each > 2 * nearest_only.attempts_each"
        " and deadline_passed.answered_ms > 1.2 * nearest_only.answered_ms",
        "One bad request in five: all layers try it until its user goes, and the good ones wait behind that.",
        SRE,
        over="mean",
        given={**BAD, **THREE},
        where="0.8 <= patience_s",
    ),
    Claim(
        "min(deadline_passed.answered_good, nearest_only.answered_good, outermost_only.answered_good) > 0.98",
        "With a deadline the bad ones keep no good one from its answer.",
        over="mean",
        given=BAD,
        where=USUAL,
    ),
    Claim(
        "nested.answered_end < 0.5",
        "Without a deadline one bad request in five takes the database from most of the other four.",
        over="mean",
        given={**BAD, **THREE},
        where=USUAL,
    ),
    Claim(
        "outer_shorter.answered_good == 1 and nested.answered_ms == outer_shorter.answered_ms"
        " and outer_shorter.calls_each == params.layers",
        "With one attempt everywhere, and nothing slow, the order is the same to all.",
        given=ONCE,
        where="limit_s >= 0.2",
        spares="outer_shorter",
        stages=("sim",),
    ),
    Claim(
        "min(outer_shorter.answered_good, nested.answered_good) > 0.98 and outer_shorter.calls_each == params.layers",
        "Nor does it with real processes, whose time is their machine's.",
        given=ONCE,
        where="limit_s >= 0.2",
        stages=("machine",),
    ),
    Claim(
        "min(outer_shorter.answered_end, equal.answered_end, nested.answered_end) == 1",
        "Eight times that load is less than half of what the database can do: no storm keeps it busy.",
        given={**SLOW, "load": 0.05, "attempts": 2, "trigger_s": 1.0},
        where=USUAL,
        spares="outer_shorter",
    ),
)

DEMANDS = (
    Claim("yours.answered_end > 0.9", "A database that is well again has to be used again.", given=SLOW),
    Claim("yours.answered_good > 0.97", "One answer in ten that is lost has to be mended.", given=LOST),
    Claim("yours.answered_good > 0.97", "So has an answer that is lost between two layers.", given=LOST_ABOVE),
    Claim("yours.answered_good > 0.97", "Bad requests must not take the database from the good ones.", given=BAD),
    Claim("yours.attempts_each < 5", "A request that fails whatever is done costs few attempts.", given=ONLY_BAD),
    Claim("yours.untrue == 0", "What failed is not told to have been done.", given=BAD, always=True),
    Claim("yours.learned == 1", "That a request fails is for the database to say: it is asked.", given=BAD),
    Claim("yours.owed_s < 0.001", "An answer comes after the database has done its work.", always=True),
    Claim("yours.capacity <= 1", "There is one database, and it has one worker.", always=True),
)

FIGURES = (
    Figure(
        "attempts at the database for a request that fails",
        64,
        "nested.attempts_each",
        0.01,
        "Vq",
        "three layers, three retries each: four attempts, counted at the database",
        SRE,
        given={**ONLY_BAD, **THREE, "attempts": 4},
    ),
    Figure(
        "attempts through five layers",
        243,
        "nested.attempts_each",
        0.01,
        "Vq",
        "five layers; its three retries are three attempts, the first included",
        AWS,
        given={**ONLY_BAD, "layers": 5, "attempts": 3, "load": 0.02},
    ),
    Figure(
        "attempts where one answer in five is lost",
        1 / (1 - 0.2),
        "nested.attempts_each",
        0.12,
        "D",
        "1 / (1 - lost): each loss costs one more attempt",
        given={**CHAIN, "lost": 0.2, "load": 0.3},
    ),
    Figure(
        "answered where only the last layer asks again",
        (1 - LOST_ABOVE["lost_above"]) ** (THREE["layers"] - 1),
        "nearest_only.answered_good",
        0.08,
        "D",
        "(1 - lost)^2: two ways between layers, each loses a tenth of the answers",
        given={**LOST_ABOVE, **THREE},
    ),
)

SOURCES = (
    Source(
        "The SRE book, chapter 22, Addressing Cascading Failures",
        2016,
        "https://sre.google/sre-book/addressing-cascading-failures/",
    ),
    Source(
        "M. Brooker, Timeouts, retries and backoff with jitter",
        2019,
        "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
    ),
    Source("gRPC, Deadlines", 2025, "https://grpc.io/docs/guides/deadlines"),
)
