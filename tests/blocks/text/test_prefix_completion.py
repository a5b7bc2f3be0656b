"""Completion of prefixes, plain and compiled, against sorting all terms that begin so."""

from __future__ import annotations

import doctest
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.text import prefix_completion, prefix_completion_plain
from windtunnel.blocks.text.prefix_completion import PrefixCompletion
from windtunnel.blocks.text.prefix_completion_plain import PlainPrefixCompletion

KINDS = (PlainPrefixCompletion, PrefixCompletion)
TERMS = st.one_of(
    st.text("ab", max_size=12),  # many share a prefix, also past the eight bytes that a key holds
    st.text(["a", "\0", "é", "ÿ", "\uffff", "\U0001f600", "\udc80"], max_size=4),
)
WEIGHTS = st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False, allow_infinity=False))


def by_sorting(entries: dict[str, float], prefix: str, k: int) -> list[tuple[str, float]]:
    """The answer by the definition."""
    return sorted(((t, w) for t, w in entries.items() if t.startswith(prefix)), key=lambda e: (-e[1], e[0]))[:k]


@settings(max_examples=examples(60), deadline=None)
@given(
    entries=st.dictionaries(TERMS, WEIGHTS, max_size=60),
    prefixes=st.lists(TERMS, max_size=8),
    k=st.integers(1, 70),
)
def test_the_best_terms_are_those_that_sorting_all_would_give(
    entries: dict[str, float], prefixes: list[str], k: int
) -> None:
    prefixes += [term[:length] for term in list(entries)[:5] for length in range(len(term) + 1)]
    plain, fast = PlainPrefixCompletion(), PrefixCompletion()
    assert [plain.add(*entry) for entry in entries.items()] == [True] * len(entries)
    assert fast.add_many(list(entries), list(entries.values())) == len(entries)
    terms, weights, offsets = fast.complete_many(prefixes, k)
    for i, prefix in enumerate(prefixes):
        wanted = by_sorting(entries, prefix, k)
        assert plain.complete(prefix, k) == wanted
        here = slice(offsets[i], offsets[i + 1])
        assert list(zip(terms[here], weights[here].tolist(), strict=True)) == wanted
    assert offsets[-1] == len(terms)


class CompletionMachine(RuleBasedStateMachine):
    """Additions, changes of weights, removals and questions in any order, on both kinds and a dictionary."""

    @initialize()
    def start(self) -> None:
        self.made: list[Any] = [make() for make in KINDS]
        self.entries: dict[str, float] = {}

    @rule(data=st.data(), weight=WEIGHTS)
    def add(self, data: st.DataObject, weight: float) -> None:
        term = data.draw(self.any_term())
        new = term not in self.entries
        self.entries[term] = weight
        assert [made.add(term, weight) for made in self.made] == [new] * 2

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        term = data.draw(self.any_term())
        was = self.entries.pop(term, None) is not None
        assert [made.remove(term) for made in self.made] == [was] * 2

    @rule(data=st.data(), length=st.integers(0, 12), k=st.integers(1, 12))
    def complete(self, data: st.DataObject, length: int, k: int) -> None:
        prefix = data.draw(self.any_term())[:length]
        wanted = by_sorting(self.entries, prefix, k)
        assert [made.complete(prefix, k) for made in self.made] == [wanted] * 2

    @rule()
    def store_and_read(self) -> None:
        blob = self.made[1].to_bytes()
        self.made[1] = PrefixCompletion.from_bytes(blob)
        assert self.made[1].to_bytes() == blob

    @invariant()
    def both_hold_the_same(self) -> None:
        for made in getattr(self, "made", []):
            assert len(made) == len(self.entries)
            assert [made.weight(term) for term in self.entries] == list(self.entries.values())
            assert all(term in made for term in self.entries)
            assert "not there" not in made

    def any_term(self) -> st.SearchStrategy[str]:
        return st.one_of(TERMS, st.sampled_from(sorted(self.entries))) if self.entries else TERMS


def test_any_history_of_changes_gives_the_answers_of_sorting() -> None:
    case = CompletionMachine.TestCase
    case.settings = settings(max_examples=examples(30), stateful_step_count=40, deadline=None, derandomize=True)
    case().runTest()


