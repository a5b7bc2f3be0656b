"""Texts to tokens and back: nothing is lost, and pairs merge as a list of merges says, slowly and by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from helpers.gguf_models import KINDS, MARKS, MERGES, WORDS, pairs
from windtunnel.serve.byte_pairs import BytePairs, letters_of_bytes

LETTERS = st.text("helo abin12t.\n'é漢😀½", max_size=24)


def by_hand(word: str) -> list[str]:
    """Of all pairs that stand side by side the first of the list is merged, the leftmost first, until there is none."""
    parts = [letters_of_bytes()[byte] for byte in word.encode()]
    while found := [m for m in MERGES if any(f"{a} {b}" == m for a, b in pairwise(parts))]:
        at = next(i for i in range(len(parts) - 1) if f"{parts[i]} {parts[i + 1]}" == found[0])
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


@given(st.text("hel loabin t1", max_size=16))
def test_pairs_merge_in_the_order_of_the_list(word: str) -> None:
    assert [WORDS[token] for token in pairs()._merged(word)] == by_hand(word)


@given(LETTERS)
def test_tokens_join_to_the_text_with_and_without_marks(text: str) -> None:
    made = pairs()
    for marks in (False, True):
        assert b"".join(map(made.bytes_of, made.encode(text, marks))) == text.encode()


def test_a_text_is_cut_as_gpt_2_cuts_it() -> None:
    made, gpt = pairs(), pairs("gpt-2")
    cases = {
        "hello  the in": ["hello", "Ġ", "Ġt", "he", "Ġ", "in"],
        "it's 12é!?\n": ["i", "t", "'", "s", "Ġ", "1", "2", "Ã", "©", "!", "?", "Ċ"],
        " ab\u00a0\u2003½": ["Ġ", "ab", *"ÂłâĢĥ", *"Â½"],
    }
    for text, words in cases.items():
        assert [WORDS[token] for token in made.encode(text, False)] == words
    assert [WORDS[token] for token in gpt.encode("a 12", False)] == ["a", "Ġ", "12"]


def test_a_chinese_number_is_a_letter_as_its_category_says() -> None:
    """For Python 一 is numeric; for `tokenizers`, whose digits stand apart, it is a letter, and joins the space."""
    letters = [*letters_of_bytes(), "Ġä", "Ġ½"]
    made = BytePairs(letters, ["Ġ ä", "Ġ Â"], [1] * len(letters), "smollm")
    assert made.encode(" 一", False)[0] == letters.index("Ġä")
    assert made.encode(" ½", False)[0] == letters.index("Ġ")


def test_a_mark_is_a_token_only_where_it_may_be_one() -> None:
    made = pairs()
    marked = made.encode("<|im_start|>a<|im_end|>", True)
    assert marked == [1, WORDS.index("a"), 2]
    assert not set(made.encode("<|im_start|>a<|im_end|>", False)) & {0, 1, 2}
    assert [made.bytes_of(token) for token in (0, 1, 2)] == [b"", b"", b""]


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        pairs().encode("a\udc00", True)
    lacking = [word if word != letters_of_bytes()[4] else "<unused>" for word in WORDS]
    poor = BytePairs(lacking, MERGES, KINDS)
    assert poor.encode("ab", False) == [WORDS.index("ab")]
    with pytest.raises(ValueError, match="no token for the byte 0x04"):
        poor.encode("a\x04", False)
    with pytest.raises(ValueError, match="cut as 'llama-bpe'"):
        pairs("llama-bpe")


def test_the_longest_word_is_cut_in_about_as_many_moves_as_it_has_letters() -> None:
    """A word of a hundred thousand letters would be cut in 10^10 moves if each merge looked at all of them."""
    moves = 0

    class Counting(dict[tuple[str, ...], int]):
        def __contains__(self, pair: object) -> bool:
            nonlocal moves
            moves += 1
            return super().__contains__(pair)

    made = pairs()
    made._rank = Counting(made._rank)
    for letters in (1000, 4000):
        moves = 0
        made.encode("ab" * (letters // 2), False)
        assert moves < 4 * letters


def test_marks_are_the_tokens_that_control() -> None:
    assert pairs().marks == {mark: token for token, mark in enumerate(MARKS)}
    assert pairs().longest == len("<|endoftext|>")
