"""An adapter beside the weights says what it says inside of them; who is answered by which is nobody else's matter."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.plain_llama import logits_of, unpacked
from helpers.serving_cases import TINY
from windtunnel.blocks.serving import (
    AdapterPool,
    BlockManager,
    ContiguousMemory,
    Decoder,
    LLMEngine,
    LoraAdapter,
    ModelWeights,
    Sampling,
    Scheduler,
    Sequence,
    adapter_bytes,
    copied,
    made_adapter,
    made_weights,
    merge_adapter,
    merged,
)
from windtunnel.blocks.serving.lora import adapted

RANK, MANY, ADAPTERS = 4, 48, 6


@cache
def weights() -> ModelWeights:
    return made_weights(TINY)


@cache
def adapters() -> dict[str, LoraAdapter]:
    """Of several ranks; one changes the attention alone."""
    made = {f"tenant {i}": made_adapter(TINY, 1 + i % RANK, seed=i) for i in range(ADAPTERS)}
    whole = made["tenant 3"]
    half = {name: (whole.downs[name], whole.ups[name]) for name in ("attention_in", "attention_out")}
    made["tenant 3"] = LoraAdapter(
        whole.rank, {n: one for n, (one, _) in half.items()}, {n: one for n, (_, one) in half.items()}
    )
    return made


def full() -> AdapterPool:
    pool = AdapterPool(TINY, ADAPTERS, RANK)
    for name, one in adapters().items():
        pool.load(name, one)
    return pool


def asked() -> list[Sequence]:
    """Many prompts begin alike, so that adapters would share keys and values if they could."""
    luck, made = Random(8), list[Sequence]()
    shared = [luck.randrange(100) for _ in range(9)]
    for i in range(MANY):
        prompt = (shared if i % 2 else []) + [luck.randrange(100) for _ in range(luck.choice((1, 4, 8)))]
        whose = "" if i % 7 == 0 else f"tenant {luck.randrange(ADAPTERS)}"
        made.append(Sequence(i, prompt, luck.choice((1, 3, 9, 14)), stop=11, adapter=whose))
    return made


def drawn(one: Sequence) -> Sampling:
    """What is drawn says more of the numbers than what is likeliest: this model says that again and again."""
    return Sampling(8.0, seed=int(str(one.name)))


@cache
def alone(shifted: int = 0) -> dict[object, list[int]]:
    """Each request by itself, without a cache; by the adapter of another where `shifted`."""
    model, pool, found = Decoder(weights(), 64), full(), dict[object, list[int]]()
    for one in asked():
        place = (pool._placed[one.adapter] + shifted) % ADAPTERS if one.adapter else -1
        while one.state != "finished":
            rows = [(token, at, 0) for at, token in enumerate(one.tokens)]
            (law,) = model.forward(rows, [[0]], 64, [len(rows) - 1], pool, [place])
            one.give(drawn(one).pick(law, len(one.tokens)))
        found[one.name] = one.answer
    return found


WAYS: dict[str, tuple[Callable[[], Scheduler], int]] = {
    "one by one, room for one": (lambda: Scheduler(ContiguousMemory(64), 1), 1),
    "static, room for all": (lambda: Scheduler(ContiguousMemory(1024), 8, "static"), ADAPTERS),
    "static, room for two": (lambda: Scheduler(ContiguousMemory(1024), 8, "static"), 2),
    "paged, room for all": (lambda: Scheduler(BlockManager(64, 4), 32), ADAPTERS),
    "paged, room for two": (lambda: Scheduler(BlockManager(64, 4), 32), 2),
    "preempted, room for three": (lambda: Scheduler(BlockManager(14, 4, watermark=0), 8), 3),
    "chunked, room for three": (lambda: Scheduler(BlockManager(64, 4), 8, "chunked", 8), 3),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_request_is_answered_as_it_would_be_alone_by_its_own_adapter(way: str) -> None:
    scheduler, places = WAYS[way]
    pool = AdapterPool(TINY, places, RANK)
    engine = LLMEngine(Decoder(weights(), 1024), scheduler(), adapters(), pool)
    sequences = asked()
    for one in sequences:
        engine.add(one, drawn(one))
    assert len(engine.run()) == MANY
    assert {one.name: one.answer for one in sequences} == alone()
    assert pool.loads == ADAPTERS if places == ADAPTERS else pool.loads > ADAPTERS


def test_another_adapter_answers_otherwise_so_that_equal_answers_say_something() -> None:
    own, other = alone(), alone(1)
    for one in asked():
        if not one.adapter:
            assert own[one.name] == other[one.name]
    long = [one.name for one in asked() if one.adapter and one.max_tokens > 5]
    assert len(long) > 15
    assert sum(own[name] != other[name] for name in long) > 0.9 * len(long)


@given(st.integers(0, ADAPTERS - 1), st.lists(st.integers(0, 99), min_size=1, max_size=16))
@settings(max_examples=20)
def test_logits_are_those_of_the_merged_weights_in_plain_double_precision(i: int, tokens: list[int]) -> None:
    adapter, pool = adapters()[f"tenant {i}"], full()
    rows = [(token, at, 0) for at, token in enumerate(tokens)]
    found = Decoder(weights(), 64).forward(rows, [[0]], 64, range(len(rows)), pool, [i])
    np.testing.assert_allclose(found, logits_of(merged(weights(), adapter), tokens), rtol=0, atol=5e-4)
    inside = Decoder(merged(weights(), adapter), 64).forward(rows, [[0]], 64, range(len(rows)))
    np.testing.assert_allclose(found, inside, rtol=0, atol=5e-4)


@pytest.mark.parametrize("name", adapted(TINY))
def test_merging_is_a_sum_with_a_product_and_is_taken_out_again_but_for_rounding(name: str) -> None:
    own, adapter = copied(weights()), adapters()["tenant 2"]
    merge_adapter(own, adapter)
    outputs = adapted(TINY)[name][1]
    for layer in range(TINY.layers):
        before, after = (unpacked(getattr(one, name)[layer], outputs) for one in (weights(), own))
        down, up = (half[name][layer].astype(float) for half in (adapter.downs, adapter.ups))
        np.testing.assert_allclose(after, before + down.T @ up, rtol=0, atol=1e-6)
        assert np.abs(after - before).max() > 0.01
    merge_adapter(own, adapter, times=-1)
    np.testing.assert_allclose(getattr(own, name), getattr(weights(), name), rtol=0, atol=1e-6)
    assert own.embedding is weights().embedding


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=9), st.integers(1, 3), st.integers(1, 70), st.integers(0, 99))
@settings(max_examples=30)
def test_a_low_rank_part_is_that_of_plain_lines_and_the_same_to_the_bit_in_any_company(
    which: list[int], rank: int, outputs: int, seed: int
) -> None:
    from windtunnel.blocks.serving.kernels.lora import gather

    luck, n, inputs, before = np.random.default_rng(seed), len(which), 12, 5
    rows = luck.standard_normal((n, inputs), np.float32)
    pool = luck.standard_normal((4, 2, before + rank * (inputs + outputs)), np.float32)
    base = luck.standard_normal((n, outputs + 3), np.float32)
    out = base.copy()
    gather(rows, np.array(which), pool, 1, before, rank, outputs, out)
    for i, w in enumerate(which):
        own = pool[w, 1, before:]
        a, b = own[: rank * inputs].reshape(rank, inputs), own[rank * inputs :].reshape(rank, outputs)
        expected = base[i].copy()
        if w >= 0:
            expected[:outputs] += (rows[i] @ a.T) @ b
        np.testing.assert_allclose(out[i], expected, rtol=0, atol=1e-4)
        one = base[i : i + 1].copy()
        gather(rows[i : i + 1], np.array([w]), pool, 1, before, rank, outputs, one)
        assert (one[0] == out[i]).all()


class ThePool(RuleBasedStateMachine):
    """Beside a list of names, the least recently used first."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.known = AdapterPool(TINY, 3, RANK), list[str]()
        self.loads = 0

    @rule(name=st.sampled_from(sorted(adapters())))
    def use(self, name: str) -> None:
        if self.pool.place(name) is None:
            assert name not in self.known
            self.pool.load(name, adapters()[name])
            self.loads += 1
            self.known = [*self.known, name][-3:]
        else:
            self.known = [*(one for one in self.known if one != name), name]

    @invariant()
    def holds_who_was_used_last(self) -> None:
        assert self.pool.names == self.known
        assert self.pool.loads == self.loads
        for name in self.known:
            place, adapter = self.pool._placed[name], adapters()[name]
            begin = 0
            for matrix, (inputs, outputs) in adapted(TINY).items():
                a = self.pool.numbers[place, :, begin : begin + RANK * inputs].reshape(2, RANK, inputs)
                begin += RANK * (inputs + outputs)
                if matrix in adapter.downs:
                    assert (a[:, : adapter.rank] == adapter.downs[matrix]).all()
                assert not a[:, adapter.rank if matrix in adapter.downs else 0 :].any()


