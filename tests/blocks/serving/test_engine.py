"""A request is answered alike alone and in a crowd, whatever memory and policy: token by token, of 64 requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.plain_llama import logits_of
from helpers.serving_cases import TINY
from windtunnel.blocks.serving import (
    BlockManager,
    ContiguousMemory,
    Decoder,
    LLMEngine,
    ModelDrafter,
    NGramDrafter,
    Sampling,
    Scheduler,
    Sequence,
    Speculation,
    answer_alone,
    made_weights,
    reserve_doubling,
)

MANY = 64


@cache
def model() -> Decoder:
    """One for all tests: what lies in its slots is nobody's who comes anew."""
    return Decoder(made_weights(TINY), 1024)


@cache
def prompts() -> tuple[tuple[int, ...], ...]:
    """Some begin alike, some are one token, some are whole blocks."""
    luck = Random(7)
    shared = tuple(luck.randrange(100) for _ in range(16))
    return tuple(
        (shared if i % 4 == 0 else ()) + tuple(luck.randrange(100) for _ in range(luck.choice((1, 4, 8, 13))))
        for i in range(MANY)
    )


def asked() -> Iterator[Sequence]:
    luck = Random(8)
    for i, prompt in enumerate(prompts()):
        yield Sequence(i, prompt, luck.choice((1, 3, 9, 20)), stop=11)


@cache
def alone() -> dict[object, list[int]]:
    return {one.name: answer_alone(model(), one.tokens, one.max_tokens, one.stop) for one in asked()}


WAYS: dict[str, Callable[[], Scheduler]] = {
    "one by one": lambda: Scheduler(ContiguousMemory(64), 1),
    "static, reserved": lambda: Scheduler(ContiguousMemory(1024), 8, "static"),
    "continuous, reserved": lambda: Scheduler(ContiguousMemory(1024), 8),
    "copied where it grows": lambda: Scheduler(ContiguousMemory(96, reserve_doubling, placement="pushed together"), 8),
    "paged": lambda: Scheduler(BlockManager(64, 4, share=False), 32),
    "beginnings shared": lambda: Scheduler(BlockManager(64, 4), 8),
    "preempted": lambda: Scheduler(BlockManager(14, 4, watermark=0), 8),
    "chunked": lambda: Scheduler(BlockManager(64, 4), 8, "chunked", 8),
}


@pytest.mark.parametrize("way", WAYS)
def test_64_requests_are_answered_as_each_would_be_alone_without_a_cache(way: str) -> None:
    engine = LLMEngine(model(), WAYS[way]())
    sequences = list(asked())
    for one in sequences:
        engine.add(one)
    assert {one.name for one in engine.run()} == set(range(MANY))
    assert {one.name: one.answer for one in sequences} == alone()
    if way == "preempted":
        assert sum(one.preempted for one in sequences) > 5
    if way == "beginnings shared":
        assert engine.scheduler.memory.hits > 100  # type: ignore[attr-defined]


GUESSED: dict[str, tuple[str, Callable[[], Speculation]]] = {
    "n-gram, paged": ("paged", lambda: Speculation(NGramDrafter(), 4)),
    "n-gram, preempted": ("preempted", lambda: Speculation(NGramDrafter(), 4)),
    "n-gram, in stretches that grow": ("copied where it grows", lambda: Speculation(NGramDrafter(2), 3)),
    "a smaller model, beginnings shared": ("beginnings shared", lambda: Speculation(smaller(), 3)),
    "a smaller model, chunked": ("chunked", lambda: Speculation(smaller(), 4)),
    "itself, by the batch": ("continuous, reserved", lambda: Speculation(itself(), {1: 6, 5: 2, 8: 1})),
}


def smaller() -> ModelDrafter:
    """Half of the layers, and memory for some."""
    weights = fickle().weights
    matrices = ("attention_in", "attention_out", "feed_in", "feed_out")
    half = {name: getattr(weights, name)[:1] for name in matrices} | {"gains": weights.gains[[0, 2]]}
    made = replace(weights, shape=TINY._replace(layers=1), **half)
    return ModelDrafter(Decoder(made, 128), BlockManager(32, 4, share=False))


def itself() -> ModelDrafter:
    return ModelDrafter(Decoder(fickle().weights, 1024), BlockManager(64, 16, share=False))


