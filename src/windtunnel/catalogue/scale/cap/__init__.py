"""The way between two data centres is cut, and requests come to both sides. What can each say?

**Clarify.** May somebody be refused, or must everybody be answered, though with something old? Which of it is decided
by the last one who writes, and which of it only grows, as a cart does? How far apart are the data centres, and where
are the clients?

**Estimate.** Five replicas, two beside some clients and three beside the others, {far:.0f} ms away. Whoever needs three
answers beside the two waits for the first of three far ones: {one:.0f} ms a round, {two:.0f} ms for the two rounds of a
write. During a cut of {cut:.0f} s the two can say nothing for certain: about {refused:.0f} requests for pages.

**Design.** The first proposal is a flag: each replica answers from its own copy, and says no while it has heard of
fewer than three for {gone:.1f} s. A flag is raised after the cut, and what was written elsewhere has not come here.
Where one direction is cut, who hears the others is never told that nobody hears him.

**Deep dive: overlap is not order.** Write to three and read from three, and each read meets each write: R + W > N. But
while a write is under way, one read meets the one replica that has it, and a later one does not. Write back what is
read until three have it, and nobody sees less than somebody saw before: the register of Attiya, Bar-Noy and Dolev. Two
writes of one replica need two tags; with one for both, the checker finds pages without an order where many write.

**Deep dive: who is not refused.** Dynamo asks whoever is there, leaves hints for those who are away, and merges later;
another answers from the own copy and tells the others. Nobody is refused, both sides are told of writes, and the later
clock keeps one of them. Dynamo's carts are siblings: no add is lost, and what was taken out comes back.

**Deep dive: a register is no cart.** On a linearizable register, without any cut, carts that are read, changed and
written lose adds: two at once, and the second has not seen the first. An add needs no order among adds. A cart of adds
and of removes that both only grow is answered on either side, and loses nothing.

**Deep dive: and else.** Without a cut there is a choice as well: between waiting and being wrong (PACELC). Beside the
three a majority is at home; beside the two it is far away, with a cut and without.

**Scale.** The choice is not of a system. The last design has pages by majority, because an order matters there, and
carts that merge. One replica that hears both sides makes a majority of each: nobody is refused.

**Real systems.** Dynamo and Riak keep siblings; Cassandra keeps what has the latest clock, and a clock that is ahead
silences those that are right. etcd and ZooKeeper have a majority agree on a log, with a leader, and not on a register.

**Left open.** Replicas that crash and come back (here they keep all in memory, and none does), clocks that are wrong,
carts that forget what was taken out, compare-and-set, which a register cannot do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Op, Why, cut, param, slow, split
from windtunnel.catalogue.scale.cap.claims import (
    ANSWERED,
    BREAKS,
    CLAIMS,
    DEMANDS,
    FIGURES,
    MERGES,
    REFUSED,
    SOURCES,
    TOGETHER,
    first_answer_ms,
)
from windtunnel.catalogue.scale.cap.designs import (
    EachItsOwn,
    Majority,
    Merged,
    OneFlag,
    Overlapping,
    Replicated as Replicated,
    Sloppy,
    merge as merge,
)
from windtunnel.catalogue.scale.cap.judging import (
    CARTS,
    PAGES,
    SETTLES_S,
    audit,
    contradiction,
    costs,
    cut_s,
    end_s,
    measure,
    who_was_answered,
)
from windtunnel.catalogue.scale.cap.replicas import (
    BEAT_S,
    GONE_S,
    LARGE,
    MAJORITY as MAJORITY,
    REPLICAS,
    SMALL,
    Cell as Cell,
    Replica as Replica,
    contents as contents,
    majority as majority,
    newest as newest,
)
from windtunnel.catalogue.scale.cap.wires import Wires
from windtunnel.workload import poisson

TAKES_BACK_S = 0.6
"""So long after an item was added it may be taken out again, by a client at the same replica."""


@dataclass(frozen=True)
class Params:
    """Who asks how often, how far apart the data centres are, and how the way between them is cut."""

    rate: float = param(20.0, "requests a second at each of the five replicas", 5.0, 60.0)
    carts: float = param(0.4, "share of them that is about carts", 0.0, 0.6)
    writes: float = param(0.5, "share of the requests for pages that write", 0.02, 0.9)
    shared: float = param(1.0, "share of the requests for pages that go to any page, not to one's own", 0.0, 1.0)
    far_ms: float = param(20.0, "milliseconds from one data centre to the other, one way", 0.5, 60.0)
    calm_s: float = param(1.0, "seconds before the trouble, and again after it, in which all is well", 0.5, 3.0)
    trouble: Literal["none", "cut", "one way", "flapping", "bridge", "slow"] = param(
        "cut",
        "two replicas and three do not hear each other; or the three do not hear the two; or the way is cut again and "
        "again; or one of the three hears both sides, and is all that connects them; or what one of the two sends to "
        "the three comes late",
        choices=("none", "cut", "one way", "flapping", "bridge", "slow"),
    )
    trouble_s: float = param(1.6, "seconds for which that lasts", 1.0, 5.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`write(at, page, text)`, `read(at, page)`, `add` and `remove(at, cart, item)`, `cart(at, cart)`.

    `at` is the replica beside the client; each text and each item is used once. At the end each page and
    each cart is looked at beside each replica.
    """
    number = 0
    for at in range(REPLICAS):
        put: list[tuple[float, str, str]] = []
        for due in poisson(p.rate, luck, until_s=end_s(p)):
            number += 1
            client = f"client {number}"
            wants: tuple[object, ...]
            if luck.random() >= p.carts:
                page = f"page {luck.randrange(PAGES) if luck.random() < p.shared else 10 + at}"
                wants = ("read", at, page) if luck.random() >= p.writes else ("write", at, page, f"text {number}")
            else:
                cart, kind = f"cart {luck.randrange(CARTS)}", luck.random()
                old = [one for one in put if one[0] < due - TAKES_BACK_S]
                if kind < 0.5:
                    wants = ("add", at, cart, f"item {number}")
                    put.append((due, cart, f"item {number}"))
                elif kind < 0.65 and old:
                    one = luck.choice(old)
                    put.remove(one)
                    wants = ("remove", at, one[1], one[2])
                else:
                    wants = ("cart", at, cart)
            yield Op(due, client, str(wants[0]), tuple(wants[1:]))
    for at in range(REPLICAS):
        for i in range(PAGES):
            yield Op(end_s(p) + SETTLES_S, f"last {at} {i}", "read", (at, f"page {i}"))
        for i in range(CARTS):
            yield Op(end_s(p) + SETTLES_S, f"last {at} {PAGES + i}", "cart", (at, f"cart {i}"))


