"""A reader is handed some hundred tokens of many manuals, and should find the answer in them. Where are texts cut?

**Clarify.** How many tokens may be handed over, and how many places hold an answer? What is laid out (headings, lists,
code), and what is one line? Do facts name what they are about, or say "its"? Is what is handed over counted in tokens,
or in chunks?

**Estimate.** {documents} manuals have some {tokens:,} tokens and {facts} facts of some {answer} tokens. Of {budget}
tokens at most {iou:.0%} can be of the answer. Pieces of {characters} characters are 150 for every 1,000 tokens of text,
chunks of {limit} tokens seven.

**Design.** The first proposal cuts every {characters} characters. What is found then has the words of the question, and
the answer is in the piece after it: of 400 tokens not half of it is handed over. A sentence is still put together from
pieces; of a list or of settings a third and a quarter are. Only who is handed fewer tokens than a chunk has gets more
in small pieces.

**Deep dive: count tokens.** Five chunks of 150 tokens are 710 tokens, five of 50 are 250. Counted in chunks the longer
win by a quarter of the answers; of 50 tokens the shorter hand over more than twice as much. Chroma's .809 and .897
compare 1,200 characters with up to 400 tokens, five chunks of either: they do not say which cut is better.

**Deep dive: what it is about.** Seven of ten facts say "its". A chunk that begins after the name is not found by it.
Cut at headings, 89 % of the answer are among 200 tokens, cut anywhere 71 %; with the headings above each chunk 99 %,
for an index that is 3 or 4 % larger. Where all facts name what they are about, any cut will do.

**Deep dive: overlap.** Chunks that begin with half of the one before find more where there is room for some of them,
and less where there is not, for an index nearly twice as large.

**Deep dive: vectors of sentences.** Beside headings they lose: they guess what is written there. In a text of one line
whose topics share no noun they find ten of a hundred answers more than cuts anywhere, and so does an overlap, which
embeds nothing. Who is told where topics begin finds twenty: the vectors are a sentence or two off. It stops paying
where topics share their nouns, and where sentences stand some places off, so that topics run into each other: then
even to be told is worth nothing.

**Scale.** Cutting takes time that grows with the text; a chunk is kept as two numbers. A vector for each sentence costs
more than all the rest. What is cut anew has to be indexed anew.

**What real systems do.** Splitters of libraries go by separators, and put texts together again; here a chunk is a place
in the text, so that nothing is lost and what is found can be shown where it stands.

**Left open.** Readers that are handed what stands around what was found; a model that writes what a chunk is about;
late chunking; other languages; retrieval by vectors; whether a reader understands what it is handed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.ai.chunking.claims import (
    ABOVE,
    BOUND,
    CLAIMS,
    DEMANDS,
    FIGURES,
    FREE,
    MANUALS,
    PAYS,
    PIECES,
    SOURCES,
    STOPS,
    UNEQUAL,
)
from windtunnel.catalogue.ai.chunking.designs import (
    CHARACTERS,
    Characters,
    Fixed,
    Headed,
    Overlapped,
    Recursive,
    Semantic,
    Setting as Setting,
    Short,
    Structure,
    ToldTopics,
)
from windtunnel.catalogue.ai.chunking.judging import by_budget, by_kind, costs, exactness, measure
from windtunnel.catalogue.ai.chunking.rig import Rig
from windtunnel.catalogue.ai.chunking.tools import Chunk as Chunk, Tools as Tools
from windtunnel.catalogue.ai.chunking.world import LAYOUTS, world


@dataclass(frozen=True)
class Params:
    """What is searched, and how long a chunk may be."""

    documents: int = param(6, "manuals", 2, 24)
    topics: int = param(6, "topics of a manual, with four facts each", 2, 8)
    questions: int = param(144, "questions, each answered in one place", 20, 400)
    layout: str = param(
        "headings", "how a manual is laid out: with headings, with empty lines alone, or as one line", choices=LAYOUTS
    )
    own: float = param(0.5, "share of the nouns in sentences that belong to their topic alone", 0.0, 1.0)
    drift: float = param(
        0.0, "sentences by which one may stand too early or too late: topics run into each other", 0.0, 12.0
    )
    named: float = param(0.3, "share of the facts that name what they are about; the others say 'its'", 0.0, 1.0)
    limit: int = param(150, "tokens that a chunk may have", 20, 400)
    overlap: float = param(0.5, "share of a chunk that is the end of the one before, where chunks overlap", 0.0, 0.75)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`add(seed, document)`, `ask(seed, question, kind)`, `again(seed, document)`: the seed is that of the manuals."""
    seed = luck.getrandbits(31)

    def op(name: str, *args: object) -> Op:
        return Op(0.0, "client", name, (seed, *args), think_s=0.0)

    for document in range(p.documents):
        yield op("add", document)
    yield op("again", 0)
    for number, question in enumerate(world(seed, p).questions):
        yield op("ask", number, question.kind)


