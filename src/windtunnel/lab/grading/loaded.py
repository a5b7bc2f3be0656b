"""The worker's side of a grade: the design's code is loaded here, and plays what it is asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.grading.challenge import YOURS, challenge_of
from windtunnel.lab.grading.player import Here
from windtunnel.lab.grading.trial import Trial, play
from windtunnel.lab.grading.wire import of_history, of_rehearsal, to_faults
from windtunnel.lab.outside import with_design
from windtunnel.lab.params import make, settings
from windtunnel.lab.running.work import workload

FEW = 20


def joined(path: str) -> Experiment[Any]:
    """The experiment that a file answers, with its one design as `YOURS`. Raises WrongInput."""
    experiment = challenge_of(Path(path))
    found = [d for name, d in with_design(experiment, path).designs.items() if name not in experiment.designs]
    if len(found) != 1:
        raise WrongInput(f"{path} defines {len(found)} designs; a challenge takes one.")
    return replace(experiment, designs={**experiment.designs, YOURS: found[0]}, module=experiment.module)


def make_ready(path: str) -> None:
    """Import what a trial of this challenge needs: the experiment's own first design serves a few requests.

    None of the file's code is run.
    """
    experiment = challenge_of(Path(path))
    if experiment.measured:
        return  # to measure something beside the grade that is under way would disturb it
    trial = Trial(0, settings(experiment.params, experiment.quick))
    asked = workload(experiment, make(experiment.params, trial.settings), trial.seed)
    play(experiment, next(iter(experiment.designs)), trial, asked[:FEW], None)


class Loaded:
    """A challenger's file, loaded."""

    def __init__(self, path: str) -> None:
        self.experiment = joined(path)
        self.here = Here(self.experiment)

    def do(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """What is asked for: a trial's history, or a rehearsal."""
        number = {"number": wanted["number"]}
        if wanted["do"] == "rehearse":
            return {**number, "seen": of_rehearsal(self.here.rehearse(wanted["settings"], wanted["seed"]))}
        trial = Trial(wanted["seed"], wanted["settings"], tuple(to_faults(wanted["faults"])))
        ops = None
        if wanted["ops"] is not None:
            kept = set(wanted["ops"])
            params = make(self.experiment.params, trial.settings)
            ops = [op for op in workload(self.experiment, params, trial.seed) if op.id in kept]
        return {**number, "history": of_history(self.here.play(trial, ops, None))}
