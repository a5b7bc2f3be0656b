"""What is claimed of the designs, what is demanded of a challenger's, what theory says, and the sources."""

from __future__ import annotations

from functools import cache

from windtunnel import Claim, Figure, Source

GILBERT = "Gilbert and Lynch 2002"
ABADI = "Abadi 2012"
ABD = "Attiya 2010"
DYNAMO = "Dynamo 2007"
SHAPIRO = "Shapiro and others 2011"

USUAL: dict[str, object] = {"rate": 20.0, "carts": 0.4, "writes": 0.5, "shared": 1.0, "far_ms": 20.0}
CALM = {**USUAL, "trouble": "none"}
CUT = {**USUAL, "trouble": "cut"}
ONE_WAY = {**USUAL, "trouble": "one way"}
FLAPPING = {**USUAL, "trouble": "flapping"}
BRIDGE = {**USUAL, "trouble": "bridge"}
SLOW = {**USUAL, "trouble": "slow", "trouble_s": 3.0, "rate": 60.0, "writes": 0.1, "carts": 0.0, "calm_s": 0.8}
MANY = {**CALM, "rate": 60.0, "carts": 0.0, "far_ms": 60.0, "calm_s": 0.8}
HALF_DONE = {**FLAPPING, "rate": 60.0, "writes": 0.1, "carts": 0.0, "far_ms": 60.0}
"""Some writes have read, and what they write is on its way, when the way is cut; few others write after them."""
BUSY_CUT = {**CUT, "rate": 40.0}
APART = {**CUT, "shared": 0.0}
BASKETS = {**CUT, "carts": 0.6, "trouble_s": 2.4}
LONG = "trouble_s >= 1"

BREAKS = "one_flag.broken > 0"
DEAF = "one_flag.small_refused == 0 and one_flag.lost >= 0.5"
REFUSED = (
    "min(majority.small_refused, overlapping.small_refused) == 1 and "
    "max(majority.large_refused, overlapping.large_refused, majority.broken) == 0"
)
ANSWERED = (
    "max(sloppy.small_refused, sloppy.large_refused, merged.small_refused, merged.large_refused) == 0 and "
    "min(sloppy.lost, merged.lost, sloppy.broken, merged.broken) >= 0.5"
)
OVERLAP = "overlapping.broken > 0 and majority.broken == 0"
TOGETHER = "majority.broken == 0 and majority.lost_adds > 0.03"
MERGES = (
    "max(merged.lost_adds, merged.came_back, each_its_own.lost_adds, each_its_own.came_back, "
    "merged.cart_refused, each_its_own.cart_refused) == 0"
)
KEPT = "max(majority.broken, each_its_own.broken) == 0"
RETURNS = "sloppy.lost_adds == 0 and sloppy.cart_refused == 0 and sloppy.came_back > 0"
PRICE = "majority.small_read_ms > 1.5 * params.far_ms and majority.small_write_ms > 3 * params.far_ms"

