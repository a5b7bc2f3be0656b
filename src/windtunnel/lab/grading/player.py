"""Who lets the design of a challenger serve requests: this process, or a worker that alone has loaded its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from windtunnel.lab.errors import DesignError, WrongInput, raised
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.grading.adversary import Rehearsal, rehearse
from windtunnel.lab.grading.challenge import YOURS
from windtunnel.lab.grading.trial import Trial, judged, play
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import make
from windtunnel.sim.fault import Fault


class Player(Protocol):
    """Plays trials of the one design that is judged. Raises WrongInput or DesignError."""

    def play(self, trial: Trial, ops: Sequence[Op] | None, faults: Sequence[Fault] | None) -> History:
        """What happened; with fewer requests or faults where they are given."""

    def rehearse(self, settings: Mapping[str, Any], seed: int) -> Rehearsal:
        """What is seen of the design while nothing goes wrong."""


class Here:
    """The design runs in this process: for designs of our own, and inside the worker.

    Args:
        experiment: with the design as `YOURS`.
    """

    def __init__(self, experiment: Experiment[Any]) -> None:
        self.experiment = experiment

    def play(self, trial: Trial, ops: Sequence[Op] | None, faults: Sequence[Fault] | None) -> History:
        """What happened; with fewer requests or faults where they are given."""
        return play(self.experiment, YOURS, trial, ops, faults)

    def rehearse(self, settings: Mapping[str, Any], seed: int) -> Rehearsal:
        """What is seen of the design while nothing goes wrong."""
        return rehearse(self.experiment, YOURS, settings, seed)


class Bench:
    """Where a challenger's design is tried beside those of the experiment, and everything is measured.

    Args:
        experiment: without the design that is judged: measuring and judging need its histories alone.
    """

    def __init__(self, experiment: Experiment[Any], player: Player) -> None:
        self.experiment = experiment
        self.player = player

    def play(
        self,
        design: str,
        trial: Trial,
        ops: Sequence[Op] | None = None,
        faults: Sequence[Fault] | None = None,
    ) -> tuple[History, dict[str, float]]:
        """What happened, and what is measured on it."""
        params = make(self.experiment.params, trial.settings)
        if design != YOURS:
            history = play(self.experiment, design, trial, ops, faults)
            return history, judged(self.experiment, history, params, design)
        history = self.player.play(trial, ops, faults)
        try:
            return history, judged(self.experiment, history, params, design)
        except WrongInput as error:
            if isinstance(error.__cause__, KeyError):
                raise  # a report that is missing is told as such
            # Our own designs can be measured: what cannot is what this one answered.
            cause = error.__cause__
            what = raised(cause) if cause is not None else str(error).rstrip(".")
            raise DesignError(f"What design {design} answered and reported cannot be measured ({what}).") from error
