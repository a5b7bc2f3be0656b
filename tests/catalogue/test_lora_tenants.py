"""lora: what is charged is what the sizes of the model say, and what is told is judged by merged weights."""

from __future__ import annotations

from collections import OrderedDict
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from windtunnel.blocks.serving import Decoder, Sequence, merged
from windtunnel.catalogue.ai.lora.claims import lru_finds
from windtunnel.catalogue.ai.lora.device import (
    ADAPTER,
    ALL,
    LOAD_S,
    MERGE_S,
    PASS_S,
    SMALL,
    Device,
    adapter,
    base,
    prompt_of,
)
from windtunnel.catalogue.ai.lora.judging import likeliest
from windtunnel.sim import Simulator


def answered(name: str, number: int, many: int) -> list[int]:
    """The likeliest tokens of a tenant's merged model, one after another."""
    model, tokens = Decoder(merged(base(), adapter(name)), SMALL.positions), prompt_of(number)
    for _ in range(many):
        rows = [(token, at, 0) for at, token in enumerate(tokens)]
        (law,) = model.forward(rows, [[0]], SMALL.positions, [len(rows) - 1])
        tokens.append(int(law.argmax()))
    return tokens[-many:]


def test_what_a_tenants_model_says_is_right_and_what_another_one_says_is_not() -> None:
    told = {(name, number): answered(name, number, 6) for name in "012" for number in range(8)}
    others = [likeliest(str((int(name) + 1) % 3), number, tuple(tokens)) for (name, number), tokens in told.items()]
    assert sum(others) <= 1
    for (name, number), tokens in told.items():
        assert likeliest(name, number, tuple(tokens))
        assert not likeliest(name, number, (*tokens[:-1], (tokens[-1] + 1) % SMALL.vocabulary))


@pytest.mark.parametrize(("skew", "many", "places"), [(1.0, 20, 3), (0.0, 8, 2), (2.0, 5, 4)])
def test_what_least_recently_used_finds_is_what_independent_draws_find(skew: float, many: int, places: int) -> None:
    luck, there, found, draws = Random(5), OrderedDict[int, None](), 0, 40_000
    weights = [1 / (1 + k) ** skew for k in range(many)]
    for one in luck.choices(range(many), weights, k=draws):
        found += one in there
        there[one] = None
        there.move_to_end(one)
        if len(there) > places:
            there.popitem(last=False)
    assert lru_finds(skew, many, places) == pytest.approx(found / draws, abs=0.01)


def test_a_llama_has_seven_billion_numbers_and_an_adapter_half_a_percent_of_them() -> None:
    assert pytest.approx(6.74e9, rel=0.001) == ALL
    assert pytest.approx(0.006, rel=0.02) == ADAPTER / ALL


def device(**parameters: int) -> tuple[Any, Simulator]:
    sim = Simulator(1)
    stage, p = SimpleNamespace(sim=sim), SimpleNamespace(adapters=4, batch=4, places=2, **parameters)
    return Device(stage, p), sim  # type: ignore[arg-type]  # all that it asks of them


def running(number: int, name: str) -> Sequence:
    one = Sequence(number, prompt_of(number), 3, adapter=name)
    one.state, one.blocks = "running", [number * SMALL.positions]
    return one


def test_what_a_device_does_takes_the_time_of_the_bytes_that_it_moves() -> None:
    made, sim = device()

    async def go() -> None:
        first = running(0, "1")
        place = await made.load("1")
        assert (place, await made.load("1"), sim.now) == (0, 0, pytest.approx(LOAD_S))
        await made.forward([first], [place])
        assert sim.now == pytest.approx(LOAD_S + PASS_S * (1 + ADAPTER / ALL))
        await made.merge("2")
        await made.forward([running(1, "2")])
        assert sim.now == pytest.approx(2 * LOAD_S + MERGE_S + PASS_S * (2 + ADAPTER / ALL))

    sim.spawn(go(), "go")
    sim.run()
    assert made.given == {0: answered("1", 0, 1), 1: answered("2", 1, 1)}
    assert made.memory == pytest.approx(1 + 2 * ADAPTER / ALL)


def test_a_copy_is_the_matrices_once_more_and_the_weights_that_nobody_reads_are_not_held() -> None:
    made, sim = device()
    for name in "123":
        made.copy(name)

    async def go() -> None:
        await made.forward([running(0, "1"), running(1, "1")], copy="1")

    sim.spawn(go(), "go")
    sim.run()
    assert 2.9 < made.memory < 3
    assert made.given == {0: answered("1", 0, 1), 1: answered("1", 1, 1)}


def test_a_pass_computes_who_runs_and_each_once() -> None:
    made, sim = device()
    refused: list[str] = []

    async def go() -> None:
        one, over = running(0, "1"), running(1, "1")
        over.state = "finished"
        for wrong in ([one, one], [one, over]):
            try:
                await made.forward(wrong)
            except ValueError as why:
                refused.append(str(why))

    sim.spawn(go(), "go")
    sim.run()
    assert refused == ["A pass computes sequences that run, each once."] * 2


def test_a_device_computes_one_pass_at_a_time_and_an_adapter_is_read_when_it_has_come() -> None:
    made, sim = device()
    came: list[tuple[str, float]] = []

    async def brings(name: str) -> None:
        await made.load(name)
        came.append((name, sim.now))

    async def go() -> None:
        one, two = running(0, "1"), running(1, "2")
        tasks = [sim.spawn(brings(name), "the bus") for name in "112"]
        await sim.sleep(LOAD_S / 2)
        assert made.there == []
        for task in tasks:
            await task
        assert [name for name, _ in came] == ["1", "1", "2"]
        assert [at for _, at in came] == pytest.approx([LOAD_S, LOAD_S, 2 * LOAD_S])
        passes = [sim.spawn(made.forward([one], [0]), "a pass"), sim.spawn(made.forward([two], [1]), "a pass")]
        passes.append(sim.spawn(made.merge("3"), "merging"))
        for task in passes:
            await task
        assert sim.now == pytest.approx(2 * LOAD_S + MERGE_S + 2 * PASS_S * (1 + ADAPTER / ALL))

    sim.spawn(go(), "go")
    sim.run()
    assert made.given == {0: answered("1", 0, 1), 1: answered("2", 1, 1)}


def test_an_adapter_comes_beside_a_pass_and_not_in_place_of_one_that_the_pass_reads() -> None:
    made, sim = device()

    async def go() -> None:
        for name in "12":
            await made.load(name)
        begun = sim.now
        task = sim.spawn(made.forward([running(0, "1")], [0]), "a pass")
        assert await made.load("3") == 1
        assert made.there == ["1", "3"]
        await task
        assert sim.now == pytest.approx(begun + PASS_S * (1 + ADAPTER / ALL))
        assert await made.load("2") == 0

    sim.spawn(go(), "go")
    sim.run()
    assert made.given == {0: answered("1", 0, 1)}