def faults(p: Params) -> Sequence[Fault]:
    """How the way is cut."""
    small, large = ([f"replica {one}" for one in side] for side in (SMALL, LARGE))
    at_s, over_s = cut_s(p)
    if p.trouble == "cut":
        return (split(small, large, at_s=at_s, for_s=p.trouble_s),)
    if p.trouble == "one way":
        return tuple(cut(one, other, at_s=at_s, for_s=p.trouble_s) for one in small for other in large)
    if p.trouble == "bridge":
        return (split(small, large[1:], at_s=at_s, for_s=p.trouble_s),)
    if p.trouble == "flapping":
        times = range(int((over_s - at_s) / FLAP_S / 2))
        return tuple(split(small, large, at_s=at_s + 2 * FLAP_S * i, for_s=FLAP_S) for i in times)
    if p.trouble == "slow":
        return tuple(slow(small[0], one, at_s=at_s, for_s=p.trouble_s, by_s=LATE_S) for one in large)
    return ()


LATE_S = 0.2
FLAP_S = 2.5 * BEAT_S
"""Long enough for a request to be struck, and too short for a beat to be missed thrice."""

SAID = Params()
__doc__ = (__doc__ or "").format(
    far=SAID.far_ms,
    one=first_answer_ms(SAID.far_ms),
    two=first_answer_ms(SAID.far_ms, 2),
    cut=SAID.trouble_s,
    refused=len(SMALL) * SAID.rate * (1 - SAID.carts) * SAID.trouble_s,
    gone=GONE_S,
)

experiment = Experiment(
    title="CAP",
    question="The way between two data centres is cut: who is refused, who is told what is wrong, and what is lost?",
    params=Params,
    workload=workload,
    faults=faults,
    designs={
        "one_flag": OneFlag,
        "overlapping": Overlapping,
        "sloppy": Sloppy,
        "merged": Merged,
        "majority": Majority,
        "each_its_own": EachItsOwn,
    },
    measure=measure,
    audit=audit,
    rig=Wires,
    charts=(
        Chart("Who was answered while the way was cut", "who", "share answered", who_was_answered, kind="bars"),
        Chart(
            "What it costs without a cut",
            "ms of a read and a write beside the two",
            "share of reads that are old",
            costs,
        ),
        Chart("What no order explains", "second", "who", contradiction, kind="space-time"),
    ),
    asks=(
        Ask(
            "Two of five replicas are cut off, and clients beside them ask a majority register. How many of 100 are "
            "refused?",
            "100 * majority.small_refused",
            "of 100",
            0,
            100,
        ),
        Ask(
            "The data centres are 20 ms apart, one way. How long does a write of the majority register take beside the "
            "two, when nothing is cut?",
            "majority.small_write_ms",
            "ms",
            1,
            1000,
            log=True,
        ),
        Ask(
            "Carts are values of that register, read, changed and written back. Nothing is cut. Of 100 items that were "
            "added, how many are missing in the end?",
            "100 * majority.lost_adds",
            "of 100",
            0,
            100,
        ),
    ),
    why=(
        Why("A copy answers before it has heard, and a flag is raised after the cut.", BREAKS),
        Why("Two of five cannot know what the three were told, so they may say nothing.", REFUSED),
        Why("Who answers on both sides has two truths, and keeps one.", ANSWERED),
        Why("Reading is one step, writing another: a linearizable register does not make them one.", TOGETHER),
        Why("Adds need no order among each other, so no one has to be asked.", MERGES),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "How many of five must have a write, so that whoever asks as many later meets one that has it?",
        "A read meets a write that is only half done. What must it do before it shows that to anybody?",
        "Does an add rule out another add? What would two carts have to remember, to be joined in any order?",
    ),
    sources=SOURCES,
    seeds=3,
    warmup_s=lambda p: 0.0,
    quick={"trouble_s": 1.2, "calm_s": 0.8},
)
