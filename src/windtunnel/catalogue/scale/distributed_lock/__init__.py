"""Somebody has the lock, reads a page, works on it and writes it back. Is the lock still theirs when they write?

**Clarify.** Is the lock there so that work is not done twice, or so that nothing is lost? The first may fail now and
then. For how long can a worker stand still, and can the store refuse a text, or does it take whatever comes?

**Estimate.** A lock is lent for {lease:.0f} s, since who has it may die. Work takes {work:.0f} s. Of 100,000 edits
1 % stop, exponentially, for {stop:.0f} s on average. When the lease is over the next one has the lock, {work:.0f} s
later its text is stored: {acquired:.0f} come back after the first, {written:.0f} after the second, and write over it.

**Design.** A key that expires (`SET NX PX`), deleted when the work is done. A delete that was held up deletes the lock
of whoever has it by then, so the key holds whose it is, and the server compares before it deletes. That protects the
lock. The page is not protected: who comes back after the lease writes over the next one's text all the same.

**Deep dive: look before you write.** A worker that was stopped at work can look at its clock and write nothing. What is
held up on its way to the store was sent in time. No lock tells the store so, neither one server's nor that of five.

**Deep dive: five servers.** Redlock has the lock where three of five say so. One may be out of reach and edits go on. A
server that dies and is back at once has forgotten, and two clients have three of five; so have they where a clock
jumps. It may stay away for longer than a lease, or answer when it is on its disk. For texts that come late it does
nothing.

**Deep dive: the fence.** Each lock comes with a number, higher than the last, and the store takes no lower one than it
has. Nobody then writes over a later one's text. But until the next one has written the old text is taken, and then that
of the next one, who had read before: of 100,000 edits {between:.0f} are told done and lost. So the token has to be
shown when one reads. Write yours into the page, read it, and have your text taken only while the token stands. It needs
no order, and no server that remembers. Numbers out of a memory begin again after a restart, and the store refuses all.

**Scale.** A store that can do that needs no lock in order to lose nothing: take the text where the page has the version
that was read. Without a lock two work on the same page, one of them for nothing; where that is rare it is the better
design. What the lock is good for is work. The fence leaves two at work and takes one text, so somebody is refused. Nor
does such a store need lock servers: the page's row holds who has it and until when, taken and read in one step, given
back with the text in another. A lock server is asked more and answers later, and no restart of one lets two work here.

**Real systems.** Redis' own page asks for fencing tokens, and says that its clock may jump. Its author gave Redlock the
check that is last here. Chubby's sequencers and the revisions of etcd and ZooKeeper are numbers for a fence; where a
server cannot check, Chubby keeps a lock that was lost from everybody for a while, a minute at most. Behind locks of
etcd 3.4.3 Jepsen lost 18 % of the updates. Five real Valkeys that are stopped and killed give the same verdicts here.

**Left open.** A store that cannot compare; a fence across two stores; who pays twice because a mail went out; locks
that are renewed; a lock service with consensus, which forgets nothing and whose leases end all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Op, Why, crash, param, pause, skew, split
from windtunnel.catalogue.scale.distributed_lock.claims import (
    ARRIVES,
    BOTH,
    BREAKS,
    CLAIMS,
    DEMANDS,
    FIGURES,
    FORGETS,
    NEARER,
    SOURCES,
    WASTE,
    WRITES_ALONE,
    late_each,
)
from windtunnel.catalogue.scale.distributed_lock.designs import (
    ASK_S as ASK_S,
    Deletes,
    Fenced as Fenced,
    InTheRow,
    InTime,
    Lease as Lease,
    Numbered as Numbered,
    Redlock as Redlock,
    Versioned as Versioned,
    key as key,
)
from windtunnel.catalogue.scale.distributed_lock.desk import WORKERS, Job as Job, added as added
from windtunnel.catalogue.scale.distributed_lock.judging import audit, costs, first_late, lost_by_stop, measure
from windtunnel.catalogue.scale.distributed_lock.pages import (
    Pages as Pages,
    number_of as number_of,
    server,
    text_of as text_of,
)
from windtunnel.catalogue.scale.distributed_lock.programs import Programs


@dataclass(frozen=True)
class Params:
    """Who edits how often, for how long a lock is lent, who stops, and what happens to the lock servers."""

    edits: int = param(100, "edits in all", 20, 800)
    pages: int = param(5, "pages, each with a lock and eight workers of its own", 1, 20)
    work_s: float = param(1.0, "seconds from having read a page to having its new text", 0.05, 10.0)
    busy: float = param(
        0.75, "edits of a page that are under way at a moment, on average, where nothing stops", 0.05, 0.9
    )
    lease_s: float = param(10.0, "seconds after which a lock runs out that is not given back", 0.5, 60.0)
    stops: float = param(0.2, "share of the edits that are stopped", 0.0, 0.5)
    stop_s: float = param(8.0, "mean seconds of such a stop, exponential", 0.05, 60.0)
    strikes: Literal["the worker", "the start", "the way"] = param(
        "the worker",
        "what stops: the worker, in the midst of its work, or within 5 ms of the start of the request; or what it "
        "sends to the store when it is done",
        choices=("the worker", "the start", "the way"),
    )
    durable: int = param(0, "1: lock servers answer when it is on their disks; 0: a restart forgets everything", 0, 1)
    trouble: Literal["none", "restart", "late restart", "jump", "cut"] = param(
        "none",
        "two of the five lock servers die and come back, and the first one then dies and comes back at once; or after "
        "more than a lease; or its clock jumps ahead by more than a lease; or nobody reaches the first one for a while",
        choices=("none", "restart", "late restart", "jump", "cut"),
    )


def gap_s(p: Params) -> float:
    """Mean seconds between two edits of a page; for stops there is twice the time that they keep a lock."""
    return p.work_s / p.busy + 2 * p.stops * min(p.stop_s, p.lease_s)


def stops_of(p: Params, luck: Random) -> list[float]:
    """For how long each edit stops, seconds: just that share of them, and of each part of the distribution alike many.

    What is left to luck is who stops for how long: so a run of a few hundred says as much as thousands would.
    """
    many = round(p.stops * p.edits)
    found = [-p.stop_s * log(1 - (i + luck.random()) / many) for i in range(many)] + [0.0] * (p.edits - many)
    luck.shuffle(found)
    return found


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`save(number, page, worker, work_s, stops_s, stop_s)`, see `desk.Job`."""
    due = [luck.uniform(0.0, gap_s(p)) for _ in range(p.pages)]
    for number, stop_s in enumerate(stops_of(p, luck), 1):
        page, turn = number % p.pages, number // p.pages
        stops_s = p.work_s * luck.uniform(0.1, 0.9)
        yield Op(due[page], f"job {number}", "save", (number, page, turn % WORKERS, p.work_s, stops_s, stop_s))
        due[page] += gap_s(p) * luck.uniform(0.2, 1.8)


