"""What is claimed of the designs, what is demanded of a challenger's, and the numbers that counting gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from windtunnel import Claim, Figure, Source
from windtunnel.catalogue.scale.saga.episodes import KINDS, chosen
from windtunnel.catalogue.scale.saga.world import SERVICES

SAGAS = Source(
    "H. Garcia-Molina, K. Salem, Sagas, SIGMOD",
    1987,
    "https://www.cs.princeton.edu/research/techreps/TR-070-87",
)
PAXOS = Source("J. Gray, L. Lamport, Consensus on Transaction Commit", 2006, "https://arxiv.org/abs/cs/0408036")
TEMPORAL = Source("Temporal documentation: Saga pattern", 2026, "https://docs.temporal.io/design-patterns/saga-pattern")
PIVOT = Source(
    "C. Richardson, Microservices Patterns, second edition: pivot transaction",
    2025,
    "https://livebook.manning.com/learn/concepts/pivot-transaction--pattern/microservices-patterns-second-edition",
)
POSTGRES = Source(
    "PostgreSQL documentation: PREPARE TRANSACTION",
    2026,
    "https://www.postgresql.org/docs/current/sql-prepare-transaction.html",
)
SOURCES = (SAGAS, PAXOS, TEMPORAL, PIVOT, POSTGRES)

SIM = ("sim",)
"""Where nothing else takes time, and power can be lost: on real engines what is timed is a busy machine as well, and
what dies is a process, which leaves what it has written."""
STEPS = len(SERVICES)
REFUSED = (2, 3)
"""At which step the orders are refused that cannot be carried out; the third kind of order is not refused."""


def places(refused: int = 0) -> int:
    """Of a coordinator without a disk: before each message, before each answer, and before the client is told."""
    messages = 2 * refused - 1 if refused else STEPS  # the steps, and those before the refused one undone
    return 2 * messages + 1


def torn(refused: int = 0) -> int:
    """After how many of them an order is done by half, where nobody asks again."""
    return 4 * (refused - 1) if refused else 2 * (STEPS - 1)


def torn_if_asked(refused: int = 0) -> int:
    """And where the client asks again: what was done once finds no second piece, or is done twice."""
    return 4 * (refused - 1) if refused else 2 * STEPS


def noted(refused: int = 0) -> tuple[int, int]:
    """Of a coordinator that notes each step behind it: its places, and those between an effect and its note.

    A note is two places, its write and its sync; a step or an undo is four with its message and its answer. A charge
    that is undone a second time finds nothing to undo, and a step that is refused has no effect.
    """
    steps = refused or STEPS
    undone = refused - 1 if refused else 0
    effects = (refused - 1) + min(undone, 1) if refused else STEPS
    return 2 + 4 * steps + 4 * undone + 2 + 1, 3 * effects


def held(refused: int = 0) -> tuple[int, int]:
    """Of two phases: the places, and those before which the piece is held and not yet given back.

    The piece is held from the first message on, until the first message of the second round.
    """
    decision = 0 if refused else 2
    return 2 + 2 * STEPS + decision + 2 * STEPS + 2 + 1, 2 * STEPS + decision


def gaps(refused: int = 0) -> list[int]:
    """Of a coordinator that notes each step behind it: the places between an effect and its note."""
    effects = [*range(refused - 1), 2 * refused - 2] if refused else range(STEPS)
    return [4 + 4 * effect + i for effect in effects for i in range(3)]


ALL = (0, *REFUSED)
"""At which step each kind of order is refused."""


def share(bad: Callable[[int], Sequence[int]], many: Callable[[int], int], every: int = 1) -> float:
    """Of the places of all orders, or a part of them, the share that is bad."""
    tried = {r: chosen(kind, many(r), every) for kind, r in zip(KINDS, ALL, strict=True)}
    return sum(place in bad(r) for r, places in tried.items() for place in places) / sum(map(len, tried.values()))


def left(every: int = 1) -> float:
    """Where nobody asks again: from the first message on, until the last step is sent for, or the last undo."""
    return share(lambda r: range(2, 2 + torn(r)), places, every)


def asked(every: int = 1) -> float:
    """Where the client asks again."""
    return share(lambda r: range(2, 2 + torn_if_asked(r)), places, every)


def between(every: int = 1) -> float:
    """Between an effect and its note."""
    return share(gaps, lambda r: noted(r)[0], every)


def while_held(every: int = 1) -> float:
    """While two phases hold the piece."""
    return share(lambda r: range(4, 4 + held(r)[1]), lambda r: held(r)[0], every)


def gone_on_with(good: Sequence[int], many: int, every: int) -> float:
    """Of the places of an order that can be carried out, or a part of them, the share after which it is."""
    tried = chosen("goes", many, every)
    return sum(place in good for place in tried) / len(tried)


def resumed(every: int = 1) -> float:
    """With a note and keys: from where its beginning is on the disk and its first message goes out before others'."""
    return gone_on_with(range(4, noted()[0] + 1), noted()[0], every)


