"""The inverted index against its plain Python, bm25s and tantivy."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.text.inverted_index import InvertedIndex
from windtunnel.blocks.text.inverted_index_plain import PlainIndex, lucene_length
from windtunnel.blocks.text.tokenizer import Tokenizer

words = st.sampled_from([*"abcdefgh", "aa", "bb", "é", "漢"])
texts = st.lists(words, max_size=12).map(" ".join)


def zipf_texts(count: int, seed: int, longest: int = 60, vocabulary: int = 3000) -> list[str]:
    """Texts whose words are as unevenly common as those of a language."""
    random = Random(seed)
    weights = [1 / rank for rank in range(1, vocabulary + 1)]
    names = [f"w{i}" for i in range(vocabulary)]
    return [" ".join(random.choices(names, weights, k=random.randrange(1, longest))) for _ in range(count)]


@settings(max_examples=examples(40), deadline=None)
@given(
    documents=st.lists(texts, min_size=1, max_size=40),
    queries=st.lists(texts, min_size=1, max_size=5),
    k=st.integers(1, 8),
    k1=st.sampled_from([0.0, 0.9, 1.2]),
    b=st.sampled_from([0.0, 0.4, 1.0]),
    rounded=st.booleans(),
)
def test_the_kernels_find_what_the_plain_python_finds(
    documents: list[str], queries: list[str], k: int, k1: float, b: float, rounded: bool
) -> None:
    cut = Tokenizer().tokens
    plain = PlainIndex([cut(text) for text in documents], k1, b, rounded=rounded)
    index = InvertedIndex(k1=k1, b=b, norms="lucene" if rounded else "exact")
    for start in range(0, len(documents), 7):
        index.add(documents[start : start + 7])
    found, scores = index.search_many(queries, k)
    for method in ("wand", "all"):
        again, same = index.search_many(queries, k, method=method)
        assert (found == again).all()
        assert (scores == same).all()
    for query, row, some in zip(queries, found, scores, strict=True):
        hits, having = plain.search_all(cut(query), k)
        assert plain.search(cut(query), k)[0] == hits
        assert plain.search_max_score(cut(query), k)[0] == hits
        assert having <= len(documents)
        assert [score for _, score in hits] == pytest.approx(some[: len(hits)].tolist(), rel=1e-6)
        assert (row[len(hits) :] == -1).all()
        for document, score in zip(row[: len(hits)].tolist(), some.tolist(), strict=False):
            asked = cut(query)
            assert sum(plain.impact(w, document) for w in asked if document in plain.postings.get(w, {})) == (
                pytest.approx(score, rel=1e-6)
            )


@pytest.fixture(scope="module")
def large_index() -> InvertedIndex:
    index = InvertedIndex()
    index.add(zipf_texts(20_000, 1))
    return index


@pytest.mark.parametrize("k", [1, 10, 100])
def test_wand_and_max_score_give_the_answer_of_scoring_all_and_score_a_small_part(
    large_index: InvertedIndex, k: int
) -> None:
    index, queries = large_index, zipf_texts(100, 2, longest=6)
    answers, scored = {}, {}
    for method in ("max-score", "wand", "all"):
        before = index.documents_scored
        answers[method] = index.search_many(queries, k, method=method)
        scored[method] = index.documents_scored - before
    for method in ("max-score", "wand"):
        assert (answers[method][0] == answers["all"][0]).all()
        assert (answers[method][1] == answers["all"][1]).all()
    assert scored["wand"] * (5 if k <= 10 else 2) < scored["all"]
    assert scored["max-score"] * 5 < scored["all"]


@pytest.mark.parametrize("search", [PlainIndex.search, PlainIndex.search_max_score])
def test_plain_wand_and_max_score_score_fewer_documents_too(search: Any) -> None:
    plain = PlainIndex([text.split() for text in zipf_texts(2000, 3)])
    costs = [(search(plain, q.split(), 5), plain.search_all(q.split(), 5)) for q in zipf_texts(20, 4, longest=5)]
    assert all(found[0] == full[0] for found, full in costs)
    assert sum(found[1] for found, _ in costs) * 2 < sum(full[1] for _, full in costs)


def test_scores_are_those_of_bm25s() -> None:
    import bm25s

    documents, queries = zipf_texts(2000, 5), zipf_texts(50, 6, longest=6)
    peer = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    peer.index([text.split() for text in documents], show_progress=False)
    index = InvertedIndex(k1=1.2, b=0.75)
    index.add(documents)
    for query in queries:
        exact = peer.get_scores(query.split())
        hits = index.search(query, 10)
        assert [score for _, score in hits] == pytest.approx(sorted(exact[exact > 0], reverse=True)[:10], rel=1e-4)
        assert [exact[document] for document, _ in hits] == pytest.approx([score for _, score in hits], rel=1e-4)


def test_scores_with_lucenes_norms_are_those_of_tantivy() -> None:
    tantivy = pytest.importorskip("tantivy")
    documents, queries = zipf_texts(1500, 7, longest=300), zipf_texts(30, 8, longest=5)
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", stored=False)
    builder.add_integer_field("number", stored=True)
    peer = tantivy.Index(builder.build())
    writer = peer.writer(num_threads=1)
    for number, text in enumerate(documents):
        writer.add_document(tantivy.Document(body=text, number=number))
    writer.commit()
    writer.wait_merging_threads()
    peer.reload()
    index = InvertedIndex(norms="lucene")
    index.add(documents)
    searcher = peer.searcher()
    for text in queries:
        query = " ".join(dict.fromkeys(text.split()))  # tantivy's parser drops a word that stands twice
        theirs = [score / 2.2 for score, _ in searcher.search(peer.parse_query(query, ["body"]), 10).hits]
        assert [score for _, score in index.search(query, 10)] == pytest.approx(theirs, rel=1e-4)


def test_lengths_are_rounded_to_four_bits_above_24() -> None:
    table = sorted({lucene_length(n) for n in range(200)})
    assert table[:41] == list(range(41))
    assert table[41:56] == [42, 44, 46, 48, 50, 52, 54, 56, 60, 64, 68, 72, 76, 80, 84]
    assert all(lucene_length(n) <= n for n in range(10_000))
    assert len({lucene_length(n) for n in range(2**20)}) < 256


def test_documents_are_found_by_their_words() -> None:
    index = InvertedIndex(tokenizer=Tokenizer(stopwords=["the"]))
    assert index.search("anything") == []
    assert index.add(["The quick brown fox", "the LAZY dog", "", "a quick, quick dog"]) == range(4)
    assert [document for document, _ in index.search("Quick dog")] == [3, 1, 0]
    assert index.search("the") == []
    assert index.search("") == []
    assert index.search("unheard") == []
    assert index.document_frequency("quick") == 2
    assert index.document_frequency("the") == 0
    assert index.document_frequency("two words") == 0
    index.add(["fox and fox"])
    assert [document for document, _ in index.search("fox")] == [4, 0]
    assert len(index) == 5


def test_of_equal_scores_the_earlier_document_is_first() -> None:
    index = InvertedIndex()
    index.add(["same words"] * 300)
    assert [document for document, _ in index.search("words same", 5)] == [0, 1, 2, 3, 4]


def test_a_saved_index_answers_and_grows_as_the_one_it_was_saved_from() -> None:
    documents = zipf_texts(300, 9)
    index = InvertedIndex(norms="lucene", k1=0.9, tokenizer=Tokenizer(stopwords=["w0", "é"], accents=True))
    index.add(documents[:200])
    again = InvertedIndex.from_bytes(index.to_bytes())
    assert again.to_bytes() == index.to_bytes()
    for both in (index, again):
        both.add([*documents[200:], "漢字 é new"])
    assert again.search("w1 w2 w7 字 é", 20) == index.search("w1 w2 w7 字 é", 20)
    empty = InvertedIndex.from_bytes(InvertedIndex().to_bytes())
    assert len(empty) == 0
    assert empty.search("a") == []


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_damaged_index_is_refused(data: st.DataObject) -> None:
    index = InvertedIndex()
    index.add(["a b", "b c"])
    saved = bytearray(index.to_bytes())
    place = data.draw(st.integers(0, len(saved) - 1))
    saved[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedError):
        InvertedIndex.from_bytes(bytes(saved))


def test_an_arrow_column_is_a_batch() -> None:
    arrow = pytest.importorskip("pyarrow")
    index = InvertedIndex()
    index.add(arrow.array(["one two", "two three"]))
    documents, _ = index.search_many(arrow.array(["three", "one"]), 1)
    assert documents.tolist() == [[1], [0]]


def test_bad_input_is_refused_with_a_sentence() -> None:
    index = InvertedIndex()
    with pytest.raises(ValueError, match="not one text"):
        index.add("one text")
    with pytest.raises(ValueError, match="something else"):
        index.add(["a", None])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="at least 1"):
        index.search("a", 0)
    with pytest.raises(ValueError, match="The method is"):
        index.search_many(["a"], method="best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="k1 is at least 0"):
        InvertedIndex(k1=-1)
    with pytest.raises(ValueError, match="norms are"):
        InvertedIndex(norms="none")  # type: ignore[arg-type]
    assert len(index) == 0
    assert np.array_equal(index.search_many([], 3)[0], np.empty((0, 3)))