def faults(p: Params) -> Sequence[Fault]:
    """What happens to the lock servers, again and again."""
    if p.trouble == "none":
        return ()
    lease_s, found, forgets = p.lease_s, list[Fault](), p.trouble in ("restart", "jump")
    turn_s = (2.0 if forgets else 3.0) * lease_s
    for turn in range(min(20, max(1, int(p.edits / p.pages * gap_s(p) / turn_s)))):
        at_s = turn * turn_s
        found += [pause(server(i), at_s=at_s + 0.2 * i * lease_s, for_s=0.1 * lease_s) for i in (1, 2)]
        if p.trouble == "cut":
            found.append(split(server(0), at_s=at_s + 0.6 * lease_s, for_s=2.0 * lease_s))
            continue
        found += [crash(server(i), at_s=at_s + 0.6 * lease_s, for_s=1.1 * lease_s) for i in (3, 4)]
        at_s += 1.75 * lease_s
        if p.trouble == "jump":
            found.append(skew(server(0), at_s=at_s, for_s=0.2 * lease_s, by_s=1.1 * lease_s))
        else:
            found.append(crash(server(0), at_s=at_s, for_s=(0.05 if forgets else 1.1) * lease_s))
    return tuple(found)


SAID = Params()
WRITTEN = 1000 * late_each(SAID.lease_s, SAID.work_s, SAID.stop_s)
ACQUIRED = WRITTEN * exp(SAID.work_s / SAID.stop_s)
__doc__ = (__doc__ or "").format(
    lease=SAID.lease_s,
    work=SAID.work_s,
    stop=SAID.stop_s,
    acquired=ACQUIRED,
    written=WRITTEN,
    between=ACQUIRED - WRITTEN,
)

experiment = Experiment(
    title="Distributed lock",
    question="You have the lock, you read, you work: is it still yours when you write, and who would notice?",
    params=Params,
    workload=workload,
    faults=faults,
    designs={
        "deletes": Deletes,
        "lease": Lease,
        "in_time": InTime,
        "redlock": Redlock,
        "numbered": Numbered,
        "versioned": Versioned,
        "fenced": Fenced,
        "in_the_row": InTheRow,
    },
    rig=Programs,
    stages=("sim", "valkey"),
    measure=measure,
    audit=audit,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Late texts by the length of the stop", "seconds that it lasted", "share taken late", lost_by_stop),
        Chart("The first text that came late", "second", "who", first_late, kind="space-time"),
        Chart("What it costs", "commands to lock servers a request", "share of edits lost", costs),
    ),
    asks=(
        Ask(
            "Of 100 edits a fifth is stopped, for 8 s on average, with a lease of 10 s and 1 s of work. How many texts "
            "come after the next holder's, and are written over it?",
            "100 * lease.late",
            "texts",
            0,
            20,
        ),
        Ask(
            "Now the store takes no text with a lower number than it has. How many of 100 edits are told done and are "
            "lost all the same?",
            "100 * numbered.lost",
            "edits",
            0,
            20,
        ),
        Ask(
            "No lock at all, and a text is taken where the page has the version that was read. How often is the work "
            "done for each edit?",
            "versioned.works",
            "times",
            1,
            4,
        ),
    ),
    why=(
        Why("A stopped worker goes on where it was, and the store takes what comes.", BREAKS),
        Why("What is on its way knows of no clock and no lock.", ARRIVES),
        Why("A majority of servers of which one has forgotten is no majority.", FORGETS),
        Why("A number that is shown with the text alone says nothing of what was read.", WRITES_ALONE),
        Why("The store asks in one step whether anybody else has read, or has written, since.", BOTH),
        Why("Without a lock two work on the same page, and one of them for nothing.", WASTE),
        Why("Where the text is the lock can be, and that takes half the commands and no more time.", NEARER),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Your worker stands still for longer than the lease. Which line of yours runs next, and who can stop it?",
        "Only the store sees all texts. What would it have to know, to refuse yours?",
        "Tell the store who you are when you read, and have it compare when you write. What is the lock for, then?",
    ),
    sources=SOURCES,
    seeds=6,
    quick={"edits": 20, "pages": 2},
)
