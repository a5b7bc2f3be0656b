"""Shops and feeds tell each user a few of many items. Two vectors' inner product says which: how are they learned?

**Clarify.** Is what a user takes decided by taste, or by what everybody takes? How many pairs are there of each user?
Must all items have a chance to be told? How long may an answer take, and how old may vectors be?

**Estimate.** Of {items:,} items {k} are told. One inner product of {dim} numbers for each is {sums:,} sums an answer;
of 100 million items with 128 numbers it is {many:.0f} billion. A weight for each two items, as EASE has them, is
{square:,} numbers here, and {squares:.0e} there.

**Design.** The first proposal tells everybody what most have taken. Where tastes hardly differ nothing beats it. Two
towers make a vector of the user and one of the item, each without the other, so that items lie in an index before
anybody asks. They learn from batches of pairs: each user's own item against those of the others.

**Deep dive: logQ.** The others' items come as often as they are taken. So what is popular is pushed away, and what is
learned is how much more one takes an item than others do. Tuned by temperature and negatives, towers of batches tell
users less of what they take than popularity does. Take the logarithm of how often an item comes from its logit, while
training alone, and users are told 1.2 times as much as by popularity. How often it comes is estimated by the gaps
from one time to the next. It costs variety: what users are told is spread over less than half as many items.

**Deep dive: no law.** Where tastes decide, the same towers without logQ find nearly twice what popularity does; where
all items are as popular there is nothing to correct. And who adds popularity back when it answers, weighed, finds
some 8 % more than logQ: this world is popularity times taste, and a vector that is one number longer holds just that.

**Deep dive: rivals.** Cosines between items and EASE have no training, tie with each other, and find some 14 % more
than logQ after ten times through the pairs; after 24 logQ is at .95 of it. They keep ten times the numbers here.

**Scale.** With one number more all items are equally long, and the nearest has the greatest inner product: HNSW finds
them for a quarter of the sums among 1,500 items, and saves a third among 240. A second stage may know more of few
candidates: with cosines it finds what cosines find.

**What real systems do.** YouTube has these two stages: candidates from vectors, then a ranker with many more facts.

**Left open.** Features of items and users, new ones, time, and what users take because they were told of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.catalogue.ai.two_tower.claims import (
    BACK,
    CLAIMS,
    DEMANDS,
    FIGURES,
    GRAPH,
    HEAD,
    LIFTED,
    NARROWER,
    PUNISHED,
    QUICK,
    SECOND,
    SOURCES,
    SQUARE,
    TASTE,
    TIE,
)
from windtunnel.catalogue.ai.two_tower.designs import (
    AddedBack,
    AsTheirItems,
    InBatch,
    InClosedForm,
    LogQ,
    Mixed,
    MostTaken,
    Setting as Setting,
    ThroughGraph,
    TwoStages,
)
from windtunnel.catalogue.ai.two_tower.judging import costs, deciles, measure, met_by
from windtunnel.catalogue.ai.two_tower.rig import PARTS, Rig
from windtunnel.catalogue.ai.two_tower.tuning import Log as Log
from windtunnel.catalogue.ai.two_tower.world import Array as Array


@dataclass(frozen=True)
class Params:
    """Who takes what, and how vectors are learned."""

    users: int = param(240, "users", 50, 1500)
    items: int = param(240, "items", 60, 1500)
    history: int = param(12, "items that each user has taken, to learn from", 4, 40)
    latent: int = param(8, "dimensions of taste", 2, 16)
    taste: float = param(2.0, "how much more likely a user takes what is to its taste: 0 all alike", 0.0, 4.0)
    zipf: float = param(1.0, "how much more popular the first items are: 0 all alike", 0.0, 1.5)
    k: int = param(20, "items that a user is told", 1, 50)
    dim: int = param(12, "numbers of a learned vector", 2, 32)
    epochs: int = param(10, "times that models which learn vectors go through the pairs", 3, 30)
    ef: int = param(50, "candidates that the graph keeps in a search", 10, 400)
    m: int = param(8, "links that the graph gives to an item", 2, 32)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`fit(seed, own)` with a seed of the world and one of the design, `recommend(seed, part)`, and `weigh(seed)`."""
    seed, own = luck.getrandbits(31), luck.getrandbits(31)

    def op(name: str, *args: object) -> Op:
        return Op(0.0, "client", name, (seed, *args), think_s=0.0)

    yield op("fit", own)
    for part in range(PARTS):
        yield op("recommend", part)
    yield op("weigh")


__doc__ = (__doc__ or "").format(
    items=Params.items,
    k=Params.k,
    dim=Params.dim,
    sums=Params.items * Params.dim,
    many=1e8 * 128 / 1e9,
    square=Params.items**2,
    squares=1e16,
)

experiment = Experiment(
    title="Two towers",
    question="Why do the negatives of a batch punish what is popular, and what is it worth to mend that?",
    params=Params,
    workload=workload,
    designs={
        "popularity": MostTaken,
        "item_cosine": AsTheirItems,
        "ease": InClosedForm,
        "in_batch": InBatch,
        "logq": LogQ,
        "mixed": Mixed,
        "added_back": AddedBack,
        "through_graph": ThroughGraph,
        "ranked": TwoStages,
    },
    rig=Rig,
    measure=measure,
    seeds=10,
    charts=(
        Chart("Recall, from the most popular items to the least", "tenth of the items", "recall", deciles),
        Chart("Whom users are told of", "what", "share of the items", met_by, kind="bars"),
        Chart("What an answer costs", "what", "how many", costs, kind="bars", log="y"),
    ),
    asks=(
        Ask(
            "Two towers learn from batches as they come. What do they tell, over what popularity tells?",
            "100 * in_batch.chance / popularity.chance",
            "%",
            10,
            200,
        ),
        Ask(
            "And with logQ taken from the logits?",
            "100 * logq.chance / popularity.chance",
            "%",
            10,
            200,
        ),
        Ask(
            "Of the tenth of the items that is most popular, which share do towers without logQ find?",
            "100 * in_batch.head",
            "%",
            0,
            100,
        ),
    ),
    why=(
        Why("What is popular is a negative most often.", PUNISHED),
        Why("It is the popular items that are missed.", HEAD),
        Why("logQ takes that out while training.", LIFTED),
        Why("Where tastes decide, little is lost.", TASTE),
        Why("The correction narrows what is told.", NARROWER),
        Why("Popularity can be added when it answers.", BACK),
        Why("Weights between items find as much, however they are made.", TIE),
        Why("They are a square of the items.", SQUARE),
        Why("A second stage knows what the first does not.", SECOND),
        Why("A graph spares most inner products, among many.", GRAPH),
    ),
    hints=(
        "Who tells everybody the same has found much already. What do pairs say about one user that they do not say "
        "about all?",
        "An item that was taken often stands against others often. What does a model learn of it from that alone?",
        "Count who took which two items, divide by how often each was taken, and add up for a user's items; or "
        "learn vectors, and take the logarithm of how often an item comes from its logit while training, never when "
        "it answers.",
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    sources=SOURCES,
    quick=QUICK,
)
