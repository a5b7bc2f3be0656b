"""Five servers keep one log, and need one that leads: how is it chosen, and what is lost when it is gone?

**Clarify.** What may be lost of what was acknowledged: nothing, or the last second? How long may nobody be answered?
What happens to servers: do they die, are they cut off, or do they stand still and go on, and do ways fail in one
direction? Who decides that one is gone, and what can he see?

**Estimate.** Timeouts of {least:.0f} to {greatest:.0f} ms: the first of four runs out {first:.0f} ms after the last
heartbeat, and half a heartbeat's interval of that has passed when the leader dies. A disk of {disk:.0f} ms for the
candidate and the second fastest of three voters: {leaderless:.0f} ms without a leader. A broadcast that all four have
to write down takes {broadcast:.0f} ms. Two of five may be gone; which two makes no difference.

**Design.** The first proposal is a key: who sets it first leads while it is his. It says who is there. Nobody asks what
that one has: two servers are restarted at a time, as five bear it, and of the three who may then set the key two have
just come back. A majority had each write; the new leader need not be one of them, and all take over his log.

**Deep dive: a vote is a promise.** Raft lets a majority choose, once a term, and nobody votes for a log that is behind
his own. Two majorities share a voter, who has what was committed, and will have no other leader in that term. What is
promised is on the disk before it is told, and entries are taken only behind those that the leader has there too. It is
looked at after each step of each server, in every trouble here, and in schedules in which messages are lost, repeated
and reordered, and servers crash (`schedules.py`); each of these rules taken away is found out there.

**Deep dive: ties.** With one timeout for all everybody asks at once, for himself: mostly no leader within {cap:.0f}
s. Five milliseconds of chance end it after some rounds, since a disk takes as long as that; {spread:.0f} ms at the
first one, mostly. Timeouts as short as a vote takes need less time for it, and depose leaders that are well.

**Deep dive: who disturbs.** Who is cut off raises his term again and again, and deposes the leader when he is back.
PreVote asks first whether there would be votes. A leader whom all hear and who hears nobody keeps the others quiet;
check-quorum lets it step down. Each is a few lines, and neither has to do with safety.

**Deep dive: by hand.** One data centre leads, and somebody in the other one promotes it where the first is gone. He
cannot tell a cut from a death. Both sides are answered, and when they meet one side's writes go.

**Scale.** A write waits here for two disks, one after the other, and a read does too: it goes through the log. All of
that goes through the one that leads, and more servers bear more losses. Two data centres cannot do it alone, whichever
way: one of them has no majority. It takes a third place for a vote.

**Real systems.** Cloudflare's etcd was without a leader for minutes in 2020, where a switch failed in part and one of
three servers asked for votes again and again. GitHub had writes on either coast in 2018 that the other had not, after
43 seconds of a cut in which its failover had promoted the other one: a day went into that.

**Left open.** Members that change, logs that are cut short, reads that ask the leader without the log, and leases. In
the paper's trials logs were of different lengths, so that some could not be elected; here they are equally long. The
delay of disks is fitted to its curves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Map, Op, Why, call, crash, cut, param, pause, split
from windtunnel.catalogue.scale.election.claims import (
    BREAKS,
    BROADCAST_MS,
    CLAIMS,
    CRASHES,
    DEMANDS,
    DEPOSED,
    FIGURES,
    LEADERLESS_MS,
    NEVER,
    SOURCES,
    SPLIT,
    STANDS,
)
from windtunnel.catalogue.scale.election.designs import Careful, FixedTimeouts, RandomTimeouts
from windtunnel.catalogue.scale.election.judging import (
    CALM_S,
    KEYS,
    SETTLES_S,
    audit,
    end_s,
    leaderless,
    measure,
    struck,
    who_was_answered,
)
from windtunnel.catalogue.scale.election.naive import (
    ByHand,
    Copy as Copy,
    FirstToSet,
    KeyHolder as KeyHolder,
    Keys as Keys,
)
from windtunnel.catalogue.scale.election.servers import LARGE, SERVERS, SMALL, Asked as Asked, Cluster as Cluster
from windtunnel.catalogue.scale.election.trials import CAP_S
from windtunnel.catalogue.scale.election.wires import Wires
from windtunnel.workload import poisson


@dataclass(frozen=True)
class Params:
    """What goes wrong, how long servers wait before they ask for votes, and who asks for what."""

    trouble: Literal["none", "restarts", "cut off", "deaf", "mute", "pause", "blackout", "halves", "leader"] = param(
        "restarts",
        "one server after the other is restarted, is cut off from the others, hears none of them, is heard by none, or "
        "stands still; or all lose their power; or the data centres do not hear each other; or whoever leads crashes, "
        "again and again",
        choices=("none", "restarts", "cut off", "deaf", "mute", "pause", "blackout", "halves", "leader"),
    )
    timeout_ms: float = param(150.0, "least election timeout, milliseconds", 10.0, 500.0)
    spread_ms: float = param(150.0, "by how much the greatest is longer, milliseconds", 0.0, 500.0)
    disk_ms: float = param(7.0, "milliseconds that a disk takes for a sync, on average", 0.5, 10.0)
    rate: float = param(40.0, "requests a second, at all servers together", 10.0, 100.0)
    writes: float = param(0.5, "share of them that write", 0.05, 0.95)
    for_s: float = param(0.6, "seconds for which a server is struck, or the data centres are parted", 0.4, 1.5)
    rounds: int = param(2, "how often each server is struck", 1, 3)
    hand_s: float = param(0.3, "seconds until somebody believes that a leader is gone, and acts by hand", 0.1, 3.0)
    crashes: int = param(100, "leaders that crash, where that is the trouble; none does after a minute", 1, 1000)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`put(at, key, value)` and `get(at, key)`, beside each server; at the end `everything(at)`. Values are used once.

    Where leaders crash again and again, nobody asks for anything but how long that took.
    """
    if p.trouble == "leader":
        yield Op(0.0, "who looks", "elections", ())
        return
    for number, due in enumerate(poisson(p.rate, luck, until_s=end_s(p)), 1):
        at, key = luck.randrange(SERVERS), f"key {luck.randrange(KEYS)}"
        if luck.random() < p.writes:
            yield Op(due, f"client {number}", "put", (at, key, f"value {number}"))
        else:
            yield Op(due, f"client {number}", "get", (at, key))
    for at in range(SERVERS):
        yield Op(end_s(p) + SETTLES_S, f"last {at}", "everything", (at,))


