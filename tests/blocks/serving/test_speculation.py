"""What is guessed and verified has the model's law, whoever guesses; what was rejected is nowhere any more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.served import Served
from helpers.serving_cases import TINIER as TINY
from windtunnel.blocks.serving import (
    Batch,
    BlockManager,
    ContiguousMemory,
    Decoder,
    Guess,
    LLMEngine,
    ModelDrafter,
    ModelWeights,
    NGramDrafter,
    Sampling,
    Scheduler,
    Sequence,
    Speculation,
    accept,
    made_weights,
    reserve_doubling,
    tokens_a_pass,
)
from windtunnel.blocks.serving.sampling import draw
from windtunnel.blocks.serving.speculation import undone

MOST = {5: 20.5, 11: 31.3, 23: 49.7}
"""Chi-squared by degrees of freedom that is exceeded once in a thousand times."""


def law_of(seed: int, many: int = 12, spread: float = 1.5) -> np.ndarray:
    luck = Random(seed)
    weights = np.array([2.0 ** luck.uniform(-3 * spread, 0) for _ in range(many)])
    return weights / weights.sum()


def chi_squared(seen: Counter[int], law: np.ndarray) -> float:
    total = sum(seen.values())
    return sum((seen[token] - total * p) ** 2 / (total * p) for token, p in enumerate(law))


def first_of(p: np.ndarray, q: np.ndarray | None, luck: Random) -> list[int]:
    """One guess is verified."""
    guess = Guess(3) if q is None else Guess(draw(q, luck.random()), q)
    return accept([guess], [p, p], luck)


@pytest.mark.parametrize("q", [law_of(2), law_of(1), None, np.eye(12)[5], np.full(12, 1 / 12)])
def test_the_first_token_has_the_models_law_whatever_was_guessed(q: np.ndarray | None) -> None:
    p, luck, runs = law_of(1), Random(4), 8_000
    told = [first_of(p, q, luck) for _ in range(runs)]
    assert chi_squared(Counter(one[0] for one in told), p) < MOST[11]
    accepted = p[3] if q is None else np.minimum(p, q).sum()
    assert sum(len(one) == 2 for one in told) / runs == pytest.approx(accepted, abs=0.018)


def test_other_rules_have_other_laws() -> None:
    """Those that one might write: to draw again from the guesses' law, or from the model's; to ask who is likeliest."""
    p, q, luck = law_of(1), law_of(2), Random(4)

    def otherwise(kind: str) -> int:
        guess = draw(q, luck.random())
        if kind == "likeliest":
            return int(q.argmax()) if q.argmax() == p.argmax() else draw(p, luck.random())
        if luck.random() * q[guess] < p[guess]:
            return guess
        return draw(q if kind == "guesses" else p, luck.random())

    for kind in ("guesses", "model"):
        assert chi_squared(Counter(otherwise(kind) for _ in range(6_000)), p) > 100
    q = 0.7 * p + 0.3 * q
    assert chi_squared(Counter(otherwise("likeliest") for _ in range(6_000)), p) > 100


@given(st.integers(0, 50), st.integers(0, 50))
@settings(max_examples=30)
def test_what_is_kept_and_what_is_undone_are_the_law(a: int, b: int) -> None:
    p, q = law_of(a), law_of(b, spread=2.5)
    kept = np.minimum(p, q)
    left = undone(Guess(0, q), p)
    total = left / left.sum() * (1 - kept.sum()) + kept
    assert total == pytest.approx(p, abs=1e-12)


def test_two_equal_laws_keep_everything() -> None:
    p, luck = law_of(1), Random(1)
    for _ in range(200):
        guesses = [Guess(draw(p, luck.random()), p) for _ in range(3)]
        assert accept(guesses, [p] * 4, luck)[:3] == [guess.token for guess in guesses]
    assert undone(Guess(0, p), p) is p


def test_without_guesses_one_token_is_drawn() -> None:
    p = law_of(1)
    assert len(accept([], [p], Random(2))) == 1


@pytest.mark.parametrize(("accepted", "guesses"), [(0.6, 2), (0.8, 5), (0.9, 10), (1.0, 3), (0.0, 4)])
def test_tokens_a_pass_are_those_of_the_closed_form(accepted: float, guesses: int) -> None:
    """Against luck, and against table 1 of the paper where c is 0."""
    luck, total = Random(3), 0
    for _ in range(20_000):
        n = 0
        while n < guesses and luck.random() < accepted:
            n += 1
        total += n + 1
    assert tokens_a_pass(accepted, guesses) == pytest.approx(total / 20_000, rel=0.02)
    table = {(0.6, 2): 1.96, (0.8, 5): 3.69, (0.9, 10): 6.86}
    assert tokens_a_pass(accepted, guesses) == pytest.approx(
        table.get((accepted, guesses), tokens_a_pass(accepted, guesses)), abs=0.006
    )


def weights_of() -> ModelWeights:
    """A head of its own, or it would say the same word again and again."""
    return replace(made_weights(TINY), head=made_weights(TINY, 1).head)


def smaller() -> ModelDrafter:
    """Other weights, which are partly of one mind with the first."""
    weights = weights_of()
    weights.attention_in[:] *= 0.5
    weights.feed_in[:] *= 0.8
    return ModelDrafter(Decoder(weights, 256), BlockManager(64, 4, share=False))


@pytest.mark.parametrize("kind", ["plain", "n-gram", "smaller"])
def test_answers_of_an_engine_that_guesses_have_the_models_law(kind: str) -> None:
    """The second and the third token, of 1500 seeds, where the first one is given: by the model's own laws."""
    model = Decoder(weights_of(), 2048)
    speculation = {
        "plain": lambda: None,
        "n-gram": lambda: Speculation(NGramDrafter(2), 2),
        "smaller": lambda: Speculation(smaller(), 2),
    }[kind]()
    engine = LLMEngine(model, Scheduler(BlockManager(256, 8), 64), speculation=speculation)
    sampling = Sampling(temperature=4.0)
    prompt = [3, 4, 5, 9, 3, 4]
    for seed in range(1500):
        engine.add(Sequence(seed, prompt, 3), Sampling(4.0, seed=seed))
    answers = [one.answer for one in engine.run()]
    rows = [(token, at, 0) for at, token in enumerate(prompt)]
    law = sampling.law(model.forward(rows, [[0]], 2048, [5])[0])
    assert chi_squared(Counter(a[0] for a in answers), law) < MOST[23]
    pairs, expected = Counter((a[0], a[1]) for a in answers), dict[tuple[int, int], float]()
    for first in range(24):
        after = sampling.law(model.forward([*rows, (first, 6, 0)], [[0]], 2048, [6])[0])
        expected |= {(first, second): 1500 * law[first] * after[second] for second in range(24)}
    often = [pair for pair, many in expected.items() if many >= 5]
    rest = 1500 - sum(expected[pair] for pair in often)
    chi = sum((pairs[pair] - expected[pair]) ** 2 / expected[pair] for pair in often)
    chi += (1500 - sum(pairs[pair] for pair in often) - rest) ** 2 / rest
    assert chi < len(often) + 3.3 * (2 * len(often)) ** 0.5
    if kind != "plain":
        assert 0.1 * engine.guessed < engine.accepted < engine.guessed


