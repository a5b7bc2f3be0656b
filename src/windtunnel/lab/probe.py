"""A claim that is tried in many settings: what a phase map and a search along one parameter have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel.lab.claims import check, speaks_of
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.footing import choose
from windtunnel.lab.params import settings
from windtunnel.lab.run import Progress, perform, seeds_of_run
from windtunnel.lab.running.work import Done, Job


class Probe:
    """An experiment and a claim, which has its own setting (`given`), but for `params` and for what is varied.

    Args: see `windtunnel.lab.phases.phase_map`.

    Attributes:
        designs: those that the claim speaks of.
        runs: how many were performed.

    Raises:
        WrongInput: something given cannot be used.
    """

    def __init__(
        self,
        experiment: Experiment[Any],
        claim: Claim,
        *,
        seeds: int | Sequence[int] | None,
        quick: bool,
        jobs: int | None,
        with_file: str,
        progress: Progress | None,
        params: Mapping[str, object],
    ) -> None:
        self._own, self._with_file, self._jobs, self._progress = experiment, with_file, jobs, progress
        if with_file:
            from windtunnel.lab.outside import with_design

            experiment = with_design(experiment, with_file)
        check(claim.expression, experiment.designs)
        self.experiment, self.claim = experiment, claim
        self.designs = speaks_of(claim.expression)
        self.seeds = seeds_of_run(experiment.seeds if seeds is None else seeds)
        self.stage = choose(experiment.id, experiment.stages, None, None)
        self.runs = 0
        self._base = {**(experiment.quick if quick else {}), **claim.given, **params}

    def setting(self, varied: Mapping[str, object]) -> dict[str, Any]:
        """Every parameter, where those that are varied have these values."""
        return settings(self.experiment.params, {**self._base, **varied})

    def perform(self, todo: list[Job]) -> list[Done]:
        """What came of each."""
        self.runs += len(todo)
        return perform(self._own, self._with_file, self.experiment, self.stage, todo, self._jobs, self._progress)
