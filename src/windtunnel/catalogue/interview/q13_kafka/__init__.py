"""Keep records of which a producer was told, in order, once, for whoever reads them; and say yes at the right moment.

**Clarify.** May a record be lost of which the producer was told? When one server dies, loses its power, or its disk
for good? May it come twice? Which order do readers need, and does somebody come later who wants to read all of it?

**Estimate.** With three replicas each byte of a producer crosses between servers {copies:.0f} times more. To be told
with acks=all takes {trips:.0f} trips, {told:.0f} ms where one takes {trip:.1f}; with acks=1 half of it. One after the
other a producer has {rate:.0f} batches a second told so, whatever is in them.

**Design.** A list in memory is fast, and gone with its process. A queue on a disk that deletes what it hands out loses
what a reader had in hand. A log deletes nothing: readers have offsets, note how far they are, and who comes later
reads all. Synced, on one disk, it loses nothing when a process or a machine dies, and nobody is served until that is
back; with the disk it is all gone. So three servers have it.

**Deep dive: whom to wait for.** With acks=0 a producer goes on sending to a leader that is not there. With acks=1 it
was told of records that no other server had yet; and a leader that is cut off from the others, and not from its
clients, goes on saying yes, then cuts that off when it is back. With acks=all it says yes when all that are in sync
have it. What is lost then is what somebody chose: one in sync as the minimum, and the leader says yes alone; a leader
that was out of sync, and the others cut off what it never had; no fsync, and all lose their power at once.

**Deep dive: once, and by one.** Who was not told sends again; without numbers the record stands twice, with a
producer's name and numbers the next leader knows it too. A member that stood still past its session is refused when it
goes on, since the group is a generation further. What a member had in hand when it died is handed out again.

**Scale.** A batch costs its trips once, and its fsync once. More partitions are more producers and readers side by
side, each with an order of its own; that is not measured here.

**Real systems.** Kafka leaves fsync to the operating system and trusts replicas. Since 4.0 its high watermark stands
still while fewer are in sync than the minimum, and who left then is eligible to lead (KIP-966); so it is here.

**Left open.** The controller is one machine that nothing befalls: who leads is another experiment (election).
Transactions, tiered storage, cooperative rebalancing. Kafka's own rates, and those of disks, stand in the figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.interview.q13_kafka.board import BOARD
from windtunnel.catalogue.interview.q13_kafka.claims import (
    AHEAD,
    BATCHED,
    CLAIMS,
    COSTS,
    DARK,
    DEMANDS,
    DISK,
    FENCED,
    FEW,
    FIGURES,
    IN_HAND,
    LOST_LIST,
    NOBODY,
    SAFE,
    SOURCES,
    TWICE,
    WAITS,
    ZOMBIE,
)
from windtunnel.catalogue.interview.q13_kafka.designs import (
    GIVEN as GIVEN,
    DeletingQueue,
    Design as Design,
    ListInMemory,
)
from windtunnel.catalogue.interview.q13_kafka.episodes import episodes
from windtunnel.catalogue.interview.q13_kafka.judging import by_kind, matrix, measure, throughput
from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll, AcksLeader, AcksNobody, OneLog
from windtunnel.catalogue.interview.q13_kafka.machines import (
    PARTITIONS as PARTITIONS,
    Desk as Desk,
    Given as Given,
)
from windtunnel.catalogue.interview.q13_kafka.rig import Rig


@dataclass(frozen=True)
class Params:
    """Which episodes are tried, and how the log is kept."""

    places: int = param(4, "places at which each trouble is tried", 0, 8)
    every: int = param(8, "so many things that a leader does lie between two of them", 1, 12)
    readers: int = param(2, "records at which a member of the group dies, or stands still", 0, 4)
    next: int = param(0, "places at which a second trouble meets what the first has left", 0, 4)
    drawn: int = param(0, "episodes with up to three troubles that are drawn by lot", 0, 12)
    batches: int = param(4, "batches of each of the two producers in an episode", 1, 5)
    records: int = param(2, "records in a batch", 1, 16)
    long: int = param(40, "batches of each in a long episode in which nothing goes wrong", 0, 60)
    pours: int = param(1, "1: measure records a second by the size of batches, 2: by that of the crowd too", 0, 2)
    min_in_sync: int = param(2, "servers that have to be in sync, else nothing is taken that all should have", 1, 3)
    unclean: int = param(0, "1: where nobody leads who was in sync, any server may", 0, 1)
    flush: Literal["never", "each"] = param(
        "never",
        "when replicas call fsync: never, or for each batch",
        choices=("never", "each"),
    )


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`episode(number, kind, strikes, reads, batches, records, flush, producers)`: one after the other."""
    for number, kind, strikes, *rest in episodes(p, luck):
        yield Op(0.0, "clients", "episode", (number, kind, tuple(map(tuple, strikes)), *rest), think_s=0.0)


