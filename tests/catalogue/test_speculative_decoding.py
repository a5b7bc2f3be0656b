"""speculative-decoding: the laws are what they are said to be, and chi-squared sees what is off them, and only that."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from statistics import fmean, stdev
from types import SimpleNamespace

import numpy as np
import pytest

from windtunnel.blocks.serving import BlockManager, Guess, Scheduler, Sequence, draw, tokens_a_pass
from windtunnel.catalogue.ai.speculative_decoding import Adaptive, Params
from windtunnel.catalogue.ai.speculative_decoding.device import Device
from windtunnel.catalogue.ai.speculative_decoding.judging import cost_s, off_the_law
from windtunnel.catalogue.ai.speculative_decoding.models import (
    CONTEXTS,
    PROMPT,
    VOCABULARY,
    LargeModel,
    contexts_of,
    is_hard,
    laws,
    mistaken,
    prompt_of,
    small_law,
)
from windtunnel.parts import LLAMA_8B
from windtunnel.sim import Simulator


def drawn(luck: Random, many: int, temperature: float, share: float = 0.0) -> list[Counter[int]]:
    """Tokens by the model's laws; a share of them by those of the small model's mistakes."""
    seen = [Counter[int]() for _ in range(CONTEXTS)]
    for _ in range(many):
        context = luck.randrange(CONTEXTS)
        law = mistaken(temperature, 0.3)[context] if luck.random() < share else laws(temperature)[context]
        seen[context][draw(law, luck.random())] += 1
    return seen


def test_what_is_off_the_law_is_counted_in_standard_deviations() -> None:
    luck = Random(3)
    found = [off_the_law(drawn(luck, 600, 1.0), 1.0) for _ in range(60)]
    assert abs(fmean(found)) < 0.5
    assert 0.75 < stdev(found) < 1.35
    assert max(found) < 4
    assert off_the_law(drawn(luck, 2000, 1.0, share=0.2), 1.0) > 5


def test_nothing_is_off_where_nothing_can_be_compared() -> None:
    assert off_the_law([Counter() for _ in range(CONTEXTS)], 1.0) == 0
    assert off_the_law(drawn(Random(1), 500, 0.0), 0.0) == 0


@pytest.mark.parametrize("temperature", [0.0, 0.25, 1.0, 2.0])
@pytest.mark.parametrize("common", [0.1, 0.3])
def test_a_small_model_in_a_hard_place_has_so_much_in_common(temperature: float, common: float) -> None:
    for law, other in zip(laws(temperature), mistaken(temperature, common), strict=True):
        assert other.min() >= 0
        assert other.sum() == pytest.approx(1)
        assert np.minimum(law, other).sum() == pytest.approx(common)


@pytest.mark.parametrize("alike", [0.1, 0.3, 0.53, 0.8, 1.0])
def test_of_the_guesses_as_many_are_kept_as_is_asked(alike: float) -> None:
    luck, tokens, common = Random(5), [3, 4], list[float]()
    for _ in range(4000):
        tokens.append(luck.randrange(VOCABULARY))
        law = laws(1.0)[contexts_of([*tokens, 0], len(tokens))[0]]
        common.append(float(np.minimum(law, small_law(tokens, 1.0, alike)).sum()))
    assert fmean(common) == pytest.approx(alike, abs=0.02)
    hard = [one < 0.999 for one in common]
    both = fmean(a and b for a, b in pairwise(hard))
    assert both == pytest.approx(fmean(hard) ** 2, abs=0.02)  # whatever came before


def test_a_place_is_hard_for_everybody_alike() -> None:
    assert fmean(is_hard(1, 2, at, 0.65) for at in range(10_000)) == pytest.approx(0.5, abs=0.02)


def test_the_large_model_says_by_its_memory_what_the_oracle_says() -> None:
    scheduler, model = Scheduler(BlockManager(8, 4), 2), LargeModel(32, 1.0)
    one = Sequence("one", prompt_of(1)[:5], 9)
    scheduler.add(one)
    batch = scheduler.schedule()
    (law,) = model.compute(batch, scheduler.memory.slot)["one"]
    scheduler.finish_step(batch, {"one": 7})
    one.guess([8, 9])
    batch = scheduler.schedule()
    said = [law, *model.compute(batch, scheduler.memory.slot)["one"]]
    contexts = contexts_of([*one.tokens, 0], 5)
    assert [id(found) for found in said] == [id(laws(1.0)[context]) for context in contexts]
    batch.accepted["one"] = [8]
    scheduler.finish_step(batch, {"one": 1})
    batch = scheduler.schedule()
    (law,) = model.compute(batch, scheduler.memory.slot)["one"]
    assert law is laws(1.0)[contexts_of([*one.tokens, 0], len(one.tokens))[0]]


def test_what_guesses_cost_is_a_pass_each_and_prompts_once() -> None:
    sim = Simulator(1)
    stage = SimpleNamespace(sim=sim, random=lambda name: Random(name))
    device = Device(stage, Params(draft_cost=0.5))  # type: ignore[arg-type]
    one = Sequence("one", prompt_of(1), 9)
    small = LLAMA_8B.times(0.5)
    takes = [small.fixed_s + (small.weights_s**2 + (many * small.token_s) ** 2) ** 0.5 for many in (1, PROMPT)]

    async def go() -> None:
        found = await device.draft([one], 2)
        assert [type(guess) for guess in found["one"]] == [Guess, Guess]
        assert sim.now == pytest.approx(takes[1] + takes[0], rel=0.01)
        await device.draft([one], 2)
        assert sim.now == pytest.approx(takes[1] + 3 * takes[0], rel=0.01)
        assert await device.draft([one], 0) == {"one": []}
        assert await device.draft([], 3) == {}

    sim.spawn(go(), "go")
    sim.run()
    assert device.small_passes == 4


def test_the_number_of_guesses_that_pays_is_that_of_the_best_speed() -> None:
    sim = Simulator(1)
    stage = SimpleNamespace(sim=sim, random=lambda name: Random(name))
    p = Params()
    device, design = Device(stage, p), Adaptive(stage, p)  # type: ignore[arg-type]
    for running in (1, 8, 64, 256):
        some = [Sequence(i, prompt_of(i), 9) for i in range(running)]
        for one in some:
            one.computed = PROMPT + 32
        best = max(range(13), key=lambda g: tokens_a_pass(0.8, g) / cost_s(running, 1 + g, p))
        assert design.best(device, some) == best
    assert best < 2