TOKENS, ANSWER, BUDGET = 1100, 17, 200
"""Of a manual and of an answer, about; and what a reader is handed."""

__doc__ = (__doc__ or "").format(
    documents=MANUALS["documents"],
    tokens=TOKENS * Params.documents,
    facts=4 * Params.topics * Params.documents,
    answer=ANSWER,
    budget=BUDGET,
    iou=ANSWER / BUDGET,
    characters=CHARACTERS,
    limit=Params.limit,
)

experiment = Experiment(
    title="Chunking",
    question="For as many tokens, which cut of a text hands over most of the answer?",
    params=Params,
    workload=workload,
    designs={
        "characters": Characters,
        "fixed": Fixed,
        "short": Short,
        "overlapped": Overlapped,
        "recursive": Recursive,
        "semantic": Semantic,
        "told_topics": ToldTopics,
        "structure": Structure,
        "headed": Headed,
    },
    rig=Rig,
    measure=measure,
    seeds=6,
    charts=(
        Chart("Recall by what a reader is handed", "tokens handed over", "recall", by_budget, log="x"),
        Chart("Precision against recall", "recall", "precision", exactness),
        Chart("Recall by what is asked for", "answer", "recall", by_kind, kind="bars"),
        Chart("What it costs", "what", "how many", costs, kind="bars", log="y"),
    ),
    maps=(Map(PAYS, "own", "drift", (0.0, 1.0), (0.0, 8.0)),),
    asks=(
        Ask(
            "Texts are cut every 30 characters, and 400 tokens of what matches best are handed over. Which share of "
            "the answer is among them?",
            "100 * characters.recall_400",
            "%",
            0,
            100,
        ),
        Ask(
            "And if it is cut every 150 tokens?",
            "100 * fixed.recall_400",
            "%",
            0,
            100,
        ),
        Ask(
            "How many points more of the answer are among 200 tokens if texts are cut by vectors of their sentences, "
            "and not every 150 tokens?",
            "100 * (semantic.recall_200 - fixed.recall_200)",
            "points",
            -50,
            50,
        ),
    ),
    why=(
        Why("What matches is in one piece, and the answer in the next.", PIECES),
        Why("Who counts chunks hands more text to the longer ones.", UNEQUAL),
        Why("Headings say where topics begin, and cost nothing.", FREE),
        Why("A chunk that says 'its' is found by what stands above it.", ABOVE),
        Why("Vectors see an edge where topics share no noun.", PAYS),
        Why("There is more to be had than they find.", BOUND),
        Why("Where topics run into each other there is no edge to be found.", STOPS),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "If you read one chunk alone, would you know what 'its' is?",
        "Where does the text itself say that something else begins, and what does it not say in one line?",
        "Cut before headings, keep lists and code whole as far as they fit, put the headings that stand above a chunk "
        "above it within its limit, and cut at ends of sentences where there are none.",
    ),
    sources=SOURCES,
    quick={},
)
