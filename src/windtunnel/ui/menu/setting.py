"""With which parameters an experiment is run from here: full or small, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from windtunnel.lab.asks import elsewhere
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.params import Param, describe, settings


@dataclass
class Setting:
    """An experiment, and how it is run from the menu."""

    experiment: Experiment[Any]
    quick: bool = False
    changed: dict[str, str] = field(default_factory=dict)

    @property
    def params(self) -> list[Param]:
        """The experiment's parameters."""
        return describe(self.experiment.params)

    def value(self, param: Param) -> Any:
        """What a parameter has here."""
        start = self.experiment.quick.get(param.name, param.default) if self.quick else param.default
        return self.changed.get(param.name, start)

    @property
    def words(self) -> list[str]:
        """What the command line calls it."""
        sets = [word for name, value in self.changed.items() for word in ("--set", f"{name}={value}")]
        return [self.experiment.id, *(["--quick"] if self.quick else []), *sets]

    @property
    def said(self) -> str:
        """What the first line calls it."""
        words = "small setting" if self.quick else "full setting"
        return f"{words}, {len(self.changed)} changed" if self.changed else words

    @property
    def where(self) -> str:
        """Which experiment it is."""
        return f"{self.experiment.track or 'start here'} / {self.experiment.id}"

    @property
    def usual(self) -> bool:
        """Whether it is the one that questions and figures speak of."""
        return not self.quick and not self.changed

    @property
    def elsewhere(self) -> str:
        """In which parameters it is another than that of which the questions speak."""
        values = {param.name: self.value(param) for param in self.params}
        return elsewhere(self.experiment.params, settings(self.experiment.params, values))
