"""The tokenizer's rules, and the kernel against them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.text.tokenizer import Tokenizer
from windtunnel.blocks.text.vocabulary import Vocabulary

texts = st.text(st.one_of(st.sampled_from("abAB 1_'-éÉßﬁǅ漢字ひカक्षิ\u0301\u00ad"), st.characters()), max_size=30)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The quick, brown fox!", ["the", "quick", "brown", "fox"]),
        ("don't snake_case a-b 3.14", ["don", "t", "snake", "case", "a", "b", "3", "14"]),
        ("ﬁne FINE", ["fine", "fine"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("Ünïcode cafe\u0301 café", ["ünïcode", "café", "café"]),
        ("東京タワー ひらがな", ["東", "京", "タワー", "ひ", "ら", "が", "な"]),
        ("हिन्दी", ["हिन्दी"]),
        ("²³ Ⅳ", ["23", "iv"]),
        ("", []),
        (" \n\t—", []),
    ],
)
def test_words_are_cut_by_the_rules(text: str, words: list[str]) -> None:
    assert Tokenizer().tokens(text) == words


def test_marks_can_be_taken_off() -> None:
    assert Tokenizer(accents=False).tokens("Café cafe\u0301 Ünïcode") == ["cafe", "cafe", "unicode"]


def test_stop_words_are_folded_and_dropped() -> None:
    tokenizer = Tokenizer(stopwords=["The", "É"])
    assert tokenizer.tokens("THE é fox") == ["fox"]
    with pytest.raises(ValueError, match="one word"):
        Tokenizer(stopwords=["don't"])


@settings(max_examples=examples(60), deadline=None)
@given(texts)
def test_folding_twice_changes_nothing(text: str) -> None:
    tokenizer = Tokenizer()
    assert tokenizer.tokens(" ".join(tokenizer.tokens(text))) == tokenizer.tokens(text)


@settings(max_examples=examples(60), deadline=None)
@given(batches=st.lists(st.lists(texts, max_size=6), max_size=4), stopwords=st.sets(st.sampled_from("abé漢")))
def test_the_kernel_numbers_the_words_that_the_plain_python_cuts(batches: list[list[str]], stopwords: set[str]) -> None:
    tokenizer = Tokenizer(stopwords=stopwords)
    vocabulary = Vocabulary(tokenizer)
    seen: dict[str, int] = {}
    for batch in batches:
        words = [tokenizer.tokens(text) for text in batch]
        known = vocabulary.look_up(batch)[0].tolist()
        assert known == [seen.get(word, -1) for text in words for word in text]
        numbers, counts = vocabulary.learn(batch)
        assert counts.tolist() == [len(text) for text in words]
        assert [vocabulary.word(number) for number in numbers.tolist()] == [word for text in words for word in text]
        seen.update(zip((word for text in words for word in text), numbers.tolist(), strict=True))
    fresh = sorted(seen.values())
    assert fresh == list(range(len(stopwords), len(stopwords) + len(fresh)))


def test_a_vocabulary_grows_without_forgetting() -> None:
    vocabulary = Vocabulary(Tokenizer())
    words = [f"w{i}" for i in range(5000)]
    for start in range(0, 5000, 700):
        vocabulary.learn(words[start : start + 700])
    assert vocabulary.look_up([" ".join(words)])[0].tolist() == list(range(5000))
    assert vocabulary.word(4999) == "w4999"
    with pytest.raises(IndexError):
        vocabulary.word(5000)