def faults(p: Params) -> Sequence[Fault]:
    """What befalls whom."""
    names = [f"server {i}" for i in range(SERVERS)]
    found: list[Fault] = []
    for at, from_s in struck(p):
        me, others = names[at], [name for name in names if name != names[at]]
        if p.trouble in ("restarts", "blackout"):
            found.append(crash(me, at_s=from_s, for_s=p.for_s))
        elif p.trouble == "pause":
            found.append(pause(me, at_s=from_s, for_s=p.for_s))
        elif p.trouble == "cut off":
            found.append(split([me], others, at_s=from_s, for_s=p.for_s))
        elif p.trouble == "deaf":
            found += [cut(other, me, at_s=from_s, for_s=p.for_s) for other in others]
        else:
            found += [cut(me, other, at_s=from_s, for_s=p.for_s) for other in others]
    if p.trouble == "halves":
        small, large = ([names[i] for i in side] for side in (SMALL, LARGE))
        found.append(split(small, large, at_s=CALM_S, for_s=p.for_s))
    if p.trouble == "leader":
        found.append(call("the leader", "begin", at_s=0.5))
    return found


SAID = Params()
__doc__ = (__doc__ or "").format(
    least=SAID.timeout_ms,
    greatest=SAID.timeout_ms + SAID.spread_ms,
    first=SAID.timeout_ms + SAID.spread_ms / SERVERS,
    disk=SAID.disk_ms,
    spread=SAID.spread_ms,
    leaderless=LEADERLESS_MS,
    broadcast=BROADCAST_MS,
    cap=CAP_S,
)

experiment = Experiment(
    title="Election",
    question="Five servers need one that leads: how is it chosen, and what is lost when it is gone?",
    params=Params,
    workload=workload,
    faults=faults,
    designs={
        "first_to_set": FirstToSet,
        "by_hand": ByHand,
        "fixed_timeouts": FixedTimeouts,
        "random_timeouts": RandomTimeouts,
        "careful": Careful,
    },
    measure=measure,
    audit=audit,
    rig=Wires,
    charts=(
        Chart("Time without a leader, or until the next answer", "ms", "share that was shorter", leaderless, log="x"),
        Chart("Who was answered", "second", "answers a second", who_was_answered),
    ),
    asks=(
        Ask(
            "Five servers lead by a key, and are restarted two at a time. Of 100 acknowledged writes, how many are "
            "gone in the end?",
            "100 * first_to_set.lost",
            "of 100",
            0,
            100,
        ),
        Ask(
            "Where somebody promotes another server by hand when the first is gone: for how long is nobody answered?",
            "by_hand.silent_s",
            "s",
            0.01,
            10,
            log=True,
        ),
        Ask(
            "And where they elect a leader by votes, each time that one is gone?",
            "careful.silent_s",
            "s",
            0.01,
            10,
            log=True,
        ),
    ),
    why=(
        Why("Who leads by a key need not have what was acknowledged.", BREAKS),
        Why("Who sees one side of a cut takes the other for dead.", SPLIT),
        Why("Timeouts without chance run out together.", NEVER),
        Why("A term that was raised in vain deposes a leader that is well.", DEPOSED),
        Why("To be heard is not to hear.", STANDS),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "A majority had each write. How can a new leader be sure to be one of those that have it?",
        "Two leaders at once: how does a server that hears both know which of them it may believe?",
        "A server asks for votes although all others have a leader. Should they listen? And how would a leader learn "
        "that nobody hears what it says, or that it hears nobody?",
    ),
    sources=SOURCES,
    maps=(Map("random_timeouts.leaderless_mean_ms < 200", "spread_ms", given=CRASHES),),
    seeds=6,
    warmup_s=lambda p: 0.0,
    quick={"crashes": 4},
)
