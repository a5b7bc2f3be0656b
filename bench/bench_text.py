"""Text: documents indexed, queries answered and prefixes completed a second.

Search stands against tantivy (Rust) and bm25s (NumPy, Numba), completion against marisa-trie (C++) and SQLite.

The texts are drawn: words as unevenly common as in a language (Zipf), 20 to 120 of them a document; queries of two to
five words, each drawn from a document, so that they are as common as what people write. What is completed are the
first one to six letters of words, drawn by their weights, as in typing.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache
from heapq import nlargest
from itertools import islice
from operator import itemgetter
from typing import Any

from bench.harness import Row, Timed

DOCUMENTS = 50_000
QUERIES = 1_000
WORDS = 60_000
K = 10
TERMS = 200_000
PREFIXES = 200
LAST = "\U0010ffff"
"""After all that a term may go on with."""


def rows() -> Iterator[Row]:
    documents, queries = corpus()
    yield Row(
        f"BM25, index {DOCUMENTS:,} documents from a list of strings",
        {
            "ours": lambda: ours_index(documents),
            "tantivy (Rust), one thread": lambda: tantivy_index(documents),
            "bm25s": lambda: bm25s_index(documents),
        },
        unit="document/s",
        bar=1.0,
        note="to the first answer: postings weighed, segments committed; the peers' own tokenizers",
        packages=("tantivy", "bm25s"),
    )
    for least, most in ((2, 3), (4, 5)):
        some = [query for query in queries if least <= len(query.split()) <= most]
        yield Row(
            f"BM25, top {K} of {least} or {most} words",
            {
                "ours, MaxScore": lambda some=some: ours_search(documents, some, "max-score"),
                "ours, WAND": lambda some=some: ours_search(documents, some, "wand"),
                "ours, every document": lambda some=some: ours_search(documents, some, "all"),
                "tantivy (Rust)": lambda some=some: tantivy_search(documents, some),
                "bm25s, Numba": lambda some=some: bm25s_search(documents, some),
            },
            unit="query/s",
            bar=1.0,
            note="tantivy parses each query, bm25s and ours take a batch and cut it into words",
            packages=("tantivy", "bm25s"),
        )
    yield Row(
        f"completion, the {K} best of {TERMS:,} terms, from a list of prefixes",
        {
            "ours": ours_complete,
            "marisa-trie (C++) and heapq": lambda: marisa_complete(PREFIXES),
            "SQLite, an index on terms": sqlite_complete,
            "a sorted list, bisect and heapq": list_complete,
        },
        unit="prefix/s",
        bar=1.0,
        note="no peer keeps the greatest weight of a prefix: each looks at all terms that begin so",
        packages=("marisa-trie",),
    )
    yield Row(
        f"completion, the {K} best of {TERMS:,} terms, one at a time",
        {
            "ours": lambda: each(ours_completion().complete, PREFIXES),
            "ours, plain Python": lambda: each(plain_completion().complete, PREFIXES),
            "marisa-trie (C++) and heapq": lambda: marisa_complete(PREFIXES),
        },
        unit="prefix/s",
        note="shown without a bar: the way into compiled code is most of the cost",
        packages=("marisa-trie",),
    )


def corpus() -> tuple[list[str], list[str]]:
    """The documents and the queries, the same in every run."""
    import numpy as np

    random = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    words = ["".join(random.choice(letters, random.integers(2, 12))) for _ in range(WORDS)]
    chance = 1 / np.arange(1, WORDS + 1) ** 1.05
    chance /= chance.sum()
    lengths = random.integers(20, 121, DOCUMENTS)
    drawn = np.split(random.choice(WORDS, lengths.sum(), p=chance), np.cumsum(lengths)[:-1])
    documents = [" ".join(words[i] for i in document) for document in drawn]
    queries = []
    for document in random.choice(DOCUMENTS, QUERIES):
        asked = random.choice(drawn[document], random.integers(2, 6))
        queries.append(" ".join(words[i] for i in dict.fromkeys(asked.tolist())))
    return documents, queries


built: dict[str, Any] = {}
"""Each contender's last index: what the rows about queries search."""


def keep(name: str, make: Callable[[], Any]) -> Timed:
    def run() -> int:
        built[name] = make()
        return DOCUMENTS

    return run


def kept(name: str, make: Callable[[], Any]) -> Any:
    if name not in built:
        built[name] = make()
    return built[name]


def ours(documents: list[str]) -> Any:
    from windtunnel.blocks.text import InvertedIndex

    index = InvertedIndex()
    index.add(documents)
    index.search("a")
    return index