def behind_notes(every: int = 1) -> float:
    """With notes alone: of these places those that are not between an effect and its note."""
    return gone_on_with([place for place in range(4, noted()[0] + 1) if place not in gaps()], noted()[0], every)


def decided(every: int = 1) -> float:
    """Of two phases: from where the decision is on the disk."""
    return gone_on_with(range(5 + 2 * STEPS, held()[0] + 1), held()[0], every)


MOST_EVERY = 4
"""Of so many places one is tried at the least."""


def exactly(measured: str, theory: Callable[[int], float]) -> str:
    """It is just what theory says of the places that are tried."""
    ways = (f"params.every == {n} and abs({measured} - {theory(n):.6f}) < 0.001" for n in range(1, MOST_EVERY + 1))
    return " or ".join(ways)


LEFT, ASKED, NOTED, HELD = left(), asked(), between(), while_held()

KILLED = {"places": 30, "every": 1, "clients": "leave", "copies": 0, "again": 0, "dies": "power"}
PLAIN = {"clients": "leave", "copies": 0, "messages": 0, "again": 0, "dies": "power"}
CALM = {**PLAIN, "places": 0}
ASK = {**PLAIN, "places": 30, "clients": "ask"}
DOUBLED = {**ASK, "copies": 1}
FEW = {**DOUBLED, "places": 10}
LATE = {**PLAIN, "places": 0, "messages": 4, "every": 2}
SHORT = {**PLAIN, "places": 12, "down_s": 1.0, "patience_s": 0.3}
EVERY = "places >= 25"
"""No order has more places where no copies come."""
ONCE = f"{EVERY} and again == 0 and clients == 'leave'"
SEEN = f"{ONCE} and down_s >= 0.2"
WAITS = f"{SEEN} and patience_s >= down_s + 0.5"

HALF = exactly("in_memory.left", left)
WHOLE = (
    "max(two_phase.broken, durable_saga.broken, money_first.broken) == 0"
    " and min(two_phase.killed, durable_saga.killed, money_first.killed) > 50 / params.every - 2"
)
BLOCKS = "params.down_s <= two_phase.waits_s < params.down_s + 0.05"
FREE = "max(durable_saga.waits_s, in_memory.waits_s) < 0.1 and durable_saga.blocked == 0"
LATER = "money_first.hasty < 0.5 * durable_saga.hasty and money_first.broken == 0 and money_first.blocked == 0"
HASTY = "durable_saga.hasty > 0.3 and two_phase.hasty == 0"
NOTES = exactly("logged.left", between)
KEYS = "idempotent.asked == 0 and idempotent.killed > 20 / params.every"

