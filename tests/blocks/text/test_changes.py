"""Indexes whose documents go and change, words that hide what is not seen, and what is refused whole."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.text import InvertedIndex, PlainIndex, PlainPrefixCompletion, PrefixCompletion, Tokenizer

TEXTS = st.lists(st.sampled_from(["red", "green", "blue", "a", "é"]), max_size=5).map(" ".join)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["add", "delete", "update", "store"]), st.integers(0, 12), TEXTS), max_size=14
)


@given(first=st.lists(TEXTS, max_size=6), changes=CHANGES, method=st.sampled_from(["max-score", "wand", "all"]))
@settings(max_examples=examples(30), deadline=None)
def test_a_changed_index_is_one_of_the_documents_left(first: list[str], changes: list[Any], method: Any) -> None:
    made, texts = InvertedIndex(), dict(enumerate(first))
    made.add(first)
    ever = len(first)
    for what, number, text in changes:
        if what == "add":
            assert made.add([text]) == range(ever, ever + 1)
            texts[ever] = text
            ever += 1
        elif what == "store":
            made = InvertedIndex.from_bytes(memoryview(made.to_bytes()))
        elif number not in texts:
            with pytest.raises(KeyError):
                made.delete([number])
            with pytest.raises(KeyError):
                made.update([number], ["x"])
        elif what == "delete":
            made.delete([np.int64(number)])
            del texts[number]
        else:
            made.update([number], [text])
            texts[number] = text
        assert len(made) == len(texts)
        assert [number in made for number in range(-1, ever + 1)] == [number in texts for number in range(-1, ever + 1)]
    kept = sorted(texts)
    plain = PlainIndex([made.tokenizer.tokens(texts[number]) for number in kept])
    for query in ("red", "red green green", "é a blue", "none"):
        hits, _ = plain.search_all(made.tokenizer.tokens(query), 99)
        found, scores = made.search_many([query], 20, method=method)
        assert [number for number in found[0].tolist() if number >= 0] == [kept[document] for document, _ in hits]
        assert scores[0][: len(hits)].tolist() == pytest.approx([score for _, score in hits])
        assert made.document_frequency(query) == len(plain.postings.get(query, ()))


def test_a_change_with_a_fault_at_its_end_changes_nothing() -> None:
    made = InvertedIndex()
    made.add(["red", "green"])
    before = made.to_bytes()
    with pytest.raises(KeyError):
        made.delete([0, 7])
    with pytest.raises(KeyError):
        made.update([0, 7], ["a", "b"])
    for documents, texts in (([0], ["a", "b"]), ([0, 1], ["a", None]), ([0.5], ["a"]), ([0], "a")):
        with pytest.raises(ValueError, match=r"\.$"):
            made.update(documents, texts)  # type: ignore[arg-type]
    for wrong in ("red", ["red", 3], [b"red"], None, 5, pa.array(["red", None])):
        with pytest.raises(ValueError, match=r"\.$"):
            made.add(wrong)  # type: ignore[arg-type]
    assert made.to_bytes() == before
    assert made.search("red", 10**13) == made.search("red", 1)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1, "1", None, 2j])
def test_parameters_of_a_ranking_are_finite_numbers(number: Any) -> None:
    for name in ("k1", "b"):
        for make in (InvertedIndex, lambda **wrong: PlainIndex([["a"]], **wrong)):
            with pytest.raises(ValueError, match=r"\.$"):
                make(**{name: number})
    with pytest.raises(ValueError, match=r"^k is .*\.$"):
        InvertedIndex().search_many(["a"], number)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("co\u00adoperate", "cooperate"),
        ("ﬁ\u00adne", "FINE"),
        ("می\u200cخواهم", "میخواهم"),
        ("a\u2060b", "ab"),
        ("q\u0307\u0323", "q\u0323\u0307"),
        ("क\u094dष", "क\u094d\u200dष"),
        ("e\ufe0f", "e"),
    ],
)
def test_what_is_not_seen_makes_no_other_word(one: str, other: str) -> None:
    for accents in (True, False):
        cutter = Tokenizer(accents=accents)
        assert cutter.tokens(one) == cutter.tokens(other)
        assert len(cutter.tokens(one)) == 1
    made = InvertedIndex()
    made.add([one, "nothing"])
    assert [document for document, _ in made.search(other)] == [0]
    assert made.document_frequency(other) == 1


@pytest.mark.parametrize(
    "text",
    ["❤️", "👩‍👩‍👧", "\ufe0f", "\u0301", " \u0301\u0301 ", "☎\ufe0e", "🏴\U000e0067\U000e007f", "—\u0308", "\u20e3"],
)
def test_signs_and_marks_alone_are_no_words(text: str) -> None:
    made = InvertedIndex()
    made.add([text, f"{text} word {text}"])
    for accents in (True, False):
        assert Tokenizer(accents=accents).tokens(text) == []
        assert Tokenizer(accents=accents).tokens(f"{text} word{text}")[0][:4] == "word"
    assert made.search(text) == []
    assert InvertedIndex.from_bytes(made.to_bytes()).to_bytes() == made.to_bytes()


def test_a_space_of_no_width_separates_and_turkish_stays_whole() -> None:
    assert Tokenizer().tokens("สวัสดี\u200bครับ") == ["สวัสดี", "ครับ"]
    assert len(Tokenizer().tokens("İstanbul")) == 1
    assert Tokenizer(accents=False).tokens("İstanbul é\u0301") == ["istanbul", "e"]


@pytest.mark.parametrize("kind", [PrefixCompletion, PlainPrefixCompletion])
def test_completion_takes_texts_and_finite_weights_only(kind: Any) -> None:
    made = kind()
    made.add(np.str_("term"), np.float32(2.5))
    for term, weight in ((None, 1), (5, 1), ("a", "1"), ("a", float("nan")), ("a", None), ("a", 2j), (b"a", 1)):
        with pytest.raises(ValueError, match=r"\.$"):
            made.add(term, weight)
    assert made.complete("t", 10**20) == [("term", 2.5)]
    assert (len(made), 5 in made, "term" in made) == (1, False, True)
    if kind is PrefixCompletion:
        for terms, weights in (
            (["a", None], [1, 2]),
            (["a", "b"], [1, "2"]),
            (["a", "b"], pa.array([1, None])),
            ("ab", [1, 2]),
        ):
            with pytest.raises(ValueError, match=r"\.$"):
                made.add_many(terms, weights)
        assert len(made) == 1


def test_threads_may_share_completion_and_index() -> None:
    made, index, failed = PrefixCompletion(), InvertedIndex(), list[BaseException]()

    def run(start: int) -> None:
        try:
            for i in range(40):
                made.add_many([f"{start} {i} {j}" for j in range(9)], range(9))
                assert made.complete(f"{start} {i}", 1) == [(f"{start} {i} 8", 8.0)]
                made.remove(f"{start} {i} 3")
                (number,) = index.add([f"word w{start}x{i}"])
                assert [document for document, _ in index.search(f"w{start}x{i}")] == [number]
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert (len(made), len(index)) == (3 * 40 * 8, 120)