TestThePool = ThePool.TestCase
TestThePool.settings = settings(max_examples=20, stateful_step_count=20)


@given(st.lists(st.integers(0, 8), max_size=30), st.integers(1, 4), st.sets(st.integers(1, 8), max_size=3))
def test_passes_hold_all_of_a_step_once_and_no_more_adapters_than_places(
    whose: list[int], places: int, there: set[int]
) -> None:
    pool = AdapterPool(TINY, places, 1)
    for one in there:
        pool.load(str(one), made_adapter(TINY, 1))
    here = set(pool.names)
    parts = [(Sequence(i, [1], 1, adapter=str(one) if one else ""), 0, 1) for i, one in enumerate(whose)]
    cut = pool.passes(parts)
    assert sorted(int(str(part[0].name)) for some in cut for part in some) == list(range(len(parts)))
    named = [{part[0].adapter for part in some} - {""} for some in cut]
    assert all(len(one) <= places for one in named)
    assert len(cut) == max(1, -(-len(set(whose) - {0}) // places))
    assert sum(not one.isdisjoint(here) for one in named) <= 1


def test_a_place_that_a_pass_needs_is_not_given_away() -> None:
    pool = AdapterPool(TINY, 2, RANK)
    for name in ("tenant 0", "tenant 1"):
        pool.load(name, adapters()[name])
    assert pool.load("tenant 2", adapters()["tenant 2"], needed={"tenant 0"}) == 1
    with pytest.raises(ValueError, match="All 2 places are needed"):
        pool.load("tenant 3", adapters()["tenant 3"], needed={"tenant 0", "tenant 2"})
    assert pool.names == ["tenant 0", "tenant 2"]


def test_a_pool_takes_what_is_told_of_it() -> None:
    assert full().bytes == ADAPTERS * adapter_bytes(TINY, RANK) == full().numbers.nbytes


def test_beginnings_are_shared_by_those_of_one_adapter_alone() -> None:
    manager = BlockManager(64, 4)
    for i, (adapter, salt, found) in enumerate(
        [("", b"", 0), ("a", b"", 0), ("a", b"", 8), ("b", b"", 0), ("a", b"x", 0), ("", b"a", 0), ("", b"", 8)]
    ):
        one = Sequence(i, range(9), 5, adapter=adapter, salt=salt)
        assert manager.allocate(one)
        assert one.computed == found, (adapter, salt)
        one.computed = 9
        manager.publish(one)


def test_a_fork_has_the_adapter_of_its_parent() -> None:
    manager = BlockManager(64, 4)
    parent = Sequence("parent", [1, 2], 5, adapter="a")
    manager.allocate(parent)
    with pytest.raises(ValueError, match="another adapter"):
        manager.fork(parent, Sequence("child", [1, 2], 5, adapter="b"))


def test_what_would_read_what_is_no_adapter_is_refused() -> None:
    model, pool, row = Decoder(weights(), 64), full(), [(1, 0, 0)]
    for places in ([-2], [ADAPTERS], [], [0, 0]):
        with pytest.raises(ValueError, match="one of 6 places"):
            model.forward(row, [[0]], 64, [0], pool, places)
    other = TINY._replace(layers=1)
    with pytest.raises(ValueError, match="another shape"):
        model.forward(row, [[0]], 64, [0], AdapterPool(other, 1, 1), [0])
    with pytest.raises(ValueError, match="rank 8, and the pool"):
        pool.load("more", made_adapter(TINY, 8))
    with pytest.raises(ValueError, match=r"numbers of 32 bits"):
        pool.load("other", made_adapter(other, 1))
    one = made_adapter(TINY, 1)
    with pytest.raises(ValueError, match="both halves"):
        merge_adapter(copied(weights()), LoraAdapter(1, one.downs, {}))
    with pytest.raises(ValueError, match="float64"):
        pool.load("wide", LoraAdapter(1, {n: a.astype(float) for n, a in one.downs.items()}, one.ups))  # type: ignore[arg-type]


def test_an_adapter_that_is_not_here_is_refused_and_forgotten() -> None:
    with pytest.raises(ValueError, match="need a pool"):
        LLMEngine(Decoder(weights(), 64), Scheduler(BlockManager(4)), adapters())
    engine = LLMEngine(Decoder(weights(), 64), Scheduler(BlockManager(4)), adapters(), full())
    with pytest.raises(ValueError, match="'nobody', which is not here"):
        engine.add(Sequence("one", [1], 2, adapter="nobody"))
    engine.add(Sequence("one", [1], 2, adapter="tenant 1"))
    assert len(engine.run()) == 1