def test_an_n_gram_is_looked_for_by_its_longest_and_its_latest_place() -> None:
    drafter = NGramDrafter(3)
    one = Sequence("one", [1, 2, 3, 7, 5, 2, 3, 8, 4, 2, 3], 9)
    asked = [(one, 2, Sampling())]
    assert drafter.propose(asked) == [[Guess(8), Guess(4)]]
    one.give(7)
    assert drafter.propose(asked) == [[Guess(5), Guess(2)]]
    one.give(9)
    assert drafter.propose(asked) == [[]]
    drafter.forget(one)
    drafter.forget(one)
    assert repr(drafter) == "<NGramDrafter: longest 3, sequences 0>"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=60)
def test_an_n_gram_is_found_as_by_looking_at_all_places(tokens: list[int], longest: int, more: int) -> None:
    drafter, one = NGramDrafter(longest), Sequence("one", tokens, 99)
    for _ in range(more):
        (found,) = drafter.propose([(one, 3, Sampling())])
        wanted = list[int]()
        for n in range(min(longest, len(one.tokens) - 1), 0, -1):
            ends = [e for e in range(n, len(one.tokens)) if one.tokens[e - n : e] == one.tokens[-n:]]
            if ends:
                wanted = one.tokens[ends[-1] : ends[-1] + 3]
                break
        assert [guess.token for guess in found] == wanted
        one.give(len(one.tokens) % 4)


