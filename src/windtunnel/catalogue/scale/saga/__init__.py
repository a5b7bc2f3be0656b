"""An order takes a piece from the stock, money from an account and a parcel: three services, each with its database.

**Clarify.** May an order be seen while it is under way? May somebody else wait for it, and how long? What can be
taken back, and what not (a parcel that was sent)? Does a client ask again who has heard nothing, or has he gone?

**Estimate.** To take three steps is three messages. Before each message, each answer, and before the client is told,
the coordinator may die: {goes} places in an order that goes through, {broke} in one that is refused at the second
step and undone, {heavy} in one that is refused at the third. At {torn} of these {places} some steps stand and others
do not: {left:.0f} of 100. Where each of three steps is refused for one order in five, {done:.0f} of 100 orders go
through, and {undone:.2f} steps are undone for each order.

**Design.** Take the steps, and on an exception undo those that were taken. While nobody dies and each message comes
once that is enough, without a note. But what has been done is known to the memory alone.

**Deep dive: ask again.** With a key for each step, noted in the transaction of its effect, a service does it once,
and the client may ask again until he hears. Then all is well, at every place, with every message doubled. Of the
client who has gone nobody knows, and his order stays as it is.

**Deep dive: a log.** So the coordinator writes each step down when it is done, and goes on from there. Between the
effect and its note is a gap: three of the four places of a step, and whoever dies there does the step again. A note
before the step would leave a gap too: was it done? No order of the two closes it. A key does.

**Deep dive: two phases.** All services are asked whether they can; who says yes holds the row, and may not go back.
Then the decision is written down, and told. It is all or nothing, nobody is told of what will be taken back, and it
takes {four} messages for each service. Who wants a row that is held waits, and while the coordinator is dead he waits
for as long as that lasts. A limit on the wait sends him away instead.

**Deep dive: a saga.** The log and the keys together: steps that are noted, done once a key, and undone in turn; a
step that has no way back comes last, and is asked again until it is known. A message to do a step may come after the
one which undoes it: to undo takes the key, so that it is never done. Nothing is held between the steps, so nobody
waits. But what will be given back counts as taken until then: somebody is told that nothing is left, and it was not
so. How often depends on the order of the steps: where the money comes before the piece, who cannot pay never takes
one. What others want is taken late, behind all that may be refused and can be given back unseen.

**Scale.** Each service is told twice by two phases and once by a saga that goes through. This saga's steps come one
after the other, each with its note, so an order takes longer; the rows of two phases are held for two rounds.

**Real systems.** Sagas were proposed for transactions that would hold what others need for long (Garcia-Molina and
Salem). Temporal writes down each step, and its pattern undoes in the reverse order. PostgreSQL keeps a prepared
transaction on its disk, with its locks, until somebody ends it, also across a restart. Gray and Lamport let several
coordinators agree on each vote, so that one of them may die.

**Left open.** A coordinator that another one replaces before it is back. A piece that is neither taken nor free but
on hold, of which who comes is told just that. Services that die while they work. What a compensation cannot take
back. Orders that read what others will undo, and act on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.scale.saga.claims import (
    ALL,
    BLOCKS,
    CLAIMS,
    DEMANDS,
    FIGURES,
    FREE,
    HALF,
    HASTY,
    KEYS,
    LATER,
    LEFT,
    MOST_EVERY,
    NOTES,
    PLAIN,
    SOURCES,
    STEPS,
    WHOLE,
    places,
    torn,
)
from windtunnel.catalogue.scale.saga.designs import (
    DurableSaga,
    Idempotent,
    InMemory,
    Logged,
    MoneyFirst,
    Setting as Setting,
    TwoPhase,
)
from windtunnel.catalogue.scale.saga.desk import Desk as Desk
from windtunnel.catalogue.scale.saga.episodes import episodes
from windtunnel.catalogue.scale.saga.judging import matrix, measure, waits
from windtunnel.catalogue.scale.saga.rig import Rig
from windtunnel.catalogue.scale.saga.services import Service as Service
from windtunnel.catalogue.scale.saga.world import SERVICES as SERVICES, Order as Order


@dataclass(frozen=True)
class Params:
    """Which troubles orders meet, and how long they last."""

    places: int = param(30, "places at which the coordinator is killed, as far as an order has so many", 0, 40)
    every: int = param(
        1, "1: each of these places, and each message; 3: a third, of each kind of order others", 1, MOST_EVERY
    )
    clients: Literal["leave", "ask"] = param(
        "leave", "what a client does who hears nothing: he has gone, or asks again", choices=("leave", "ask")
    )
    copies: int = param(
        0, "of messages of who asks again; 1: they come when all is over; 2: also at once; 3: also one later; ...", 0, 6
    )
    messages: int = param(6, "so many messages are held back until all is over, and answers lost from as many on", 0, 6)
    again: int = param(0, "the place at which it is killed once more, after it has started again; 0: none", 0, 12)
    down_s: float = param(0.5, "seconds until a machine that died runs again", 0.05, 5.0)
    patience_s: float = param(8.0, "seconds for which two phases wait for a vote", 0.1, 20.0)
    dies: Literal["power", "process"] = param(
        "power",
        "how it dies: by a loss of power, with what was not synced; or its process alone",
        choices=("power", "process"),
    )


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`cut(number)`: an order, with the trouble that has this number; one after the other."""
    for one in episodes(p):
        yield Op(0.0, "who cuts", "cut", (one.number,), think_s=0.0)


