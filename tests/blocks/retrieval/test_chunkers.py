"""Every chunker keeps one contract; and each cuts where it says."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import FEW, examples
from windtunnel.blocks.retrieval import (
    CharacterChunker,
    Heading,
    RecursiveChunker,
    SemanticChunker,
    StructureChunker,
    TextChunker,
    TokenChunker,
    headings,
    token_spans,
)
from windtunnel.blocks.retrieval.chunker_semantic import together
from windtunnel.blocks.retrieval.tokens import LONGEST, sign_starts

PIECES = (
    *(
        "word",
        "It is. ",
        "Its? ",
        " and, ",
        "\n",
        "\n\n",
        "\r\n",
        "# Head\n",
        "Under\n=====\n",
        "- item\n",
        "1. item\n",
    ),
    *(
        "```\n",
        "~~~\n",
        "code(a)\n",
        "| a | b |\n",
        "    ",
        "\t",
        "......",
        "e\u0301",
        "\u0301",
        "\u200d",
        "👨‍👩‍👧",
        "🇩🇪",
        "🇫",
    ),
    *(
        "漢字。",
        "ひ、",
        "각",
        "\u1112\u1161\u11ab",
        "नमस्ते",
        "\ud83d",
        "\ude00",
        "\u2028",
        "\u00a0",
        "\u200b",
        "ﬀ",
        "x" * 30,
    ),
)
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(max_size=80))


def lengths(said: Sequence[str]) -> list[list[float]]:
    """Vectors of sentences: whatever their letters are."""
    return [[len(one), one.count("e"), one.count("\n")] for one in said]


def made(limit: int, overlap: int) -> list[TextChunker]:
    return [
        TokenChunker(limit, overlap),
        RecursiveChunker(limit, overlap),
        StructureChunker(limit),
        SemanticChunker(limit, lengths),
    ]


def whole_signs(text: str, at: int) -> bool:
    """Whether a reader sees two signs here, and not the halves of one."""
    if at in (0, len(text)):
        return True
    before, after = text[at - 1], text[at]
    parted = before + after == "\r\n" or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
    return not parted and not unicodedata.category(after).startswith("M") and after != "\u200d"


@settings(max_examples=examples(FEW), deadline=None)
@given(text=texts, limit=st.integers(1, 12), data=st.data())
def test_chunks_are_the_text_and_none_is_too_long(text: str, limit: int, data: Any) -> None:
    overlap = data.draw(st.integers(0, limit - 1))
    tokens = token_spans(text)
    for chunker in made(limit, overlap):
        found = chunker.chunks(text)
        assert bool(found) == bool(text)
        told, end = "", 0
        for start, stop in found:
            assert start <= end < stop
            told += text[end:stop]
            end = stop
            inside = [one for one in tokens if start <= one[0] and one[1] <= stop]
            assert len(inside) == sum(start < last and first < stop for first, last in tokens), "no token is parted"
            assert bool(inside) == bool(tokens)
            assert len(inside) <= limit
            assert whole_signs(text, start)
            assert whole_signs(text, stop)
        assert told == text
        assert all(one < other for (one, _), (other, _) in pairwise(found))
        shared = [sum(other <= at < stop for at, _ in tokens) for (_, stop), (other, _) in pairwise(found)]
        assert max(shared, default=0) <= overlap


@settings(max_examples=examples(FEW), deadline=None)
@given(text=texts, size=st.integers(1, 9))
def test_characters_are_the_text_and_no_sign_is_parted(text: str, size: int) -> None:
    found = CharacterChunker(size).chunks(text)
    assert "".join(text[start:end] for start, end in found) == text
    assert all(start < end for start, end in found)
    for start, end in found:
        assert whole_signs(text, start)
        assert end - start <= size or sum(start <= at < end for at in sign_starts(text)) == 1


@settings(max_examples=examples(FEW), deadline=None)
@given(texts)
def test_tokens_are_all_that_is_seen(text: str) -> None:
    found = token_spans(text)
    seen = {at for start, end in found for at in range(start, end)}
    assert all(text[at].isspace() for at in range(len(text)) if at not in seen)
    assert all(first < last <= after for (first, last), (after, _) in pairwise([*found, (len(text), len(text))]))
    letters = [sum(unicodedata.category(one)[0] in "LN" for one in text[start:end]) for start, end in found]
    assert max(letters, default=0) <= LONGEST * 3, "a syllable of Hangul has three"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It isn't 3.14, is it?", ["It", "isn", "'", "t", "3", ".", "14", ",", "is", "it", "?"]),
        ("snake_case(x)", ["snake", "_", "case", "(", "x", ")"]),
        ("internationalisation", ["internationa", "lisation"]),
        ("====== -- ...", ["======", "--", "..."]),
        ("é ====== é", ["é", "======", "é"]),
        ("=" * 15, ["=" * 12, "==="]),
        ("é" + "=" * 15, ["é", "=" * 12, "==="]),
        ("e\u0301te\u0301 👨‍👩‍👧🇩🇪🇫🇷", ["e\u0301te\u0301", "👨‍👩‍👧", "🇩🇪", "🇫🇷"]),
        ("東京タワー、ひ", ["東", "京", "タワー", "、", "ひ"]),
        ("हिन्दी", ["हिन्दी"]),
        ("a\u200bb a\u00adb", ["a", "\u200b", "b", "a\u00adb"]),
        (" \u0301x", [" \u0301", "x"]),
        (" \n ", []),
    ],
)
def test_a_token_is_what_the_rules_say(text: str, tokens: list[str]) -> None:
    assert [text[start:end] for start, end in token_spans(text)] == tokens


def cut(chunker: TextChunker, text: str) -> list[str]:
    return [text[start:end] for start, end in chunker.chunks(text)]


def test_windows_have_one_size_and_the_last_is_new() -> None:
    text = " ".join(f"w{i}" for i in range(10))
    assert [len(one.split()) for one in cut(TokenChunker(4), text)] == [4, 4, 2]
    assert cut(TokenChunker(4, 2), text)[1] == "w2 w3 w4 w5 "
    assert [one.split()[-1] for one in cut(TokenChunker(4, 2), text)] == ["w3", "w5", "w7", "w9"]
    assert cut(TokenChunker(10, 9), text) == [text]


@pytest.mark.parametrize("kind", [TokenChunker, RecursiveChunker])
@pytest.mark.parametrize(("limit", "overlap"), [(4, 4), (4, 9), (0, 0), (3, -1), (2.5, 0), (9, 1.5)])
def test_sizes_that_never_come_to_an_end_are_refused(kind: Any, limit: Any, overlap: Any) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        kind(limit, overlap)


@pytest.mark.parametrize("chunker", [*made(4, 2), CharacterChunker(3)])
def test_what_is_no_text_is_refused(chunker: TextChunker) -> None:
    wrong: Any = b"bytes"
    with pytest.raises(ValueError, match="str"):
        chunker.chunks(wrong)


def test_the_same_again_and_again_lies_where_it_lies() -> None:
    """Who looks for a chunk's text in the text finds the first place that has it."""
    text = "The same. " * 50
    for chunker in (TokenChunker(6), RecursiveChunker(6), StructureChunker(6), SemanticChunker(6, lengths)):
        assert [start for start, _ in chunker.chunks(text)] == list(range(0, 500, 20))


