"""A device with a large and a small model, whose passes take their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence as List
from typing import TYPE_CHECKING, Protocol

from windtunnel import Stage
from windtunnel.blocks.serving import Batch, Guess, Sequence, draw
from windtunnel.catalogue.ai.speculative_decoding.models import small_law
from windtunnel.parts import LLAMA_8B

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Law = NDArray[np.float64]


class Setting(Protocol):
    """What the parameters have."""

    @property
    def batch(self) -> int: ...

    @property
    def guesses(self) -> int: ...

    @property
    def alike(self) -> float: ...

    @property
    def temperature(self) -> float: ...

    @property
    def draft_cost(self) -> float: ...


class Device:
    """Runs passes of either model, one at a time, and says how long they take.

    Attributes:
        small_passes: of the small model, so far.
        spent_s: for how long the models were at work, "large" and "small".
    """

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.sim, self._p = stage.sim, p
        self._luck = stage.random("the small model")
        self._small = LLAMA_8B.times(p.draft_cost)
        self._read = set[Sequence]()
        self.small_passes = 0
        self.spent_s = {"large": 0.0, "small": 0.0}

    def pass_s(self, running: List[Sequence], each: int = 1) -> float:
        """How long a pass of the large model takes in which each of these computes so many tokens."""
        return LLAMA_8B.seconds(Batch([(one, each) for one in running]))

    def draft_s(self, running: List[Sequence]) -> float:
        """How long a pass of the small model takes, of a token of each."""
        return self._small.seconds(Batch([(one, 1) for one in running]))

    async def draft(
        self, running: List[Sequence], many: int, pick: Callable[[Law], int] | None = None
    ) -> dict[object, list[Guess]]:
        """So many guesses for each of these, a pass of the small model for the first ones, one for the second, and so
        on; by the sequences' names. They are drawn by its laws, or as `pick` says.

        The first time it reads a sequence, it reads the whole prompt.
        """
        found = {one.name: list[Guess]() for one in running}
        if not running:
            return found
        texts = {one.name: list(one.tokens) for one in running}
        for _ in range(many):
            fresh = [(one, 1 if one in self._read else len(one.tokens)) for one in running]
            self._read.update(running)
            await self.work("small", self._small.seconds(Batch(fresh)))
            self.small_passes += 1
            for name, text in texts.items():
                law = small_law(text, self._p.temperature, self._p.alike)
                token = pick(law) if pick else draw(law, self._luck.random())
                found[name].append(Guess(token, law))
                text.append(token)
        return found

    async def work(self, what: str, seconds: float) -> None:
        self.spent_s[what] += seconds
        await self.sim.sleep(seconds)
