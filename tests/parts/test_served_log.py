"""A real server's log, predicted by the kernels of its card alone, scheduled as the engine here schedules.

300 requests of ShareGPT, 10.3 a second, to vLLM 0.19 with Llama-3.1-8B on an RTX PRO 6000. Nothing is fitted on it.
"""

from __future__ import annotations

from functools import cache
from statistics import fmean

import pytest

from helpers.kernel_tables import (
    HERE,
    WORD,
    Logged,
    answering,
    attention,
    beside,
    dense,
    knots,
    log,
    per_sequence,
    reading,
    together,
)
from windtunnel.blocks.serving import Batch, BlockManager, Scheduler, Sequence
from windtunnel.parts import LLAMA_8B_KERNELS, STOP, MadeModel, ServedModel, made_prompt
from windtunnel.sim import Simulator

measured_here = pytest.mark.skipif(HERE is None, reason=WORD)
BLOCKS = 34_000
"""Of 16 tokens: more than are ever in use."""
TOLD = {
    1.0: {"makespan_s": 63.4, "token_ms": 31.5, "mean_s": 27.0, "p99_s": 36.1, "token_p99_ms": 37.3, "first_s": 6.51},
    0.5: {"makespan_s": 72.8, "token_ms": 25.3, "mean_s": 16.5, "p99_s": 22.4, "token_p99_ms": 29.6, "first_s": 0.083},
    2.0: {"makespan_s": 61.6, "token_ms": 31.8, "mean_s": 32.1, "p99_s": 45.2, "token_p99_ms": 37.3, "first_s": 11.3},
}
"""What docs/design.md tells, by how many times the rate of the log."""


def served(rate: float) -> list[Logged]:
    """The same requests, so many times as fast, in the tunnel."""
    sim, found = Simulator(1), list[Logged]()
    scheduler = Scheduler(BlockManager(BLOCKS, share=False), 128, "chunked", 2048)
    model = ServedModel(sim, scheduler, MadeModel(16 * BLOCKS), LLAMA_8B_KERNELS)

    async def client(number: int, one: Logged) -> None:
        await sim.sleep(one.came_s / rate)
        asked = Sequence(number, made_prompt(number, one.prompt), one.answer, stop=STOP)
        first, over = model.ask(asked, one.answer)
        found.append(Logged(one.came_s / rate, await first, await over, one.prompt, len(asked.answer)))

    for number, one in enumerate(log()):
        sim.spawn(client(number, one), f"client {number}")
    sim.run()
    return found


def told(requests: list[Logged]) -> dict[str, float]:
    """What is said of a server."""
    waits = sorted(one.last_s - one.came_s for one in requests)
    tokens = sorted((one.last_s - one.first_s) / (one.answer - 1) for one in requests)
    last = round(0.99 * len(requests)) - 1
    return {
        "makespan_s": max(one.last_s for one in requests),
        "token_ms": 1e3 * fmean(tokens),
        "mean_s": fmean(waits),
        "p99_s": waits[last],
        "token_p99_ms": 1e3 * tokens[last],
        "first_s": fmean(one.first_s - one.came_s for one in requests),
    }


@cache
def predicted(rate: float) -> dict[str, float]:
    found = served(rate)
    assert sum(one.answer for one in found) == sum(one.answer for one in log())
    return told(found)


@measured_here
def test_the_log_of_a_real_server_is_predicted_by_kernels_alone() -> None:
    real, found = told(log()), predicted(1.0)
    off = {name: found[name] / real[name] - 1 for name in real}
    assert all(abs(off[name]) < 0.05 for name in ("makespan_s", "token_ms", "mean_s")), off
    assert all(abs(off[name]) < 0.10 for name in ("p99_s", "token_p99_ms", "first_s")), off
    assert found == pytest.approx(TOLD[1.0], rel=0.006)


@measured_here
@pytest.mark.soak
@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_other_rates_are_predicted_as_is_told(rate: float) -> None:
    """Nobody measured them."""
    assert predicted(rate) == pytest.approx(TOLD[rate], rel=0.006)


@measured_here
def test_the_knots_that_are_shipped_are_those_of_the_tables() -> None:
    cost = LLAMA_8B_KERNELS
    assert list(cost.dense_ms.values()) == pytest.approx(knots(dense, tuple(cost.dense_ms)), rel=1e-3)
    assert list(cost.head_ms.values()) == pytest.approx(knots(per_sequence, tuple(cost.head_ms)), rel=1e-3)
    assert cost.reading_us == pytest.approx(reading(), rel=1e-3)
    for grid, found in ((cost.answering_us, answering()), (cost.beside_us, beside())):
        flat = {(n, kv): us for n, line in grid.items() for kv, us in line.items()}
        assert flat == pytest.approx(found, rel=1e-3)
    assert cost.together_us == pytest.approx(together(), rel=1e-3)


def batch(*work: tuple[int, int, int]) -> Batch:
    """Sequences by (tokens of the prompt, computed, tokens in this step)."""
    made = list[tuple[Sequence, int]]()
    for i, (prompt, computed, count) in enumerate(work):
        one = Sequence(i, [1] * prompt, 9000)
        one.tokens += [2] * (computed + count - prompt)
        one.computed = computed
        made.append((one, count))
    return Batch(made)


@measured_here
def test_between_knots_kernels_are_met_within_a_fifth() -> None:
    cost, us = LLAMA_8B_KERNELS, attention()
    for tokens, took_ms in dense().items():
        found = 1e3 * cost.seconds(batch((tokens + 1, 0, tokens)))
        once, token, _, square, _ = cost.reading_us
        assert found - 0.032 * (once + tokens * (token + square * tokens)) == pytest.approx(took_ms, rel=0.15), tokens
    for n, kv in ((64, 768), (128, 1152), (32, 1728), (128, 2592)):
        alone_ms = 0.032 * us[0, 0, n, kv]
        rest = 1e3 * cost.seconds(batch(*[(5, kv, 1)] * n)) - alone_ms
        assert rest == pytest.approx(dense()[n] + per_sequence()[n], rel=0.03), (n, kv)


def test_a_step_of_answers_costs_its_knots() -> None:
    cost = LLAMA_8B_KERNELS
    found = 1e3 * cost.seconds(batch(*[(5, 512, 1)] * 64))
    assert found == pytest.approx(cost.dense_ms[64] + cost.head_ms[64] + 0.032 * cost.answering_us[64][512])
    mixed = 1e3 * cost.seconds(batch((999, 0, 192), *[(5, 512, 1)] * 64))
    once, token, _, square, _ = cost.reading_us
    more = once + 192 * (token + 192 * square) + cost.beside_us[64][512] + 64 * 192 * cost.together_us
    assert mixed == pytest.approx(cost.dense_ms[256] + cost.head_ms[64] + 0.032 * more)
    assert 1e3 * cost.seconds(batch((999, 100, 64))) == pytest.approx(
        cost.dense_ms[64]
        + 0.032 * (once + 64 * (token + cost.reading_us[2] * 100 + 64 * square) + cost.reading_us[4] * 100)
    )


def test_behind_the_last_knot_it_goes_on() -> None:
    cost = LLAMA_8B_KERNELS
    twice = cost.seconds(batch((9000, 0, 2048), (9000, 0, 2048)))
    assert 1.7 < twice / cost.seconds(batch((9000, 0, 2048))) < 2.1
    assert cost.seconds(batch(*[(5, 8, 1)])) == pytest.approx(cost.seconds(batch(*[(5, 16, 1)])))
