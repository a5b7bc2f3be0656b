"""Thousands of passages, and queries of all kinds. Which does each kind of search lose, and does fusing help?

**Clarify.** Who asks: people who know the identifier, people who use other words than the writer did, people who cannot
spell, people who ask what is *not* so? Within how many places must the answer stand? Is the language that of the
encoder's teachers, or your own? Here every word is made up, so that only who has read older texts can know what means
the same; the answers are known.

**Estimate.** {passages:,} passages of some 25 words. A vector of {dim} bytes each is {kib:,.0f} KiB, and all are
multiplied for a query. A vector for each word is 22 times that. Two people take the same word for a thing in fewer than
one of five cases (Furnas): in a query of three words that all differ nothing is left for who compares words.

**Design.** The first proposal wants every word. It finds numbers, and what is asked in the passage's own words; there
it is enough, and BM25 besides loses nothing. Let half of the words be other nouns and half mistyped: BM25 loses three
to four of ten of either class. Vectors lose one of ten, and two of three numbers: of a number that was never met they
keep pieces, and many numbers have those. Pieces without vectors, ranked by BM25, find every number and nearly all that
is mistyped.

**Deep dive: fusion.** Reciprocal rank fusion adds up 1 / (60 + rank). It loses half of what either loses alone. But
whatever two rankings have among their first 61 goes before what one has first. Where no word of the query is the
passage's, BM25 has nothing right to say, and says it all the same: fusion then loses nearly all of the paraphrases, of
which vectors lose a quarter. With 1 in the place of 60 it loses half. Who sends numbers to BM25 and the rest to vectors
loses neither.

**Deep dive: words.** A vector for each word, compared when the query comes (late interaction), mends what fusion has
in the wrong order, and no class but one is lost. It finds nothing that it is not given: of ten candidates it loses a
quarter. What the encoder has not read nobody makes up for: with 60 older texts vectors and rerankers lose nearly all
paraphrases.

**Deep dive: made-up answers.** HyDE searches with passages that somebody wrote. Here a chain of words does, learned
from older texts: it knows what is said of a noun. That is enough to find nearly every paraphrase. Of numbers and of
what is mistyped it writes nothing, and what it writes of the other words of a query drowns them. What a language model
writes is another matter, and the same hook.

**Deep dive: not.** Two passages differ in what one affirms and the other denies. For a third of the queries each of
these ways tells the opposite first.

**Scale.** Vectors are searched by an index (`hnsw`); rerankers see fifty passages however many there are.

**What real systems do.** MongoDB fuses by reciprocal ranks with 60, which nobody can change; Weaviate adds scores that
are brought to one scale, since 1.24. Anthropic reports failures at 20 places of 3.7 % by vectors, 2.9 % with BM25,
1.9 % with a reranker, on texts of its own.

**Left open.** Weights for the two rankings; encoders that are taught with your queries; models that read query and
passage together, and may tell *not*; pieces that have lost their document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.catalogue.ai.embeddings.claims import (
    BOTH,
    CLAIMS,
    DEMANDS,
    DENIED,
    DRAGGED,
    FIGURES,
    LOST_BY_VECTORS,
    LOST_BY_WORDS,
    PAID,
    PIECES,
    QUICK,
    RERANKED,
    ROUTED,
    SOURCES,
    WRITTEN,
)
from windtunnel.catalogue.ai.embeddings.designs import (
    Dense,
    Fused,
    Hypothetical,
    Keywords,
    Pieces,
    Reranked,
    Routed,
    Setting as Setting,
    WordsRanked,
)
from windtunnel.catalogue.ai.embeddings.judging import AGAIN, asked, by_class, costs, depth, measure, steps
from windtunnel.catalogue.ai.embeddings.rig import Library as Library, Rig, tokenizer as tokenizer


@dataclass(frozen=True)
class Params:
    """What is searched, what is asked, and how rankings are joined."""

    passages: int = param(300, "passages to be searched", 60, 2000)
    queries: int = param(40, "queries of each class, a third of the passages at most", 10, 200)
    concepts: int = param(100, "things that passages are about, five each", 40, 200)
    nouns: int = param(2, "nouns that mean the same thing", 1, 4)
    others: float = param(0.5, "share of the words of a paraphrase that are other nouns than the passage's", 0.0, 1.0)
    typos: float = param(0.5, "share of the words of a query of this class that are mistyped", 0.0, 1.0)
    older: int = param(500, "older texts, which the encoder has read", 60, 2000)
    retrained: bool = param(False, "whether the encoder has read the passages too")
    dim: int = param(96, "numbers of a vector", 16, 256)
    k: int = param(5, "places within which a right passage counts", 1, 20)
    depth: int = param(50, "places of a ranking that are fused, and of the fused one that are reranked", 10, 200)
    rrf_k: int = param(60, "how little a first place is worth beside one in two rankings", 0, 200)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`index(seed)`, `search(seed, number)` for each query, some of them twice, `weigh(seed)`."""
    seed = luck.getrandbits(31)
    many = asked(p)
    yield Op(0.0, "client", "index", (seed,), think_s=0.0)
    for number in (*range(many), *reversed(range(0, many, AGAIN))):
        yield Op(0.0, "client", "search", (seed, number), think_s=0.0)
    yield Op(0.0, "client", "weigh", (seed,), think_s=0.0)