CLAIMS = (
    Claim(
        BREAKS,
        "A copy answers before it has heard what others wrote, and for a moment nobody knows of the cut.",
        GILBERT,
        given=BUSY_CUT,
        breaks="one_flag",
    ),
    Claim(
        "one_flag.broken == 0 and one_flag.large_refused == 0 and majority.small_refused == 1",
        "Where each page is asked for beside one replica alone its own copy is enough.",
        given=APART,
        spares="one_flag",
    ),
    Claim(
        "one_flag.stale > 0.2 and one_flag.stale < merged.stale and merged.stale < 0.9 and majority.stale == 0",
        "Without a cut as well; less often where the others are told at once than where the next beat tells them.",
        given=MANY,
    ),
    Claim(
        "overlapping.stale == 0 and sloppy.stale < 0.1",
        "Where one who is read is one of those who were written to, a read is as new as the last write.",
        DYNAMO,
        given=MANY,
    ),
    Claim(
        "one_flag.small_refused > 0.6",
        "The flag refuses once nothing has been heard for a while.",
        given=BUSY_CUT,
        where="trouble_s >= 1.2",
    ),
    Claim(
        DEAF,
        "Who hears the others does not know that nobody hears him: both sides take writes, and one side's are lost.",
        given=ONE_WAY,
        where=LONG,
    ),
    Claim(
        REFUSED,
        "Two of five can decide nothing, so all who ask there are refused; those beside the three notice nothing.",
        GILBERT,
        given=CUT,
    ),
    Claim(
        ANSWERED,
        "Who answers on both sides is told on both of writes, of which one side's are gone afterwards.",
        DYNAMO,
        given=CUT,
        where=LONG,
    ),
    Claim(
        "max(sloppy.apart, merged.apart, sloppy.old, merged.old) == 0 and sloppy.hints == 0",
        "But in the end all replicas say the same, the last by the clock, and nothing is left to be handed over.",
        DYNAMO,
        given=CUT,
    ),
    Claim("max(sloppy.apart, merged.apart) == 0", "Also where one side heard the other.", DYNAMO, given=ONE_WAY),
    Claim(
        OVERLAP,
        "While a write is under way one read meets it and the next does not; a read that writes back ends that.",
        ABD,
        given=SLOW,
    ),
    Claim(KEPT, "A majority keeps its word where the way is cut again and again.", ABD, given=FLAPPING),
    Claim(KEPT, "And where one direction is.", ABD, given=ONE_WAY),
    Claim(
        "majority.small_refused == 0 and majority.large_refused == 0 and majority.broken == 0",
        "One replica that hears both sides makes a majority of each: nobody is refused.",
        given=BRIDGE,
    ),
    Claim(
        "sloppy.broken > 0",
        "Two answers of whoever is there overlap nothing.",
        given={**BRIDGE, "trouble_s": 2.4},
    ),
    Claim(
        TOGETHER,
        "A cart that is read, changed and written is no cart: of two adds at once one is lost, and no page is wrong.",
        given=CALM,
        where="calm_s >= 0.8",
    ),
    Claim(
        RETURNS,
        "Siblings lose no add, and bring back what was taken out on the other side.",
        DYNAMO,
        given=BASKETS,
        where="calm_s >= 0.8",
    ),
    Claim(
        MERGES,
        "Adds and removes that only grow need no order: nobody is refused and nothing is lost.",
        SHAPIRO,
        given=CUT,
    ),
    Claim(MERGES, "Also where one direction is cut.", SHAPIRO, given=ONE_WAY),
    Claim(
        "max(merged.behind, each_its_own.behind) == 0",
        "And each client sees what was put into the cart beside him.",
        given=CUT,
    ),
    Claim(
        f"{PRICE} and max(merged.small_read_ms, merged.small_write_ms, one_flag.small_read_ms) == 0",
        "Without any cut: beside the two a read waits for one way there and back, and a write for two.",
        ABADI,
        given=CALM,
    ),
    Claim(
        "max(majority.large_read_ms, majority.large_write_ms) < 0.5 * params.far_ms",
        "Beside the three a majority is at home.",
        ABADI,
        given=CALM,
    ),
    Claim(
        "each_its_own.small_add_ms == 0 and majority.small_add_ms > 3 * params.far_ms",
        "What can be merged need not wait for anybody.",
        given=CALM,
        where="calm_s >= 0.8",
    ),
    Claim(
        "merged.calls < each_its_own.calls < majority.calls and merged.calls < 5",
        "Messages a request: to merge costs beats alone.",
        given=CALM,
    ),
)