CLAIMS = (
    Claim(
        HALF,
        "Between its first effect and its last nobody but the memory knows that an order is under way.",
        breaks="in_memory",
        where=ONCE,
    ),
    Claim(
        "in_memory.asked > 0.6",
        "Who asks again has it done again, beside what is there.",
        given=ASK,
    ),
    Claim(
        "in_memory.asked == 1 and logged.asked == 1",
        "Where each message comes twice, each order is done twice in some step, wherever anybody dies.",
        given=DOUBLED,
    ),
    Claim(
        "min(in_memory.late, logged.late) > 0.2",
        "No answer in time does not mean that nothing was done.",
        given=LATE,
    ),
    Claim(
        KEYS,
        "Keys make it harmless to ask again, and to be asked twice: a client who asks until he hears is enough.",
        given=DOUBLED,
    ),
    Claim(
        "max(two_phase.asked, durable_saga.asked) == 0",
        "Two phases and the saga have them too, each in its way.",
        given=FEW,
    ),
    Claim(
        "idempotent.left > 0.5",
        "But somebody has to ask, and a client who has gone does not.",
        where=ONCE,
    ),
    Claim(
        NOTES,
        "A note behind the step is lost between the two: the step is done again, and its service does not know it.",
        where=f"{ONCE} and dies == 'power'",
        stages=SIM,
    ),
    Claim(
        exactly("durable_saga.goes_on", resumed),
        "What is written down is gone on with, whoever asks.",
        where=SEEN,
    ),
    Claim(
        exactly("logged.goes_on", behind_notes),
        "Also behind a note alone, as long as nothing is done that is not noted.",
        where=f"{SEEN} and dies == 'power'",
        stages=SIM,
    ),
    Claim(
        exactly("two_phase.goes_on", decided),
        "Two phases give up what was not yet decided.",
        where=f"{SEEN} and dies == 'power'",
        stages=SIM,
    ),
    Claim(
        WHOLE,
        "All or nothing at every place, and nobody is told what is not so.",
        SAGAS.title,
        where=EVERY,
    ),
    Claim(
        "max(two_phase.late, durable_saga.late, idempotent.late) == 0",
        "Also where a message comes when all is over, or answers are lost for half a second.",
        given=LATE,
    ),
    Claim(
        BLOCKS,
        "Who has said yes to two phases may not go back, and holds the piece until the coordinator is there again.",
        PAXOS.title,
        where=WAITS,
        stages=SIM,
    ),
    Claim(
        exactly("two_phase.blocked", while_held),
        "From the first message to the first of the second round: there somebody else waits.",
        where=WAITS,
        stages=SIM,
    ),
    Claim(FREE, "A saga holds nothing between its steps, so nobody waits for it.", SAGAS.title, where=SEEN, stages=SIM),
    Claim(
        HASTY,
        "The price: what it will give back counts as taken until then, and somebody is told that nothing is left.",
        SAGAS.title,
        where=WAITS,
    ),
    Claim(
        LATER,
        "Who cannot pay is refused before he takes the piece: nothing of it is given back, and nobody else sees it.",
        where=WAITS,
    ),
    Claim(
        "money_first.hasty > 0.1 and money_first.syncs == durable_saga.syncs",
        "The same notes; and where the parcel is refused, which has no way back and comes last, the price stays.",
        PIVOT.title,
        where=WAITS,
    ),
    Claim(
        "two_phase.hasty > 0.2 and two_phase.broken == 0 and two_phase.waits_s < params.down_s",
        "A limit of time on votes does not help: whoever waits is sent away instead.",
        given=SHORT,
        stages=SIM,
    ),
    Claim(
        f"two_phase.messages == {4 * STEPS} and durable_saga.messages == {2 * STEPS}",
        "Two rounds there and back for each service, and one.",
    ),
    Claim(
        "durable_saga.order_ms > two_phase.order_ms + 2 and durable_saga.syncs > two_phase.syncs",
        "But its steps come one after the other, each with its note, while two phases ask all at once.",
        stages=SIM,
    ),
    Claim(
        "in_memory.broken == 0 and in_memory.lies == 0 and in_memory.money == 0",
        "While nobody dies and each message comes once, to compensate on an exception is enough.",
        given=CALM,
        spares="in_memory",
    ),
    Claim(
        f"max(in_memory.untold, idempotent.untold, logged.untold, two_phase.untold, durable_saga.untold) == 0"
        f" and logged.syncs == {STEPS + 2} and two_phase.syncs == 3",
        "Then everybody is told, and what is written down is the beginning, each step and the end; or the decision.",
        given=CALM,
    ),
    Claim(
        f"in_memory.syncs == 0 and durable_saga.syncs == {STEPS + 2}"
        " and in_memory.order_ms < durable_saga.order_ms - 4",
        "And it is faster by all the notes that it does not write.",
        given=CALM,
        stages=SIM,
        spares="in_memory",
    ),
)

