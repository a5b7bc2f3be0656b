"""Three replicas keep a store, so that one may fail. What fails first is what was written for that moment.

**Clarify.** What is the steady state? Here: the answers could have come from one store without replicas, and whoever
asks a replica that is well is answered while at most one other is not, and after all faults. Which faults? A killed
process, one that stands still, a slow way, a cut, a clock that is behind, a full disk. A disk that is full is no
excuse: the other two have room. Half of the clients are another program's: they know the replicas and their lines of
JSON (`others.py`), not the library of the first.

**Estimate.** Two of three have to answer. One that is cut off takes its own clients with it, a third of all: in a
run of seven and a half seconds, two of them cut, {spare:.0%} of the requests are answered. Where all three have to
answer it is {all:.0%}.

**Design.** The naive store asks all three, and its error handlers have never run. The answer that one hears is a
spare: two of three are enough. That survives a kill, and nothing that leads into the handler that is wrong. The
third store is the second one after each of its handlers was made to run.

**Deep dive: ten handlers.** The ten in `bugs.py` are of the kinds that Yuan and others found: empty, log only,
catches all and aborts, not finished; and retries without end, gives up, clears away half, tells the client something
else. Two disks fill together, as disks do that hold the same; a write is done on one replica and refused by two, and
one handler for all errors says that it certainly was not done. Then somebody reads it. The right answer is that
nobody knows. Where a disk was full once and the log is never opened again nothing is to be seen, until another
replica is away. A replica that ends itself because its neighbour is away at its start takes the spare with it.

**Deep dive: search.** `python -m windtunnel.catalogue.scale.chaos.search` goes through schedules of faults, those of
one first and then those of two. Six of the ten bugs show under one of 54 faults, the others need two; killing one
process shows none of the ten, and killing two shows one. Drawing schedules by lot finds most of them as soon, since
one schedule in a few shows them; going through all of them ends, and finds the smallest first. One bug shows under
none of 1,485 with the luck of two seeds, and under some with that of the third: reads of a majority repair what they
find. A run in which the right replica enters no handler is the same run, to the byte, for a replica in which that
handler is wrong, so most runs need not be made.

**Deep dive: real processes.** The same lines run as three processes, killed by `kill -9`, stopped by `SIGSTOP`, cut
and slowed by a relay, each with a disk of a megabyte that is really full. In a trial seven of the ten showed. One of
them showed without any fault: processes never start at the same moment, so whoever starts first finds no neighbour.
Of the other three one needs a wrong clock; one needs luck; and where a caller has gone the tunnel said reset and the
kernel end of file, so that the handler was not entered.

**Deep dive: look.** `python -m windtunnel.catalogue.scale.chaos.aspirator FILE` looks for such handlers in any
Python program, as their checker does for Java. Six of the ten are empty, log only, abort or say TODO, and it finds
five of them: the sixth handles its error in an `if`. What a handler forgets it cannot see, and in the right replica it
suspects one handler that is meant to be empty.

**Real systems.** Yuan and others read 198 failures of Cassandra, HBase, HDFS, MapReduce and Redis: 92 % of the 48
catastrophic ones were errors that the software had signalled and then handled wrongly. Of all 198, 77 % needed more
than one event, 90 % no more than three; 98 % showed on three nodes or fewer. Another 77 % is the share of failures
that a unit test can reproduce. We chose our ten, so their shares say nothing about yours. Netflix kills real
instances in production: that tests the handlers that a kill leads into, and says nothing of the rest.

**Left open.** Loss of power (a killed process leaves what it wrote); disks that lie; three faults; bugs outside of
error handlers; how often each fault happens. A majority that is well is assumed throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Fault, Op, Stage, Why, param
from windtunnel.catalogue.scale.chaos.bugs import BUGS
from windtunnel.catalogue.scale.chaos.claims import (
    CLAIMS,
    DEMANDS,
    ENOUGH,
    FIGURES,
    SAID_NO,
    SOURCES,
    STARTS,
    share_answered,
)
from windtunnel.catalogue.scale.chaos.judging import (
    NONE,
    audit,
    last_s,
    measure,
    space_time,
    strikes,
)
from windtunnel.catalogue.scale.chaos.others import Others, shared
from windtunnel.catalogue.scale.chaos.replica import Replica
from windtunnel.catalogue.scale.chaos.trial import DISTURBS, KINDS, PORT, REPLICAS, Door, Room, requests_until


@dataclass(frozen=True)
class Params:
    """Which handler is wrong, and what goes wrong with which replica when."""

    bug: str = param("says_no", "the handler that is wrong where handlers are untested", choices=tuple(BUGS))
    first: str = param("full", "what befalls replica 0 after a second", choices=(NONE, *KINDS))
    second: str = param("full", "what goes wrong later", choices=(NONE, *KINDS))
    apart: int = param(1, "which replica that befalls", 0, len(REPLICAS) - 1)
    later_s: float = param(0.0, "seconds from the beginning of the first fault to that of the second", 0.0, 5.0)
    third: str = param(NONE, "what befalls replica 2 at last, while 0 and 1 start over", choices=(NONE, *DISTURBS))
    for_s: float = param(2.0, "seconds for which a fault lasts", 0.1, 4.0)
    keys: int = param(6, "keys that clients ask for", 1, 20)


__doc__ = (__doc__ or "").format(spare=share_answered(1), all=share_answered(3))


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`put(replica, key, value)` and `get(replica, key)`: six clients, two to a replica, each once a second.

    One of the two belongs to another program, `beside(replica, "put" or "get", ...)`.
    """
    return shared(requests_until(last_s(p), luck, p.keys), luck)


