"""An encoder that learns words by their company, in whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from windtunnel.blocks.retrieval import RandomIndexing
from windtunnel.blocks.text import Tokenizer

COMPANY = {
    "car": "wheel road engine driver brake",
    "auto": "wheel road engine driver brake",
    "apple": "tree fruit sweet cider peel",
    "river": "water bridge boat fish bank",
    "piano": "key music chord pedal song",
}
TEXTS = [
    f"{noun} {' '.join(words.split()[(i + j) % 5] for j in range(3))} filler{i % 7}"
    for i in range(40)
    for noun, words in COMPANY.items()
]


def read(dim: int = 64, texts: list[str] = TEXTS, seed: int = 0) -> RandomIndexing:
    made = RandomIndexing(dim, seed=seed, tokenizer=Tokenizer())
    made.read(texts)
    return made


def near(made: RandomIndexing, one: str, other: str) -> float:
    a, b = made.encode([one, other]).astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_words_that_keep_the_same_company_are_near_and_never_met() -> None:
    made = read()
    assert not any("car" in text and "auto" in text for text in TEXTS)
    assert near(made, "car", "auto") > near(made, "car", "apple") + 0.2


def test_a_mistyped_word_is_near_to_what_was_meant() -> None:
    made = read()
    assert near(made, "enginne", "engine") > 0.7
    assert near(made, "enginne", "fruit") < near(made, "enginne", "engine") - 0.3


def test_all_numbers_are_whole_and_sums_exact_in_any_order() -> None:
    made = read(96)
    vectors = made.encode([*TEXTS, "", "unheard-of"])
    assert vectors.dtype == np.float32
    assert (vectors == np.rint(vectors)).all()
    assert np.abs(vectors).max() <= 127
    lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1))
    assert ((lengths == 0) | (np.abs(lengths - 127) < 5)).all()
    assert lengths[-2] == 0  # a text without words
    backwards = read(96, TEXTS[::-1])
    assert (backwards.encode(TEXTS) == vectors[: len(TEXTS)]).all()


def test_texts_are_the_sum_of_their_words_by_rarity_however_many_come_at_once() -> None:
    made = read()
    many = TEXTS * 3
    whole = made.encode(many)
    assert (whole[:200] == whole[200:400]).all()
    vectors, rarity = made.words("car road unheard")
    assert vectors.shape == (3, 64)
    assert rarity[2] >= rarity.max()
    total = rarity @ vectors
    one = made.encode(["car road unheard"])[0].astype(np.float64)
    assert total @ one / np.sqrt((total @ total) * (one @ one)) > 0.999


def test_who_has_read_nothing_says_so_and_who_has_read_little_knows_little() -> None:
    with pytest.raises(ValueError, match="read nothing"):
        RandomIndexing(32).encode(["a"])
    with pytest.raises(ValueError, match="dimensions"):
        RandomIndexing(8)
    made = RandomIndexing(32)
    made.read([])
    assert (made.encode(["a word"]) == 0).all()
    made.read(["once only", "other things"])
    assert made.words("once")[0].shape == (1, 32)