TWICE = {**ASK, "every": 1, "places": 8, "copies": 2, "messages": 6}
SOME = {**ASK, "every": 1, "places": 4, "copies": 1, "messages": 2}
AGAIN = {**PLAIN, "every": 1, "places": 6, "again": 7}
"""To open a log again has four places: the second death comes in the midst of what is done then."""
PROCESS = {**PLAIN, "every": 1, "places": 6, "again": 6, "dies": "process"}
DEMANDS = (
    Claim("yours.torn == 0", "All of an order, or nothing, at whatever place it dies.", always=True),
    Claim("yours.lies == 0", "Nobody is told what is not so, whatever else fails.", given=SOME, always=True),
    Claim("yours.money == 0", "What was paid is the price of what was sent.", given=SOME, always=True),
    Claim("yours.torn == 0", "Also where each message comes twice, or late.", given=TWICE),
    Claim("yours.torn == 0", "Also where it dies again.", given=AGAIN),
    Claim("yours.torn == 0", "Also where its process alone dies, and what was written stays.", given=PROCESS),
    Claim("yours.lies == 0", "Nor is anybody where messages come twice, or late.", given=TWICE),
    Claim("yours.stuck == 0", "Everybody is told, and nothing stays taken for nobody.", given=TWICE),
    Claim("yours.stuck == 0", "Also where nobody asks again, and it dies twice.", given=AGAIN),
    Claim("yours.stuck == 0", "Also where its process alone dies twice.", given=PROCESS),
    Claim("yours.unserved == 0", "Where nobody dies and answers come each order that can be is done.", given=TWICE),
    Claim("yours.blocked == 0", "Nobody waits for a machine that is dead, but who asked it."),
    Claim("yours.messages <= 12", "A service is asked once or twice."),
    Claim("yours.order_ms < 30", "An order takes no longer than its steps and notes."),
)

FIGURES = (
    Figure(
        "places that leave an order half done, in memory",
        LEFT,
        "in_memory.left",
        0.001,
        "D",
        "(4 + 4 + 8) of (7 + 7 + 11) places: three steps; refused at none, the second, the third; nobody asks again",
        given=KILLED,
    ),
    Figure(
        "the same, where the client asks again",
        ASKED,
        "in_memory.asked",
        0.001,
        "D",
        "(6 + 4 + 8) of (7 + 7 + 11) places; there is one piece",
        given=ASK,
    ),
    Figure(
        "places between an effect and its note",
        NOTED,
        "logged.left",
        0.001,
        "D",
        "before the answer, before the note and before its sync: three of the four places of each step and each undo "
        "that has an effect, (9 + 6 + 9) of (17 + 17 + 25)",
        given=KILLED,
    ),
    Figure(
        "places at which two phases hold the piece",
        HELD,
        "two_phase.blocked",
        0.001,
        "D",
        "(8 + 6 + 6) of (19 + 17 + 17) places, from the first message to the first of the second round",
        given=KILLED,
    ),
    Figure(
        "messages of two phases",
        4.0 * STEPS,
        "two_phase.messages",
        0.001,
        "D",
        "four for each service: asked, voted, told, acknowledged; not the square of their number",
        given=CALM,
    ),
    Figure(
        "messages of a saga that goes through",
        2.0 * STEPS,
        "durable_saga.messages",
        0.001,
        "D",
        "two for each step",
        given=CALM,
    ),
)