@cache
def fickle() -> Decoder:
    """The model with a head of its own: it says other words again and again, so guesses are often wrong."""
    return Decoder(replace(made_weights(TINY), head=made_weights(TINY, 1).head), 1024)


@cache
def fickle_alone() -> dict[object, list[int]]:
    return {one.name: answer_alone(fickle(), one.tokens, one.max_tokens, one.stop) for one in asked()}


@pytest.mark.parametrize("way", GUESSED)
def test_64_requests_are_answered_alike_where_tokens_are_guessed_and_verified(way: str) -> None:
    policy, speculation = GUESSED[way]
    engine = LLMEngine(fickle(), WAYS[policy](), speculation=speculation())
    sequences = list(asked())
    for one in sequences:
        engine.add(one)
    assert {one.name for one in engine.run()} == set(range(MANY))
    assert {one.name: one.answer for one in sequences} == fickle_alone()
    assert engine.accepted > 20
    rejected = engine.guessed - engine.accepted
    assert rejected == 0 if way.startswith("itself") else rejected > 50
    drafter = engine.speculation.drafter  # type: ignore[union-attr]
    assert "sequences 0" in repr(drafter)
    for memory in (engine.scheduler.memory, getattr(drafter, "memory", None)):
        if isinstance(memory, BlockManager):
            assert memory.free_blocks == memory.blocks


@pytest.mark.parametrize("way", WAYS)
def test_64_requests_are_answered_in_fewer_steps_where_what_follows_is_easily_guessed(way: str) -> None:
    engine = LLMEngine(model(), WAYS[way](), speculation=Speculation(NGramDrafter(), 4))
    plain = LLMEngine(model(), WAYS[way]())
    for made in (engine, plain):
        for one in asked():
            made.add(one)
    assert {one.name: one.answer for one in engine.run()} == alone()
    plain.run()
    assert engine.accepted > 200
    assert engine.steps < plain.steps


def test_answers_are_of_many_tokens_so_that_equal_ones_say_something() -> None:
    said = [token for answer in alone().values() for token in answer]
    assert len(said) > 300
    assert len(set(said)) > 40


def test_what_is_drawn_goes_by_the_request_and_not_by_the_crowd() -> None:
    def drawn(engine: LLMEngine) -> dict[object, list[int]]:
        for one in asked():
            engine.add(one, Sampling(0.8, 0.95, seed=int(str(one.name))))
        return {one.name: one.answer for one in engine.run()}

    found = drawn(LLMEngine(model(), WAYS["one by one"]()))
    assert found == drawn(LLMEngine(model(), WAYS["chunked"]())) != alone()


def test_a_fork_is_answered_as_its_parent_and_writes_into_no_block_of_it() -> None:
    engine = LLMEngine(model(), Scheduler(BlockManager(64, 4), 8))
    parent = Sequence("parent", [5, 6, 7, 8, 9], 12)
    engine.add(parent)
    for _ in range(3):
        engine.step()
    engine.scheduler.fork(parent, Sequence("child", parent.tokens, 9))
    done = {one.name: one.tokens for one in engine.run()}
    assert done["child"] == done["parent"] == [5, 6, 7, 8, 9, *answer_alone(model(), [5, 6, 7, 8, 9], 12)]


@given(st.lists(st.integers(0, 99), min_size=1, max_size=24))
@settings(max_examples=20)
def test_logits_are_those_of_a_plain_pass_in_double_precision(tokens: list[int]) -> None:
    rows = [(token, at, 0) for at, token in enumerate(tokens)]
    found = model().forward(rows, [[0]], 1024, range(len(rows)))
    np.testing.assert_allclose(found, logits_of(model().weights, tokens), rtol=0, atol=2e-4)


@given(st.integers(1, 9), st.integers(1, 3), st.integers(1, 70), st.integers(0, 99))
@settings(max_examples=30)
def test_a_row_of_a_product_is_the_same_to_the_bit_in_any_company(n: int, fours: int, outputs: int, seed: int) -> None:
    from windtunnel.blocks.serving.kernels.products import in_panels, multiply

    luck = np.random.default_rng(seed)
    rows = luck.standard_normal((n, 4 * fours), np.float32)
    matrix = luck.standard_normal((4 * fours, outputs), np.float32)
    panels = in_panels(matrix)
    out, one = np.empty((n, 64 * len(panels)), np.float32), np.empty((1, 64 * len(panels)), np.float32)
    multiply(rows, panels, out)
    np.testing.assert_allclose(out[:, :outputs], rows @ matrix, atol=1e-4)
    assert not out[:, outputs:].any()
    for i in range(n):
        multiply(rows[i : i + 1], panels, one)
        assert (one[0] == out[i]).all()