def test_better_places_are_cut_first() -> None:
    text = "One two. Three four, five six.\nSeven eight.\n\nNine ten eleven twelve thirteen."
    assert cut(RecursiveChunker(13), text) == [
        "One two. Three four, five six.\nSeven eight.\n\n",
        "Nine ten eleven twelve thirteen.",
    ]
    assert cut(RecursiveChunker(9), text) == [
        "One two. Three four, five six.\n",
        "Seven eight.\n\n",
        "Nine ten eleven twelve thirteen.",
    ]
    assert cut(RecursiveChunker(6), text)[:3] == ["One two. ", "Three four, five six.\n", "Seven eight.\n\n"]
    assert cut(RecursiveChunker(3), text)[:4] == ["One two. ", "Three four, ", "five six.\n", "Seven eight.\n\n"]
    assert cut(RecursiveChunker(1), "a b")[0] == "a "


def test_an_abbreviation_ends_no_sentence() -> None:
    assert cut(RecursiveChunker(10), "We like it, e.g. here. Then go on.") == ["We like it, e.g. here. ", "Then go on."]


def test_an_overlap_begins_at_the_best_place_within_it() -> None:
    text = "One two. Three four five. Six seven eight nine. Ten."
    assert cut(RecursiveChunker(11, 4), text) == [
        "One two. Three four five. ",
        "Three four five. Six seven eight nine. Ten.",
    ]
    assert cut(RecursiveChunker(10, 3), text)[1] == "Six seven eight nine. Ten.", "half a sentence is no better place"


NOTES = """# Notes

Some words before anything else.

## Limits

The limit is ten. It may be raised:

- by who asks
- by who owns it

```
# no heading
limit = 10

more = 20
```

Title
-----

Other words.
"""


