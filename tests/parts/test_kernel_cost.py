"""What a step takes by kernels: behind the tables it goes on and never falls below 0; wrong tables are refused."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import cast

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.serving import Batch, Sequence
from windtunnel.parts import LLAMA_8B_KERNELS, KernelCost

LINE = {1: 10.0, 64: 12.0}
GRID = {1: {16: 8.0, 64: 9.0}, 8: {16: 10.0, 64: 12.0}}
PLAIN = KernelCost(LINE, LINE, 32, (6.0, 0.01, 0.0, 0.0, 0.0), GRID, GRID, 0.001)


def batch(*work: tuple[int, int, int], padding: int = 0, guessed: int = 0) -> Batch:
    """Sequences by (tokens of the prompt, computed, tokens in this step)."""
    made = list[tuple[Sequence, int]]()
    for i, (prompt, computed, count) in enumerate(work):
        one = Sequence(i, [1], 1)
        one.prompt_length, one.computed, one.guessed = prompt, computed, guessed
        one.tokens = cast("list[int]", range(max(prompt, computed + count)))  # only how many they are is asked
        made.append((one, count))
    return Batch(made, padding=padding)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 70_000), st.integers(1, 9_000)), max_size=3),
    st.sampled_from([0, 1, 7, 40]),
    st.sampled_from([0, 15, 17_000]),
)
@settings(max_examples=25)
def test_any_step_takes_some_time_and_a_larger_one_no_less_but_for_what_was_measured(
    pieces: list[tuple[int, int, int]], answers: int, length: int
) -> None:
    asked = [*pieces, *[(1, 1 + length, 1)] * answers]
    small = LLAMA_8B_KERNELS.seconds(batch(*asked))
    assert 0.01 < small < inf
    assert LLAMA_8B_KERNELS.seconds(batch(*asked, padding=3_000)) > small


def test_behind_its_tables_a_step_costs_more_the_larger_it_is() -> None:
    cost = LLAMA_8B_KERNELS
    tokens = [cost.seconds(batch((1 << 20, 0, count))) for count in (2_048, 4_096, 65_536)]
    contexts = [cost.seconds(batch(*[(5, at, 1)] * 300)) for at in (16_384, 40_000, 131_072)]
    many = [cost.seconds(batch(*[(5, 512, 1)] * n)) for n in (256, 400, 1_000)]
    beside = [cost.seconds(batch((999, 0, 64), *[(5, 20_000, 1)] * n)) for n in (128, 200, 600)]
    for found in (tokens, contexts, many, beside):
        assert found == sorted(set(found))


def test_guesses_that_are_verified_cost_the_head_as_tokens_do() -> None:
    """The head says a law behind each of them: they were free there."""
    cost = PLAIN.seconds(batch((5, 100, 5), guessed=4)) - PLAIN.seconds(batch((200, 100, 5)))
    assert cost == pytest.approx(1e-3 * (10 + 2 * 4 / 63))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"dense_ms": {}}, "dense_ms has two knots at least"),
        ({"head_ms": {1: 2.0}}, "head_ms has two knots at least"),
        ({"dense_ms": {64: 12.0, 1: 10.0}}, "each larger than the one before"),
        ({"dense_ms": {1: 10.0, 64: 12.0, 64.0001: 13.0}}, "A knot of dense_ms is a whole number"),
        ({"dense_ms": {-1: 10.0, 64: 12.0}}, "A knot of dense_ms is at least 0"),
        ({"dense_ms": {1: 10.0, 64: nan}}, "A time of dense_ms is a finite number"),
        ({"dense_ms": {1: -1.0, 64: 12.0}}, "A time of dense_ms is at least 0"),
        ({"head_ms": {1: 1.0, 64: 0.9}}, "head_ms falls from 1 to 0.9 at its end"),
        ({"layers": 0}, "The number of layers is at least 1"),
        ({"reading_us": (1.0, 2.0)}, "There are 5 numbers in reading_us, not 2"),
        ({"reading_us": (1.0, 0.0, 0.0, -1.0, 0.0)}, "what is read is at least 0"),
        ({"together_us": inf}, "what is read is a finite number"),
        ({"answering_us": {1: {16: 1.0, 64: 2.0}}}, "answering_us has two knots at least"),
        ({"answering_us": {8: GRID[8], 1: GRID[1]}}, "each larger than the one before"),
        ({"answering_us": {1: {16: 8.0, 32: 9.0}, 8: GRID[8]}}, r"answering_us\[8\] has other knots"),
        ({"answering_us": {1: GRID[8], 8: GRID[1]}}, "from its last line but one to its last"),
        ({"answering_us": {1: {16: 1.0, 64: 9.0}, 8: {16: 8.0, 64: 10.0}}}, "grows by at its end falls from 7 to 1"),
        ({"beside_us": {1: {16: -7.0, 64: 9.0}, 8: GRID[8]}}, "A time of beside_us"),
        ({"beside_us": {n: {16: 8.0 * n, 32: 9.0 * n} for n in (1, 2)}}, "have the same lengths"),
    ],
)
def test_tables_that_say_nothing_or_less_than_nothing_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        replace(PLAIN, **wrong)  # type: ignore[arg-type]
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