__doc__ = (__doc__ or "").format(copies=3 - 1, trips=4, trip=0.5, told=4 * 0.5, rate=1000 / (4 * 0.5))

experiment = Experiment(
    title="A log with replicas",
    question="Servers die, stand still, are cut off: what is lost of what producers were told, and what does it cost?",
    params=Params,
    workload=workload,
    designs={
        "list_in_memory": ListInMemory,
        "deleting_queue": DeletingQueue,
        "one_log": OneLog,
        "acks_nobody": AcksNobody,
        "acks_leader": AcksLeader,
        "acks_all": AcksAll,
    },
    measure=measure,
    rig=Rig,
    board=BOARD,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart(
            "Lost, of what a producer was told",
            "place at which it happened, in things that leaders did",
            "0 dies, 1 power, 2 disk, 3 stands, 4 cut off, 5 all power, 6 others lag, 7 they die, 8 one was away",
            matrix,
            kind="misses",
        ),
        Chart("Of 100 places, those at which something told is lost", "what happens", "of 100", by_kind, kind="bars"),
        Chart("Records told a second", "records in a batch", "records/s", throughput, log="xy"),
    ),
    asks=(
        Ask(
            "The leader of three is cut off from the others, and not from clients. A producer waits for the leader "
            "alone (acks=1). At how many of 100 places is something lost of which it was told?",
            "100 * acks_leader.gone_cut",
            "of 100",
            0,
            100,
        ),
        Ask(
            "It waits for all in sync, two at least (acks=all), nothing is synced, and one machine loses its power. At "
            "how many of 100 places now?",
            "100 * acks_all.gone_power",
            "of 100",
            0,
            100,
        ),
        Ask("And where all three lose their power at once?", "100 * acks_all.gone_all", "of 100", 0, 100),
        Ask(
            "How many times as long does a producer wait with acks=all as with acks=1?",
            "acks_all.told_ms / acks_leader.told_ms",
            "times",
            1,
            10,
        ),
        Ask(
            "The leader dies, and comes back after 300 ms. For how long does a producer wait, of three servers with "
            "acks=all?",
            "acks_all.waits_ms",
            "ms",
            1,
            1000,
            log=True,
        ),
    ),
    why=(
        Why("What is in memory alone dies with it.", LOST_LIST),
        Why("What was deleted when it was handed out nobody has.", IN_HAND),
        Why("One server is back when it is back.", WAITS),
        Why("And its disk is the only one.", DISK),
        Why("Who waits for nobody is told by nobody.", NOBODY),
        Why("A leader is ahead of the others by what it has just said yes to.", AHEAD),
        Why("Who leads no more is the last to know.", ZOMBIE),
        Why("What all in sync have, the next leader has.", SAFE),
        Why("Replicas are no fsync where all die at once.", DARK),
        Why("A number makes a second try the same as the first.", TWICE),
        Why("A generation further, and the zombie is refused.", FENCED),
        Why("To wait for others costs their trips.", COSTS),
        Why("A batch waits once.", BATCHED),
    ),
    maps=(Map("acks_all.gone_all > 0", "every", x_range=(1, 12), given={**FEW, "places": 1}),),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "The leader has written a record, said yes, and dies. Who has it? Say yes when the others in sync have it, "
        "which they say with their next question.",
        "A server that comes back may have what its new leader never had. The epochs of leaders say where their logs "
        "part: cut there, not elsewhere.",
        "Who was not told sends again. The next leader has to know the record too: keep a producer's name and numbers "
        "with the batch.",
    ),
    sources=SOURCES,
    stages=("sim",),
    seeds=3,
    quick={"places": 2, "readers": 1, "long": 10},
)