SAID = 0.2
__doc__ = (__doc__ or "").format(
    goes=places(),
    broke=places(2),
    heavy=places(3),
    torn=sum(map(torn, ALL)),
    places=sum(map(places, ALL)),
    left=100 * LEFT,
    done=100 * (1 - SAID) ** STEPS,
    undone=sum(SAID * (1 - SAID) ** (step - 1) * (step - 1) for step in range(1, STEPS + 1)),
    four=4,
)

experiment = Experiment(
    title="Saga",
    question="An order takes three services, and who leads it dies on the way: is it done by half?",
    params=Params,
    workload=workload,
    designs={
        "in_memory": InMemory,
        "idempotent": Idempotent,
        "logged": Logged,
        "two_phase": TwoPhase,
        "durable_saga": DurableSaga,
        "money_first": MoneyFirst,
    },
    measure=measure,
    rig=Rig,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Broken", "place at which the coordinator died", "order: goes, no money, too heavy", matrix, kind="heat"),
        Chart("Somebody else waits", "place at which the coordinator died", "seconds", waits),
    ),
    asks=(
        Ask(
            "Three steps, compensated on an exception. The coordinator dies at each of its places in turn. After how "
            "many of 100 is an order done by half?",
            "100 * in_memory.left",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Two phases, and the coordinator is dead for half a second. How long does somebody else wait at most?",
            "1000 * two_phase.waits_s",
            "ms",
            1,
            10_000,
            log=True,
        ),
        Ask(
            "A saga that takes the piece first makes nobody wait. After how many of 100 places is somebody told that "
            "nothing is left, although it will be given back?",
            "100 * durable_saga.hasty",
            "of 100",
            0,
            100,
        ),
    ),
    why=(
        Why("What was done is known to the memory alone, and that is gone.", HALF),
        Why("A key lets a step be asked for again, if somebody asks.", KEYS),
        Why("Between an effect and its note a crash makes it happen twice.", NOTES),
        Why("A note and a key together leave no place.", WHOLE),
        Why("A yes that may not be taken back is held, and others wait.", BLOCKS),
        Why("Steps that are over hold nothing.", FREE),
        Why("But others see them.", HASTY),
        Why("The later they are taken, the more seldom.", LATER),
    ),
    maps=(
        Map(
            "two_phase.hasty > 0.1",
            "patience_s",
            "down_s",
            (0.2, 2.0),
            (0.2, 2.0),
            line="patience_s < down_s",
            given=PLAIN,
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "The machine starts again, and the order is half done. Who knows of it?",
        "A step was taken, and the machine died before it wrote that down. What lets it take the step again?",
        "A message to do a step may come after the one which undoes it. What must the service remember?",
    ),
    sources=SOURCES,
    stages=("sim", "sqlite", "postgres"),
    seeds=6,
    quick={"messages": 0, "every": 4},
)