def test_many_terms_are_completed_as_by_sorting_after_changes_in_batches() -> None:
    luck = np.random.default_rng(3)
    fast, entries = PrefixCompletion(), dict[str, float]()
    for round_ in range(6):
        numbers = luck.integers(0, 30_000, 4_000).tolist()
        terms = [f"{number * 7919 % 100_003:x}" for number in numbers]
        weights = luck.integers(0, 500, 4_000).astype(float)
        had = len(entries)
        entries.update(zip(terms, weights.tolist(), strict=True))
        assert fast.add_many(terms, weights) == len(entries) - had
        if round_ % 2:
            gone = terms[:500]
            assert fast.remove_many(gone) == len({*gone})
            assert fast.remove_many(gone) == 0
            for term in {*gone}:
                del entries[term]
        assert len(fast) == len(entries)
        prefixes = ["", "1", "1a", "f0", "zz", *terms[:20]]
        found, found_weights, offsets = fast.complete_many(prefixes, 25)
        for i, prefix in enumerate(prefixes):
            here = slice(offsets[i], offsets[i + 1])
            wanted = by_sorting(entries, prefix, 25)
            assert list(zip(found[here], found_weights[here].tolist(), strict=True)) == wanted
        assert fast.complete("1", 10**15) == by_sorting(entries, "1", 10**15), "room for what there is, not for k"


def test_the_plain_trie_opens_few_of_many_places(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = PlainPrefixCompletion()
    for number in range(5_000):
        plain.add(f"{number:04d}", number * 7919 % 5_003)
    pushed = []
    push = prefix_completion_plain.heappush
    monkeypatch.setattr(
        prefix_completion_plain, "heappush", lambda queue, item: (pushed.append(item), push(queue, item))
    )
    assert plain.complete("", 10) == by_sorting({f"{n:04d}": n * 7919 % 5_003 for n in range(5_000)}, "", 10)
    assert len(pushed) < 500, "of 5,000 terms and as many places"


def test_a_trie_that_was_emptied_holds_no_places() -> None:
    plain = PlainPrefixCompletion()
    for term in ("ab", "abc", "b", ""):
        plain.add(term, 1.0)
    for term in ("abc", "ab", "", "b"):
        assert plain.remove(term)
    assert plain._root.children == {}
    assert plain.complete("") == []


@pytest.mark.parametrize("make", KINDS)
def test_a_lowered_weight_is_seen(make: Any) -> None:
    made = make()
    for term, weight in (("aa", 3.0), ("ab", 2.0), ("b", 1.0)):
        made.add(term, weight)
    assert made.complete("", 1) == [("aa", 3.0)]
    assert not made.add("aa", 0.5)
    assert made.complete("") == [("ab", 2.0), ("b", 1.0), ("aa", 0.5)]
    assert made.complete("a", 1) == [("ab", 2.0)]


def test_an_arrow_column_is_a_batch() -> None:
    arrow = pytest.importorskip("pyarrow")
    made = PrefixCompletion()
    assert made.add_many(arrow.array(["one", "two"]), [1.0, 2.0]) == 2
    assert made.complete_many(arrow.array(["t", "o"]), 1)[0] == ["two", "one"]
    assert made.remove_many(arrow.array(["one", "three"])) == 1


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_refused(data: st.DataObject) -> None:
    made = PrefixCompletion()
    made.add_many(["a", "é"], [1.0, 2.0])
    saved = bytearray(made.to_bytes())
    saved[data.draw(st.integers(0, len(saved) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedError):
        PrefixCompletion.from_bytes(bytes(saved))


def test_bad_input_is_refused_with_a_sentence() -> None:
    for made in (PlainPrefixCompletion(), PrefixCompletion()):
        for weight in (math.nan, math.inf, -math.inf):
            with pytest.raises(ValueError, match="finite number"):
                made.add("a", weight)
        with pytest.raises(ValueError, match="at least 1"):
            made.complete("a", 0)
        assert len(made) == 0
    fast = PrefixCompletion()
    with pytest.raises(ValueError, match="one weight a term"):
        fast.add_many(["a", "b"], [1.0])
    with pytest.raises(ValueError, match="finite number"):
        fast.add_many(["a", "b"], [1.0, math.nan])
    with pytest.raises(ValueError, match="single items"):
        fast.complete_many("abc")
    with pytest.raises(ValueError, match="strings, not 1"):
        fast.add_many(["a", 1], [1.0, 2.0])  # type: ignore[list-item]  # the point of the test
    assert len(fast) == 0
    assert fast.complete("") == []
    assert fast.complete_many([])[0] == []


def test_the_examples_in_the_docs_hold() -> None:
    assert doctest.testmod(prefix_completion).failed == 0
    assert doctest.testmod(prefix_completion_plain).failed == 0


def test_importing_completion_imports_no_numba() -> None:
    code = "import sys, windtunnel.blocks.text.prefix_completion; assert not {'numba', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
