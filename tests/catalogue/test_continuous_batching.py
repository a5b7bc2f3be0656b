"""continuous-batching: the gain is the longest answer over the mean, and a step costs what kernels do."""

from __future__ import annotations

import csv
from math import hypot
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from windtunnel.catalogue.ai.continuous_batching.claims import MEDIAN, SPREAD, capped_mean, longest_over_mean
from windtunnel.parts import LLAMA_8B

KERNELS = [up / "shared" / "data" / "serving" for up in Path(__file__).parents]


@pytest.mark.parametrize("cap", [128, 384])
def test_the_closed_form_is_what_lots_of_32_give(cap: int) -> None:
    luck = Random(1)
    drawn = [[min(cap, round(MEDIAN * luck.lognormvariate(0, SPREAD))) for _ in range(32)] for _ in range(3000)]
    mean = fmean(map(fmean, drawn))
    assert capped_mean(cap) == pytest.approx(mean, rel=0.01)
    assert longest_over_mean(32, cap) == pytest.approx(fmean(map(max, drawn)) / mean, rel=0.01)


def test_one_at_a_time_nothing_is_gained() -> None:
    assert longest_over_mean(1, 384) == 1


@pytest.mark.skipif(
    not any(map(Path.exists, KERNELS)), reason="the measured kernels are not here: they are no part of the project"
)
def test_a_step_costs_what_the_kernels_were_measured_to_cost() -> None:
    layers: dict[int, float] = {}
    twice = {"layernorm": 2, "embedding": 0, "final_layernorm": 0}
    with next(filter(Path.exists, KERNELS)).joinpath("dense.csv").open() as file:
        for row in csv.DictReader(file):
            took_s = 32e-6 * float(row["time_us"]) * twice.get(row["layer"], 1)
            layers[int(row["tokens"])] = layers.get(int(row["tokens"]), 0.0) + took_s
    for tokens, took_s in layers.items():
        assert hypot(LLAMA_8B.weights_s, tokens * LLAMA_8B.token_s) == pytest.approx(took_s, rel=0.2), tokens
    assert LLAMA_8B.weights_s == pytest.approx(layers[1], rel=0.02)
    assert 2048 * LLAMA_8B.token_s == pytest.approx(layers[2048], rel=0.02)