@pytest.mark.parametrize(
    ("rows", "tables", "says"),
    [
        ([(100, 0, 0)], [[0]], "no token 100"),
        ([(-1, 0, 0)], [[0]], "no token -1"),
        ([(1, 64, 0)], [[0]], "no position 64: the model reads 64"),
        ([(1, -1, 0), (1, 5, 0)], [[0]], "no position -1"),
        ([(1, 0, 1)], [[0]], "no table 1: there are 1"),
        ([(1, 0, -1), (1, 0, 0)], [[0]], "no table -1"),
        ([(1, 9, 0)], [[0, 8]], "Position 9 is behind the last stretch of table 0"),
        ([(1, 5, 0)], [[0, 1023]], "Table 0 names slot 1024, and there are 1024"),
        ([(1, 5, 1)], [[0, 4], [0]], "Position 5 is behind the last stretch of table 1"),
        ([(1, 0, 0), (1, 5, 1)], [[0, 4], [8, -1]], "Table 1 names slot -1"),
        ([(1, 5, 0)], [[-1, 4]], "Table 0 names slot -1"),
        ([(1, 5, 0), (1, 0, 0)], [[1021, 4]], "Table 0 names slot 1024"),
        ([(1, 1, 0)], [[(1 << 63) - 1]], f"Table 0 names slot {1 << 63}"),
        ([(1, 1, 0)], [[1 << 70]], "Table 0 names a slot of more than 64 bits"),
        ([(1, 0, 0)], [[]], "Position 0 is behind the last stretch of table 0"),
        ([(1 << 70, 0, 0)], [[0]], "three whole numbers"),
        ([(1.9, 0, 0)], [[0]], "three whole numbers"),
        ([(1, 0), (2, 0), (3, 0)], [[0]], "three whole numbers"),
        ([(1, 0, 0), (2, 1)], [[0]], "three whole numbers"),
    ],
)
def test_what_would_read_the_memory_of_others_is_refused(
    rows: list[tuple[int, int, int]], tables: list[list[int]], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        model().forward(rows, tables, 4 if len(tables[0]) > 1 else 16, [0])
    assert "\n" not in str(refused.value)


def test_what_a_row_does_not_read_may_stand_in_its_table() -> None:
    """A table longer than its rows, one that nobody reads, and a last stretch that ends with the memory."""
    for rows, tables, stretch in (
        ([(1, 0, 0)], [[0, -1, 5000]], 4),
        ([(1, 0, 1)], [[-9], [0]], 4),
        ([(1, at, 0) for at in range(6)], [[0, 1022]], 4),
        ([(1, 0, 0)], [[1023]], 1024),
    ):
        assert model().forward(rows, tables, stretch, [0]).shape == (1, 100)


def test_a_request_that_the_model_cannot_read_is_refused_and_forgotten() -> None:
    engine = LLMEngine(model(), WAYS["paged"]())
    for prompt, most, says in (([100], 1, "does not know"), ([1] * 60, 9, "reads 64")):
        with pytest.raises(ValueError, match=says):
            engine.add(Sequence("one", prompt, most))
    engine.add(Sequence("one", [1], 2))
    assert len(engine.run()) == 1


def test_who_hangs_up_frees_its_blocks_and_changes_nobodys_answer() -> None:
    engine = LLMEngine(model(), Scheduler(BlockManager(64, 4), 8))
    sequences = list(asked())[:12]
    for one in sequences:
        engine.add(one)
    engine.step()
    for one in sequences[::3]:
        engine.abort(one)
    engine.run()
    left = [one for i, one in enumerate(sequences) if i % 3]
    assert {one.name: one.answer for one in left} == {one.name: alone()[one.name] for one in left}
    assert engine.scheduler.memory.free_blocks == 64  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"width": 60}, "multiple of 64"),
        ({"heads": 3}, "cannot share"),
        ({"head_width": 15}, "multiple of 4"),
        ({"layers": 0}, "at least 1"),
    ],
)
def test_a_shape_whose_parts_do_not_fit_is_refused(wrong: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made_weights(TINY._replace(**wrong))  # type: ignore[arg-type]