DEMANDS = (
    Claim("yours.broken == 0", "One order explains what clients were told of each page.", given=CUT, always=True),
    Claim("yours.broken == 0", "Also where one direction is cut.", given=ONE_WAY, always=True),
    Claim("yours.broken == 0", "And where the way is cut again and again.", given=FLAPPING, always=True),
    Claim("yours.broken == 0", "And where what one replica sends comes late.", given=SLOW, always=True),
    Claim("yours.broken == 0", "And where many write at once.", given=MANY, always=True),
    Claim("yours.broken == 0", "And where a cut meets writes that are half done.", given=HALF_DONE, always=True),
    Claim("yours.large_refused == 0", "Beside the three nobody is refused.", given=CUT),
    Claim("yours.calm_refused == 0", "Nor anybody, before the cut and when it is over.", given=CUT),
    Claim("yours.calm_refused == 0", "Nor where the data centres are far apart.", given=MANY),
    Claim(
        "max(yours.small_refused, yours.large_refused) == 0 and yours.broken == 0",
        "Nor anybody, while one replica hears both sides.",
        given=BRIDGE,
    ),
    Claim(
        "max(yours.lost_adds, yours.came_back, yours.behind) == 0",
        "Nothing that was put into a cart is lost, and nothing comes back.",
        given=CUT,
        always=True,
    ),
    Claim(
        "max(yours.lost_adds, yours.came_back) == 0",
        "Also where one direction is cut.",
        given=ONE_WAY,
        always=True,
    ),
    Claim("yours.cart_refused == 0", "A cart takes an item on either side of a cut.", given=CUT),
    Claim(
        "yours.small_read_ms < 3 * each_its_own.small_read_ms and yours.large_read_ms < 3 * each_its_own.large_read_ms "
        "and yours.small_write_ms < 2 * each_its_own.small_write_ms",
        "Reads and writes of pages take no longer than they have to, by much.",
        given=CALM,
    ),
    Claim("yours.apart == 0", "In the end all replicas say the same.", given=CUT),
    Claim(
        "yours.crossed == 0 and yours.made_up == 0",
        "What is said comes out of replicas, and through open ways.",
        given=CUT,
        always=True,
    ),
    Claim(
        "yours.unheard == 0",
        "A text that a replica shows was written beside it, or came to it in a message: they have no memory in common.",
        given=CUT,
        always=True,
    ),
    Claim("yours.unheard == 0", "Also where messages come late.", given=SLOW, always=True),
    Claim("yours.helpers == 0", "There are five replicas, and nothing beside them that keeps pages.", given=CALM),
)


@cache
def first_answer_ms(far_ms: float, times: int = 1, draws: int = 20_000) -> float:
    """Median of the time for `times` rounds, in each of which the first of three far replicas has to answer.

    Ways are lognormal, far_ms in the middle and half more in 1 %; those inside of a data centre are left out.
    """
    from math import log

    import numpy as np

    luck = np.random.default_rng(7)
    ways = luck.lognormal(log(far_ms), log(1.5) / 2.3263478740408408, (draws, times, 3, 2))
    return float(np.median(ways.sum(axis=3).min(axis=2).sum(axis=1)))


FAR_MS = 20.0
CLOSE = {**CALM, "carts": 0.0, "rate": 40.0, "calm_s": 1.5}

FIGURES = (
    Figure(
        "ms of a write beside the two of five, far from the three",
        first_answer_ms(FAR_MS, 2),
        "majority.small_write_ms",
        0.05,
        "D",
        "two rounds, each until the first of three far replicas answers: the median of lognormal ways there and back",
        ABD,
        given=CLOSE,
    ),
    Figure(
        "ms of a read there, mostly of one round",
        first_answer_ms(FAR_MS, 1),
        "overlapping.small_read_ms",
        0.05,
        "D",
        "one round",
        ABD,
        given=CLOSE,
    ),
)

SOURCES = (
    Source(
        "Gilbert and Lynch: Brewer's Conjecture and the Feasibility of Consistent, Available, Partition-Tolerant Web "
        "Services",
        2002,
        "https://users.ece.cmu.edu/~adrian/731-sp04/readings/GL-cap.pdf",
    ),
    Source(
        "Abadi: Consistency Tradeoffs in Modern Distributed Database System Design",
        2012,
        "https://www.cs.umd.edu/~abadi/papers/abadi-pacelc.pdf",
    ),
    Source(
        "Attiya: Robust Simulation of Shared Memory: 20 Years After",
        2010,
        "http://bulletin.eatcs.org/index.php/beatcs/article/view/153",
    ),
    Source(
        "DeCandia et al.: Dynamo, Amazon's Highly Available Key-value Store",
        2007,
        "https://www.allthingsdistributed.com/files/amazon-dynamo-sosp2007.pdf",
    ),
    Source(
        "Shapiro et al.: A comprehensive study of Convergent and Commutative Replicated Data Types",
        2011,
        "https://inria.hal.science/inria-00555588",
    ),
    Source("Kingsbury: The trouble with timestamps", 2013, "https://aphyr.com/posts/299-the-trouble-with-timestamps"),
)