def faults(p: Params) -> Sequence[Fault]:
    """One or two, each of some seconds."""
    return tuple(strike.fault() for strike in strikes(p))


class Tested:
    """Two of three replicas are enough, and each error handler was made to run before it was needed."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.addresses = [(f"replica {i}", PORT) for i in REPLICAS]
        self.doors = [Door(address) for address in self.addresses]
        self.made: list[Replica] = []
        for i in REPLICAS:
            host = stage.host(f"replica {i}")
            stage.add(f"disk {i}", Room(host))
            host.start(self.main, i)

    def replica(self, me: int) -> Replica:
        """One of the three, as it starts; it knows its number, all addresses, and the folder of its log."""
        return Replica(me, self.addresses, "/store")

    async def main(self, me: int) -> None:
        self.made.append(self.replica(me))
        await self.made[-1].run()

    async def put(self, replica: int, key: str, value: int) -> None:
        await self.doors[replica].ask("put", key, value)

    async def get(self, replica: int, key: str) -> int | None:
        found: int | None = await self.doors[replica].ask("get", key)
        return found

    def report(self) -> Mapping[str, object]:
        entered = sum(sum(one.errors.values()) for one in self.made)
        return {"entered": entered, "calls": sum(one.calls for one in self.made)}


class Spare(Tested):
    """Two of three replicas are enough, so one may fail; its error handlers have never run, and one is wrong."""

    def replica(self, me: int) -> Replica:
        return BUGS[self.p.bug](me, self.addresses, "/store")


class Untested(Spare):
    """All three replicas have to answer; error handlers have never run, and one is wrong."""

    def replica(self, me: int) -> Replica:
        found = super().replica(me)
        found.needed = len(REPLICAS)
        return found


experiment = Experiment(
    title="Chaos",
    question="A store of three replicas survives the loss of one: what does it not survive?",
    params=Params,
    workload=workload,
    designs={"untested": Untested, "spare": Spare, "tested": Tested},
    others=Others,
    faults=faults,
    measure=measure,
    audit=audit,
    seeds=6,
    shows=("answered_share",),
    charts=(Chart("Who was told what", "who", "second", space_time, kind="space-time"),),
    asks=(
        Ask(
            "Two of three disks are full for two seconds. What share of requests is answered?",
            "tested.answered_share",
            "of the requests",
            0,
            1,
        ),
        Ask("How often are error handlers entered meanwhile?", "tested.entered", "times", 0, 100),
    ),
    why=(
        Why(
            "An error handler runs when something goes wrong, and so it has never run.",
            "untested.steady == 1 and untested.entered == 0",
        ),
        Why("A spare replica is of use to whoever gets as far as asking it.", ENOUGH),
        Why(
            "Between done and not done there is a third answer; one handler for all errors does not give it.",
            SAID_NO,
        ),
        Why("A handler that ends its process takes away the spare.", STARTS),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "A majority has not answered. Is it certain that nothing was written?",
        "For each error: who is told, what is cleared away, who is asked in its place, and what has to be asked again?",
        "Let every handler run once: a disk that has room again, a neighbour away at the start, a late answer.",
    ),
    sources=SOURCES,
    quick={},
)