class Guessing(Served):
    """The made model with guesses, right ones and wrong ones, verified; every cell is compared after every step."""

    luck = Random(0)

    def step(self) -> list[Sequence]:
        for one in self.scheduler.running:
            if one.state == "running" and one.owed == 1 and one.longest - len(one.tokens) > 1:
                many = min(self.luck.randrange(5), one.longest - len(one.tokens) - 1)
                one.guess(self.luck.randrange(3) for _ in range(many))
        batch = self.scheduler.schedule()
        self.check_batch(batch)
        given = self.model.compute(batch, self.memory.slot)
        self.verify(batch, given)
        done = self.scheduler.finish_step(batch, given)
        assert not any(one.guessed for one in self.scheduler.running + self.scheduler.waiting + done)
        self.steps += 1
        self.check()
        return done

    def verify(self, batch: Batch, given: dict[object, int]) -> None:
        """What the model says at each guess stands in the cells."""
        for one, _ in batch.work:
            if one.guessed:
                begin = len(one.tokens) - one.guessed
                says = [self.model.cells[self.memory.slot(one, at - 1)] % 7 for at in range(begin, len(one.tokens) + 1)]
                kept = 0
                while kept < one.guessed and one.tokens[begin + kept] == says[kept]:
                    kept += 1
                batch.accepted[one.name], given[one.name] = says[:kept], says[kept]


@given(st.data())
@settings(max_examples=40)
def test_what_was_rejected_is_nobodys_whatever_the_memory_and_the_policy(data: st.DataObject) -> None:
    luck = Guessing.luck = Random(data.draw(st.integers(0, 1 << 20)))
    memory = data.draw(
        st.sampled_from(
            [
                lambda: BlockManager(10, 4, watermark=0),
                lambda: BlockManager(40, 3),
                lambda: ContiguousMemory(120, reserve_doubling, placement="pushed together"),
            ]
        )
    )()
    policy = data.draw(st.sampled_from(["static", "continuous", "chunked"]))
    served = Guessing(Scheduler(memory, 6, policy, 7))
    asked = [Sequence(i, [luck.randrange(7) for _ in range(luck.randrange(1, 9))], luck.randrange(1, 16), stop=6)
             for i in range(12)]  # fmt: skip
    plain, wanted = Served(Scheduler(BlockManager(400), 6)), list[list[int]]()
    for one in asked:
        served.scheduler.add(one)
        plain.scheduler.add(again := Sequence(one.name, one.tokens, one.max_tokens, stop=6))
        plain.run()
        wanted.append(again.answer)
    served.run(2000)
    assert [one.answer for one in asked] == wanted
    if isinstance(memory, BlockManager):
        assert memory.free_blocks == memory.blocks


def test_nobody_is_put_out_for_guesses() -> None:
    scheduler = Scheduler(BlockManager(4, 4, watermark=0), 2)
    made = Served(scheduler)
    one, two = Sequence("one", [1] * 6, 3), Sequence("two", [2] * 6, 3)
    for sequence in (one, two):
        scheduler.add(sequence)
    made.step()
    one.guess([1, 1])
    batch = scheduler.schedule()
    assert batch.preempted == []
    assert [count for _, count in batch.work] == [1, 1]
    assert (one.guessed, len(one.tokens)) == (0, 7)


def test_who_needs_room_takes_that_of_guesses_first() -> None:
    scheduler = Scheduler(BlockManager(5, 4, watermark=0), 2)
    made = Served(scheduler)
    one, two = Sequence("one", [1] * 6, 9), Sequence("two", [2] * 7, 9)
    for sequence in (one, two):
        scheduler.add(sequence)
    made.step()
    two.give(3)
    two.computed = 8  # its next token needs a block
    one.guess([1, 1])
    batch = scheduler.schedule()
    assert batch.preempted == []
    assert [count for _, count in batch.work] == [1, 1]
    assert (one.guessed, len(one.blocks), len(two.blocks)) == (0, 2, 3)


