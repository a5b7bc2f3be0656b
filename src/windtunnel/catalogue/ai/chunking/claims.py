"""What is claimed, what a challenger's chunks have to do, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

CHROMA = "chunking_evaluation"
MANUALS = {
    "documents": 6, "topics": 6, "questions": 144, "layout": "headings", "own": 0.5, "drift": 0.0, "named": 0.3,
    "limit": 150, "overlap": 0.5
}  # fmt: skip
NAMED = {**MANUALS, "named": 1.0}
LONG = {**MANUALS, "limit": 300}
SHARP = {**MANUALS, "layout": "run_on", "own": 1.0, "limit": 200}
"""One line of text, whose topics share no noun."""
MIXED = {**SHARP, "drift": 8.0}
ALIKE = {**SHARP, "own": 0.0}
EVERYBODY = (
    "characters",
    "fixed",
    "short",
    "overlapped",
    "recursive",
    "semantic",
    "told_topics",
    "structure",
    "headed",
)


def of_all(what: str, designs: tuple[str, ...] = EVERYBODY) -> str:
    """The greatest of all of them."""
    return f"max({', '.join(f'{design}.{what}' for design in designs)})"


PIECES = "characters.recall_400 < 0.6 and headed.recall_400 > 0.95"
UNEQUAL = (
    "short.recall_five < fixed.recall_five - 0.1 and short.recall_50 > fixed.recall_50"
    " and 0.25 * fixed.tokens_five < short.tokens_five < 0.4 * fixed.tokens_five"
)
ABOVE = "headed.recall_200 > structure.recall_200 + 0.02 and headed.index < 1.1"
FREE = "structure.recall_200 > semantic.recall_200 + 0.05"
SAID = "abs(structure.recall_200 - told_topics.recall_200) < 0.1"
NAMES = "min(fixed.recall_400, overlapped.recall_400, recursive.recall_400, structure.recall_400) > 0.95"
TWICE = "overlapped.recall_200 + overlapped.recall_400 > fixed.recall_200 + fixed.recall_400 + 0.04"
PAYS = "semantic.recall_100 + semantic.recall_200 > fixed.recall_100 + fixed.recall_200"
BOUND = (
    "told_topics.recall_200 > fixed.recall_200 + 0.1"
    " and told_topics.recall_100 + told_topics.recall_200 > semantic.recall_100 + semantic.recall_200"
)
STOPS = "max(semantic.recall_400, told_topics.recall_400) < fixed.recall_400 + 0.1"

CLAIMS = (
    Claim(
        PIECES,
        "A piece of thirty characters has not the words of the question, and of a list it is a part of a line.",
        breaks="characters",
        given=MANUALS,
    ),
    Claim(
        "characters.recall_50 > fixed.recall_50 + 0.05",
        "A reader who is handed fewer tokens than a chunk has gets more of the answer in small pieces.",
        spares="characters",
        given=LONG,
    ),
    Claim(
        "characters.of_sentence > characters.of_settings + 0.2",
        "A sentence is put together from pieces that match; lines of settings match nothing.",
        given=MANUALS,
    ),
    Claim(
        UNEQUAL,
        "Five long chunks are more text than five short ones: counted in chunks the longer win, and of fifty tokens "
        "the shorter tell more.",
        CHROMA,
        given=MANUALS,
    ),
    Claim(
        "headed.recall_200 > fixed.recall_200 + 0.02",
        "For as many tokens, who cuts where the text says so hands over more than who cuts anywhere.",
        given=MANUALS,
    ),
    Claim(
        FREE,
        "Headings say for nothing what vectors of sentences guess.",
        over="mean",
        given=MANUALS,
    ),
    Claim(
        SAID,
        "And they say as much as somebody does who knows where each topic begins.",
        given=MANUALS,
    ),
    Claim(
        ABOVE,
        "A chunk that says 'its' is found by the heading that names what it is about, which costs a few tokens.",
        given=MANUALS,
    ),
    Claim(
        NAMES,
        "Where each fact names what it is about, any cut of this length will do.",
        given=NAMED,
    ),
    Claim(
        "abs(recursive.recall_400 - fixed.recall_400) < 0.04 and recursive.index == fixed.index",
        "Ends of sentences alone save nothing there: few answers are cut in two.",
        given=NAMED,
    ),
    Claim(
        TWICE,
        "Half a chunk told twice keeps what begins it and what follows together.",
        over="mean",
        given=SHARP,
    ),
    Claim(
        "overlapped.index > 1.7 and overlapped.recall_50 < fixed.recall_50 and overlapped.embedded == 0",
        "The index is nearly twice as large for it, and of few tokens the beginning is what was told before.",
        given=SHARP,
    ),
    Claim(
        PAYS,
        "Where topics share no noun and nothing else parts them, vectors of sentences find where one ends.",
        over="mean",
        given=SHARP,
    ),
    Claim(
        "overlapped.recall_400 > semantic.recall_400 - 0.07",
        "An overlap finds as much without them.",
        over="mean",
        given=SHARP,
    ),
    Claim(
        "semantic.embedded > 60 and semantic.index == 1",
        "They cost a vector for each sentence, before anything is asked.",
        given=SHARP,
    ),
    Claim(
        BOUND,
        "There is more to be had than they find: they are a sentence or two off.",
        over="mean",
        given=SHARP,
    ),
    Claim(
        STOPS,
        "Where a sentence may stand eight places off, topics have no edge: to know where they begin is worth nothing.",
        over="mean",
        given=MIXED,
    ),
    Claim(
        TWICE,
        "An overlap does not ask where topics begin.",
        over="mean",
        given=MIXED,
    ),
    Claim(
        "semantic.recall_400 < fixed.recall_400 + 0.04",
        "Where topics share all nouns vectors see no edge.",
        over="mean",
        given=ALIKE,
    ),
    Claim(
        "structure.recall_200 == recursive.recall_200 and headed.recall_200 == recursive.recall_200",
        "Where nothing is laid out, structure is ends of sentences.",
        given=SHARP,
    ),
    Claim(
        f"{of_all('long')} == 0 and {of_all('astray')} == 0 and {of_all('unsteady')} == 0"
        f" and {of_all('lost', EVERYBODY[1:])} == 0 and {of_all('parted', EVERYBODY[1:])} == 0",
        "Chunks are places in the text, no longer than they may be, and but for pieces of characters part no token.",
    ),
    Claim(
        "characters.parted > 500 and characters.lost > 250 and told_topics.told == params.documents",
        "Of thirty characters the first and the last are mostly within a word.",
        given=MANUALS,
    ),
)

DEMANDS = (
    Claim("yours.astray == 0", "A chunk is a place in the text, counted in characters.", always=True, given=MANUALS),
    Claim("yours.lost == 0", "Every token is in a chunk.", always=True, given=MANUALS),
    Claim(
        "yours.long == 0", "No chunk has more tokens than it may, with what is above it.", always=True, given=MANUALS
    ),
    Claim("yours.parted == 0", "No word is cut in two.", given=MANUALS),
    Claim("yours.unsteady == 0", "A document is cut the same whatever was cut before.", given=MANUALS),
    Claim("yours.told == 0", "Nobody knows where topics begin.", given=MANUALS),
    Claim("yours.index < 1.2", "The index does not grow by a fifth.", given=MANUALS),
    Claim("yours.embedded < 400", "And no sentence is embedded three times.", given=MANUALS),
    Claim(
        "yours.recall_400 > 0.97",
        "Of 400 tokens nearly all of the answer is there, also where it says 'its'.",
        given=MANUALS,
    ),
    Claim("yours.recall_200 > 0.93", "Of 200 too.", given=MANUALS),
    Claim(
        "yours.recall_400 > 0.65 and yours.lost == 0 and yours.long == 0",
        "And a text of one line is cut no worse than anywhere.",
        given=SHARP,
    ),
)

FIGURES = tuple(
    Figure(
        f"{name}, {what}",
        value,
        ours,
        0.03,
        "V",
        "its five corpora, text-embedding-3-large, five chunks, however long: 1,200 characters, or up to 400 tokens",
        CHROMA,
        given={**MANUALS, "limit": limit},
    )
    for what, design, limit, recall, iou in (
        ("fixed, 1,200 characters", "fixed", 270, 0.809, 0.177),
        ("ClusterSemanticChunker, 400 tokens", "semantic", 400, 0.897, 0.183),
    )
    for name, value, ours in (
        ("recall", recall, f"{design}.recall_five"),
        ("intersection over union", iou, f"{design}.iou_five"),
    )
)

SOURCES = (
    Source(
        "Smith and Troynikov (Chroma), chunking_evaluation, README.md",
        2024,
        "https://github.com/brandonstarxel/chunking_evaluation",
    ),
)