__doc__ = (__doc__ or "").format(passages=Params.passages, dim=Params.dim, kib=Params.passages * Params.dim / 1024)

experiment = Experiment(
    title="Embeddings",
    question="Which queries does each kind of search lose, and does fusing two rankings beat both?",
    params=Params,
    workload=workload,
    designs={
        "keywords": Keywords,
        "bm25": WordsRanked,
        "trigrams": Pieces,
        "dense": Dense,
        "hyde": Hypothetical,
        "routed": Routed,
        "fused": Fused,
        "reranked": Reranked,
    },
    rig=Rig,
    measure=measure,
    seeds=3,
    charts=(
        Chart("Failures by class of query", "class", "share that failed", by_class, kind="bars"),
        Chart("Failures, step by step", "queries", "share that failed", steps, kind="bars"),
        Chart("Answered within so many places", "places", "share of the queries", depth),
        Chart("What it costs", "what", "how many", costs, kind="bars"),
    ),
    asks=(
        Ask(
            "BM25 is asked in words of which half are other nouns than the passage's. What share does it lose?",
            "100 * bm25.failure_paraphrase",
            "%",
            0,
            100,
        ),
        Ask(
            "Vectors are asked for a number that the encoder has never met. What share do they lose?",
            "100 * dense.failure_identifier",
            "%",
            0,
            100,
        ),
        Ask("Both are fused: what share of all queries is lost?", "100 * fused.failure", "%", 0, 100),
    ),
    why=(
        Why("Words are compared as they are spelled.", LOST_BY_WORDS),
        Why("Of a number that was never met a vector keeps pieces.", LOST_BY_VECTORS),
        Why("Pieces can be ranked without vectors.", PIECES),
        Why("Each ranking has what the other one loses.", BOTH),
        Why("What two rankings have far down goes before what one has first.", DRAGGED),
        Why("A query with a number in it may go where numbers are found.", ROUTED),
        Why("What is written about a noun is the company that it keeps.", WRITTEN),
        Why("Word by word nothing is blurred.", RERANKED),
        Why("A vector for each word is kept, and multiplied.", PAID),
        Why("What is denied has the words of what is affirmed.", DENIED),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Which words of a query does no passage have, and which of them would a reader of older texts know?",
        "What of a number is left in a vector of a whole passage, and what does a ranking say that has found nothing?",
        "Take candidates from words, from pieces of them and from `library.encoder.encode`; then compare each word of "
        "the query with each word of a candidate by `library.encoder.words`, rare words counting more.",
    ),
    sources=SOURCES,
    quick=QUICK,
)