def test_sections_lists_and_code_stay_together() -> None:
    assert [NOTES[one.start : one.end] for one in headings(NOTES)] == ["# Notes", "## Limits", "Title"]
    assert cut(StructureChunker(40), NOTES) == [
        "# Notes\n\nSome words before anything else.\n\n",
        "## Limits\n\nThe limit is ten. It may be raised:\n\n- by who asks\n- by who owns it\n\n"
        "```\n# no heading\nlimit = 10\n\nmore = 20\n```\n\n",
        "Title\n-----\n\nOther words.\n",
    ]
    assert cut(StructureChunker(22), NOTES)[1:3] == [
        "## Limits\n\nThe limit is ten. It may be raised:\n\n- by who asks\n- by who owns it\n\n",
        "```\n# no heading\nlimit = 10\n\nmore = 20\n```\n\n",
    ]
    assert cut(StructureChunker(15), NOTES)[1:3] == [
        "## Limits\n\nThe limit is ten. It may be raised:\n\n",
        "- by who asks\n- by who owns it\n\n",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#no\n# yes\n####### no", [("# yes", 1)]),
        ("One\n===\n\nTwo\n---\n\nThree\n===\n", [("One", 1), ("Two", 2), ("Three", 1)]),
        ("a line\nof text\n---\n", []),
        ("---\na: b\n---\n", []),
        ("- item\n---\n", []),
        ("A far too long line of text\n---\n", []),
        ("```\n# code\n", []),
        ("````\n```\n# code\n````\n# yes", [("# yes", 1)]),
        ("\u0301# no", []),
        ("é\r\n==\r\n\r\nÜ\r\n===\r\n", [("Ü", 1)]),
        ("", []),
    ],
)
def test_headings_are_those_that_a_reader_sees(text: str, found: list[tuple[str, int]]) -> None:
    assert [(text[one.start : one.end], one.depth) for one in headings(text)] == found
    assert all(isinstance(one, Heading) for one in headings(text))


def about(said: Sequence[str]) -> list[list[int]]:
    return [[one.count("cat"), one.count("tax"), 1] for one in said]


def test_a_chunk_ends_where_something_else_is_spoken_of() -> None:
    cats, taxes = ["A cat sleeps. ", "The cat eats. ", "My cat runs. ", "No cat swims. "], ["A tax is due. "] * 4
    text = "".join(cats + taxes + cats)
    assert cut(SemanticChunker(40, about, alike=1.0), text) == ["".join(cats), "".join(taxes), "".join(cats)]
    assert cut(SemanticChunker(9, about, alike=1.0), text)[0] == "".join(cats[:2])


def test_a_text_of_one_kind_is_cut_as_rarely_as_can_be() -> None:
    text = "A cat sleeps. " * 200
    found = SemanticChunker(21, about).chunks(text)
    tokens = [sum(start <= at < end for at, _ in token_spans(text)) for start, end in found]
    assert len(tokens) == 40
    assert max(tokens) == 20


@pytest.mark.parametrize(
    "rows",
    [[[1.0]], [[1.0], [2.0, 3.0]], [1.0, 2.0], [["a"], ["b"]], [[1.0], [float("nan")]], [[1.0], [float("inf")]], []],
)
def test_vectors_that_are_none_are_refused(rows: Any) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        SemanticChunker(9, lambda said: rows).chunks("One sentence. Another one.")


def worth(rows: list[list[int]], begins: Sequence[int], alike: float) -> float:
    """What pairs within chunks are alike beyond the bar, pair by pair."""

    def like(one: list[int], other: list[int]) -> int:
        return sum(a * b for a, b in zip(one, other, strict=True))

    known = [any(row) for row in rows]
    pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j and known[i] and known[j]]
    bar = alike * sum(like(rows[i], rows[j]) for i, j in pairs) / len(pairs) if pairs else 0.0
    where = [sum(begin <= at for begin in begins) for at in range(len(rows))]
    return sum(like(rows[i], rows[j]) - bar for i, j in pairs if where[i] == where[j])


@settings(max_examples=examples(FEW), deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(-3, 3), min_size=2, max_size=2), min_size=1, max_size=7),
    limit=st.integers(1, 9),
    alike=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    data=st.data(),
)
def test_no_other_choice_of_chunks_is_more_alike(rows: list[list[int]], limit: int, alike: float, data: Any) -> None:
    sizes = [data.draw(st.integers(1, 4)) for _ in rows]
    ends = [sum(sizes[:at]) for at in range(len(sizes) + 1)]
    found = together(np.array(rows), ends, limit, alike)
    best = worth(rows, found, alike)
    for chosen in range(1 << (len(rows) - 1)):
        begins = [0, *(at for at in range(1, len(rows)) if chosen >> (at - 1) & 1)]
        fits = all(ends[b] - ends[a] <= limit or b == a + 1 for a, b in pairwise([*begins, len(rows)]))
        assert not fits or worth(rows, begins, alike) <= best + 1e-9


@pytest.mark.soak
@pytest.mark.parametrize(
    "text", ["a" * 10**6, "a. " * 400_000, "\n" * 10**6, "# a\n" * 200_000, "é" * 10**6, "=" * 10**6]
)
def test_a_long_text_of_any_kind_is_cut_in_one_go(text: str) -> None:
    for chunker in (*made(200, 50), CharacterChunker(300)):
        found = chunker.chunks(text)
        assert found[0][0] == 0
        assert found[-1][1] == len(text)
