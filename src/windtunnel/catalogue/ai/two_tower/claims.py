"""What is claimed, what a challenger's recommender has to find, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

COVINGTON, YI, YANG, STECK, BACHRACH = "Covington", "Yi", "Yang", "Steck", "Bachrach"

BASE = {
    "users": 240, "items": 240, "history": 12, "latent": 8, "taste": 2.0, "zipf": 1.0, "k": 20, "dim": 12,
    "epochs": 10, "ef": 50, "m": 8,
}  # fmt: skip
QUICK = {name: BASE[name] for name in ("users", "items")}
ALIKE = {**BASE, "taste": 0.3}
TASTES = {**BASE, "taste": 3.5}
LEVEL = {**BASE, "zipf": 0.0}
LONG = {**BASE, "epochs": 24}
"""More than twice as often through the pairs."""
MANY = {**BASE, "users": 200, "items": 1500, "ef": 80}
FIFTY = {**BASE, "items": 400, "k": 50, "epochs": 12}

PUNISHED = "in_batch.chance < 0.9 * popularity.chance"
HEAD = "in_batch.head < 0.3 and popularity.head > 0.9 and in_batch.tail > 0.15 and popularity.tail < 0.01"
LIFTED = "logq.chance > 1.05 * popularity.chance"
TASTE = "in_batch.chance > 1.3 * popularity.chance"
NARROWER = "logq.effective < 0.75 * in_batch.effective and logq.tail < in_batch.tail"
BACK = "added_back.chance > 1.02 * logq.chance"
TIE = "abs(ease.chance / item_cosine.chance - 1) < 0.08"
SECOND = "ranked.chance > 1.01 * logq.chance and abs(ranked.chance / item_cosine.chance - 1) < 0.08"
SQUARE = "ease.kept > 5 * logq.kept"
GRAPH = "through_graph.sums < 0.5 * added_back.sums and through_graph.chance > 0.93 * added_back.chance"

NAMES = (
    "popularity", "item_cosine", "ease", "in_batch", "logq", "mixed", "added_back", "through_graph", "ranked"
)  # fmt: skip
CLAIMS = (
    Claim(
        LIFTED,
        "Everybody is told the same; with logQ users are told more of what they take next.",
        YI,
        breaks="popularity",
        given=BASE,
    ),
    Claim(
        "popularity.of_bound > 0.9 and logq.chance < 1.05 * popularity.chance",
        "Where tastes hardly differ, what most have taken is the answer, and nothing that is learned adds to it.",
        spares="popularity",
        given=ALIKE,
    ),
    Claim(
        PUNISHED,
        "Negatives come as often as they are popular, so that what is popular is pushed away: fewer are found than by "
        "who knows nobody's taste.",
        YI,
        over="mean",
        breaks="in_batch",
        given=BASE,
    ),
    Claim(
        HEAD,
        "What is missed is popular: of the tenth that is most popular less than a third is found, and of the rest more "
        "than by anybody who tells of that tenth.",
        YI,
        given=BASE,
    ),
    Claim(
        TASTE,
        "Where tastes decide more than popularity does, the same towers find more than popularity: staying below it "
        "is no law.",
        spares="in_batch",
        given=TASTES,
    ),
    Claim(
        "abs(logq.chance / in_batch.chance - 1) < 0.15",
        "Where all items are equally popular there is nothing to correct.",
        YI,
        given=LEVEL,
    ),
    Claim(
        "logq.recall > popularity.recall",
        "Of 50 items told the same holds, counted by what users took later.",
        YI,
        over="mean",
        given=FIFTY,
    ),
    Claim(
        "in_batch.recall < popularity.recall",
        "And without logQ fewer are found than by popularity.",
        YI,
        over="mean",
        given=FIFTY,
    ),
    Claim(NARROWER, "The correction narrows what users are told of.", YI, given=BASE),
    Claim(
        "mixed.chance > 0.97 * logq.chance",
        "Items that hardly ever come may be negatives as well: it finds as much as logQ alone, and mostly more.",
        YANG,
        over="mean",
        given=BASE,
    ),
    Claim(
        BACK,
        "What the correction leaves in can be added when it answers, weighed by what is found: in a world that is made "
        "of popularity times taste that finds more.",
        YI,
        over="mean",
        given=BASE,
    ),
    Claim(
        "ease.chance > 1.06 * logq.chance and item_cosine.chance > 1.06 * logq.chance",
        "Weights between items, which take no training, find more than logQ after ten times through the pairs.",
        STECK,
        over="mean",
        given=BASE,
    ),
    Claim(TIE, "EASE and cosines find as much as each other.", STECK, given=BASE),
    Claim(
        "abs(logq.chance / ease.chance - 1) < 0.09",
        "After 24 times logQ nearly ties with EASE.",
        STECK,
        over="mean",
        given=LONG,
    ),
    Claim(
        SECOND,
        "A ranker finds among few candidates what cosines find among all: that is what it knows besides.",
        COVINGTON,
        given=BASE,
    ),
    Claim("ranked.sums < 2 * logq.sums", "It adds up less for that than towers do.", COVINGTON, given=BASE),
    Claim(
        SQUARE,
        "Who keeps a number for each two items keeps many times what vectors take.",
        STECK,
        given=BASE,
    ),
    Claim(
        GRAPH,
        "Among 1,500 items a graph finds the greatest inner products for less than half of the work.",
        BACHRACH,
        given=MANY,
    ),
    Claim(
        "through_graph.sums > 0.4 * added_back.sums and through_graph.chance > 0.97 * added_back.chance",
        "Among 240 it saves little: those that the user took are found as well, and left out.",
        BACHRACH,
        given=BASE,
    ),
    Claim(
        f"max({', '.join(f'{name}.wrong' for name in NAMES)}) == 0",
        "Nobody is told what he took, anything twice or what there is not, and no pair to judge by was told before.",
    ),
    Claim(
        f"max({', '.join(f'{name}.of_bound' for name in NAMES)}) < 1.000001",
        "Nobody finds more than who knows the law.",
    ),
)

DEMANDS = (
    Claim(
        "yours.wrong == 0",
        "Nothing is told that the user took, that was told before or that there is not.",
        always=True,
        given=BASE,
    ),
    Claim(
        "yours.chance > 1.1 * yours.popular_chance",
        "It tells more of what users take next than what most have taken.",
        given=BASE,
    ),
    Claim("yours.coverage > 0.3", "And not the same to everybody.", given=BASE),
    Claim("yours.effective > 0.14", "Nor nearly the same.", given=BASE),
    Claim(
        "yours.of_bound < 0.9 and yours.recall < 0.9 * yours.oracle",
        "Who finds nearly what the law allows has seen what pairs do not tell.",
        given=BASE,
    ),
    Claim(
        "yours.chance > 0.93 * yours.popular_chance",
        "Where tastes hardly differ it is not led away from what most take.",
        given=ALIKE,
    ),
)

TRIAL = "4,000 users, 2,000 items, 80,000 pairs, latent 16, batches of 256, 12 times; one seed of a world not told"
FIGURES = (
    *(
        Figure(f"{what} of 50, {who}", value, f"{name}.{what}", 0.1, "R", TRIAL, given=FIFTY)
        for who, name, what, value in (
            ("in-batch", "in_batch", "recall", 0.416),
            ("popularity", "popularity", "recall", 0.444),
            ("logQ", "logq", "recall", 0.539),
            ("who knows the law", "logq", "oracle", 0.714),
            ("in-batch", "in_batch", "coverage", 0.80),
            ("logQ", "logq", "coverage", 0.29),
        )
    ),
    Figure(
        "recall with logQ over that of popularity",
        0.539 / 0.444,
        "logq.recall / popularity.recall",
        0.1,
        "R",
        TRIAL,
        given=FIFTY,
    ),
)

SOURCES = (
    Source(
        "Covington, Adams and Sargin, Deep Neural Networks for YouTube Recommendations",
        2016,
        "https://doi.org/10.1145/2959100.2959190",
    ),
    Source(
        "Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei and Chi, Sampling-Bias-Corrected Neural Modeling for Large "
        "Corpus Item Recommendations",
        2019,
        "https://doi.org/10.1145/3298689.3346996",
    ),
    Source(
        "Yang, Yi, Cheng, Hong, Li, Wang, Xu and Chi, Mixed Negative Sampling for Learning Two-tower Neural Networks "
        "in Recommendations",
        2020,
        "https://doi.org/10.1145/3366424.3386195",
    ),
    Source("Steck, Embarrassingly Shallow Autoencoders for Sparse Data", 2019, "https://arxiv.org/abs/1905.03375"),
    Source(
        "Bachrach, Finkelstein, Gilad-Bachrach, Katzir, Koenigstein, Nice and Paquet, Speeding Up the Xbox Recommender "
        "System Using a Euclidean Transformation for Inner-Product Spaces",
        2014,
        "https://doi.org/10.1145/2645710.2645741",
    ),
)