def tantivy(documents: list[str]) -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", stored=False)
    index = tantivy.Index(builder.build())
    writer = index.writer(heap_size=256 << 20, num_threads=1)
    for text in documents:
        writer.add_document(tantivy.Document(body=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def bm25s(documents: list[str]) -> Any:
    import logging

    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend="numba")
    tokens = bm25s.tokenize(documents, stopwords=None, token_pattern=r"(?u)\b\w+\b", show_progress=False)
    index.index(tokens, show_progress=False)
    return index


def ours_index(documents: list[str]) -> Timed:
    return keep("ours", lambda: ours(documents))


def tantivy_index(documents: list[str]) -> Timed:
    import tantivy as _  # noqa: F401  (absent: this contender is skipped)

    return keep("tantivy", lambda: tantivy(documents))


def bm25s_index(documents: list[str]) -> Timed:
    import bm25s as _  # noqa: F401

    return keep("bm25s", lambda: bm25s(documents))


def ours_search(documents: list[str], queries: list[str], method: Any) -> Timed:
    index = kept("ours", lambda: ours(documents))

    def run() -> int:
        index.search_many(queries, K, method=method)
        return len(queries)

    return run


def tantivy_search(documents: list[str], queries: list[str]) -> Timed:
    index = kept("tantivy", lambda: tantivy(documents))
    searcher = index.searcher()

    def run() -> int:
        for query in queries:
            searcher.search(index.parse_query(query, ["body"]), K, count=False)
        return len(queries)

    return run


def bm25s_search(documents: list[str], queries: list[str]) -> Timed:
    import bm25s as package

    index = kept("bm25s", lambda: bm25s(documents))

    def run() -> int:
        tokens = package.tokenize(
            queries, stopwords=None, token_pattern=r"(?u)\b\w+\b", return_ids=False, show_progress=False
        )
        index.retrieve(tokens, k=K, show_progress=False, n_threads=1)
        return len(queries)

    return run


@cache
def terms() -> tuple[list[str], list[float]]:
    """The terms and their weights, the same in every run."""
    import numpy as np

    random = np.random.default_rng(2)
    syllables = ["ka", "to", "ri", "an", "el", "mo", "s", "ber", "lin", "u", "sh", "va", "no", "de", "qui"]
    drawn = random.integers(0, len(syllables), (3 * TERMS, 6)).tolist()
    lengths = random.integers(2, 7, 3 * TERMS).tolist()
    made = ("".join(map(syllables.__getitem__, word[:length])) for word, length in zip(drawn, lengths, strict=True))
    words = list(islice(dict.fromkeys(made), TERMS))
    return words, (1e6 / random.permutation(np.arange(1, TERMS + 1))).tolist()


@cache
def prefixes() -> list[str]:
    import numpy as np

    random = np.random.default_rng(3)
    words, weights = terms()
    chance = np.array(weights) / sum(weights)
    typed = random.choice(TERMS, PREFIXES, p=chance).tolist()
    return [words[i][:length] for i, length in zip(typed, random.integers(1, 7, PREFIXES).tolist(), strict=True)]


@cache
def ours_completion() -> Any:
    from windtunnel.blocks.text import PrefixCompletion

    made = PrefixCompletion()
    made.add_many(*terms())
    return made


@cache
def plain_completion() -> Any:
    from windtunnel.blocks.text import PlainPrefixCompletion

    made = PlainPrefixCompletion()
    for term, weight in zip(*terms(), strict=True):
        made.add(term, weight)
    return made


def ours_complete() -> Timed:
    made = ours_completion()

    def run() -> int:
        made.complete_many(prefixes(), K)
        return PREFIXES

    return run


def each(complete: Callable[[str, int], object], count: int) -> Timed:
    def run() -> int:
        for prefix in prefixes()[:count]:
            complete(prefix, K)
        return count

    return run


def marisa_complete(count: int) -> Timed:
    import marisa_trie

    words, weights = terms()
    trie = marisa_trie.RecordTrie("<d", zip(words, ((weight,) for weight in weights), strict=True))
    return each(lambda prefix, k: nlargest(k, trie.items(prefix), key=itemgetter(1)), count)


def sqlite_complete() -> Timed:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE terms (term TEXT PRIMARY KEY, weight REAL) WITHOUT ROWID")
    database.executemany("INSERT INTO terms VALUES (?, ?)", zip(*terms(), strict=True))
    question = "SELECT term, weight FROM terms WHERE term >= ? AND term < ? ORDER BY weight DESC LIMIT ?"
    return each(lambda prefix, k: database.execute(question, (prefix, prefix + LAST, k)).fetchall(), PREFIXES)


def list_complete() -> Timed:
    entries = sorted(zip(*terms(), strict=True))
    words = [word for word, _ in entries]

    def complete(prefix: str, k: int) -> object:
        first, end = bisect_left(words, prefix), bisect_left(words, prefix + LAST)
        return nlargest(k, entries[first:end], key=itemgetter(1))

    return each(complete, PREFIXES)