def test_a_step_with_little_room_computes_fewer_guesses() -> None:
    scheduler = Scheduler(BlockManager(16, 4), 4, "chunked", 5)
    made = Served(scheduler)
    for name in "ab":
        scheduler.add(Sequence(name, [1, 2], 9))
    made.step()
    for one in scheduler.running:
        one.guess([1, 1, 1])
    batch = scheduler.schedule()
    assert [count for _, count in batch.work] == [4, 1]
    assert [one.guessed for one in scheduler.running] == [3, 0]


def test_blocks_of_rejected_guesses_go_back() -> None:
    manager = BlockManager(8, 2)
    scheduler = Scheduler(manager)
    scheduler.add(one := Sequence("one", [1, 2, 3], 9))
    scheduler.finish_step(scheduler.schedule(), {"one": 4})
    one.guess([5, 6, 7, 8])
    batch = scheduler.schedule()
    assert manager.free_blocks == 4
    batch.accepted["one"] = [5]
    scheduler.finish_step(batch, {"one": 9})
    assert (one.tokens, one.computed, manager.free_blocks) == ([1, 2, 3, 4, 5, 9], 5, 5)


def test_an_answer_ends_with_its_stop_in_the_middle_of_what_was_guessed() -> None:
    one = Sequence("one", [1, 2], 9, stop=7)
    one.give(3)
    one.computed = 2
    one.guess([4, 7, 5])
    one.computed = 6
    assert one.settle([4, 7, 5, 5])
    assert (one.answer, one.state, one.computed) == ([3, 4, 7], "finished", 4)


def test_a_small_model_without_room_guesses_nothing() -> None:
    decoder = Decoder(made_weights(TINY), 16)
    drafter = ModelDrafter(decoder, BlockManager(2, 4, share=False))
    one, two = Sequence("one", [1] * 5, 20), Sequence("two", [2] * 5, 20)
    found = drafter.propose([(one, 2, Sampling()), (two, 2, Sampling())])
    assert [len(guesses) for guesses in found] == [2, 0]
    drafter.forget(one)
    assert len(drafter.propose([(two, 2, Sampling())])[0]) == 2
    assert drafter.propose([(two, 9, Sampling())]) == [[]]
    assert drafter.propose([(Sequence("long", [1] * 60, 20), 9, Sampling())]) == [[]]


def test_who_guesses_words_that_the_model_does_not_know_is_refused() -> None:
    small = ModelDrafter(Decoder(made_weights(TINY._replace(vocabulary=9)), 64), BlockManager(4, share=False))
    with pytest.raises(ValueError, match="knows 9 tokens, and the model 24"):
        LLMEngine(Decoder(made_weights(TINY), 64), Scheduler(BlockManager(4)), speculation=Speculation(small))
    with pytest.raises(ValueError, match="64 slots, and the decoder 63"):
        ModelDrafter(Decoder(made_weights(TINY), 63), BlockManager(4))


def test_how_many_are_guessed_goes_by_how_many_decode() -> None:
    speculation = Speculation(NGramDrafter(), {1: 6, 5: 2, 9: 0})
    assert [speculation.many(decoding) for decoding in (0, 1, 4, 5, 8, 9, 100)] == [6, 6, 6, 2, 2, 0, 0]
    assert Speculation(NGramDrafter()).many(50) == 4


def test_what_is_no_number_ends_a_request_where_it_is_told_and_not_where_it_is_guessed() -> None:
    """The token 7 is broken: a guess of it is verified, its law is not; told, it ends the request."""
    weights = made_weights(TINY)
    weights.embedding[0, :, 7] = np.nan
    weights = type(weights)(**{**vars(weights), "head": made_weights(TINY).head})
    model = Decoder(weights, 64)
    made = LLMEngine(model, Scheduler(BlockManager(16, 4)), speculation=Speculation(NGramDrafter(1), 2))
    (first,) = model.forward([(3, 0, 0)], [[0]], 64, [0])
    made.add(one := Sequence("one", [3], 6))
    made.step()
    assert one.answer == [int(first.argmax())]
    one.guess([])
    made.speculation.drafter.propose = lambda asked: [[Guess(7), Guess(1)] for _ in asked]  # type: ignore[union-attr, method-assign]
    made.step()
    assert one.fault == ""
    assert one.guessed == 0
    assert len(one.answer) == 2
    made.decoder.weights.head[:] = np.nan
    made.step()
    assert "too large" in one.fault
    assert len(one.answer) == 2
    assert made.scheduler.memory.free_blocks == 16  # type: ignore[attr-defined]
