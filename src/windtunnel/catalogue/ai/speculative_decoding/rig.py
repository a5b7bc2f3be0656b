"""What tries a design: scheduler, memory and models are ours, and it says what is guessed, and what is told then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence as List
from typing import TYPE_CHECKING, Any, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.serving import Batch, BlockManager, Guess, Scheduler, Sequence
from windtunnel.catalogue.ai.speculative_decoding.device import Device, Setting
from windtunnel.catalogue.ai.speculative_decoding.models import PROMPT, LargeModel, prompt_of
from windtunnel.parts import LLAMA_8B, Places
from windtunnel.sim import Signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Law = NDArray[np.float64]

MOST_GUESSES, MOST_ANSWER, MOST_BATCH = 12, 192, 256


class Design(Protocol):
    """What is tried."""

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        """Before a pass: what may follow the tokens of these, who are being answered, by their names."""

    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Law]) -> list[int]:
        """After it: what the client is told next, by what the large model says behind the last token and behind each
        guess. The tokens of `one` are those before the guesses."""


class Rig:
    """Serves requests by passes of the large model over what the design guesses."""

    def __init__(self, design: Design, stage: Stage, p: Setting) -> None:
        self.design, self.sim, self.p = design, stage.sim, p
        blocks = p.batch * (-(-(PROMPT + MOST_ANSWER * 3 // 2) // 16) + 1)
        self.memory = BlockManager(blocks)
        self.scheduler = Scheduler(self.memory, p.batch)
        self.model = LargeModel(16 * blocks, p.temperature)
        self.device = Device(stage, p)
        self.places = Places(self.sim, "device", p.batch)
        self.over: dict[object, Signal[None]] = {}
        self.runs = False
        self.passes = self.rows = self.given = self.unmade = 0
        self.told = self.verified = 0
        """Tokens told to those that were being answered, and how many times one of them was in a pass."""
        self.reached = [0] * (MOST_GUESSES + 1)
        """How often the first, second, ... guess was decided on, those before it having been kept."""
        self.kept = [0] * (MOST_GUESSES + 1)
        self.first: dict[object, float] = {}
        self.steps: list[tuple[float, int, int, float, float]] = []

    @process
    async def generate(self, number: int, many: int) -> tuple[int, ...]:
        """An answer of so many tokens."""
        one = Sequence(number, prompt_of(number), many)
        over = self.over[number] = Signal[None](self.sim, "the last token")
        self.scheduler.add(one)
        self.places.wait(over)
        if not self.runs:
            self.runs = True
            self.sim.spawn(self.serve(), "the models", daemon=True)
        await over
        return tuple(one.answer)

    async def serve(self) -> None:
        while self.scheduler.busy:
            begun_s = self.sim.now
            decoding = [one for one in self.scheduler.running if one.owed == 1 and len(one.tokens) > one.prompt_length]
            alone_s = self.device.pass_s(decoding) if decoding else 0.0
            guesses = await self.design.guess(self.device, decoding)
            for one in decoding:
                room = min(MOST_GUESSES, one.longest - len(one.tokens) - 1)
                one.guess([guess.token for guess in guesses.get(one.name, ())][:room])
            batch = self.scheduler.schedule()
            for one, _ in batch.work:
                self.places.begin(self.over[one.name])
            laws = self.model.compute(batch, self.memory.slot)
            await self.device.work("large", LLAMA_8B.seconds(batch))
            told = self.settle(batch, guesses, laws)
            self.steps.append((begun_s, len(decoding), told, alone_s, self.sim.now - begun_s))
        self.runs = False

    def settle(self, batch: Batch, guesses: Mapping[object, List[Guess]], laws: Mapping[object, list[Law]]) -> int:
        """Tell what the design keeps; how many tokens those were told that were being answered before."""
        last, told = dict[object, int](), 0
        for one, count in batch.work:
            self.rows += count
            if one.name not in laws:
                continue
            mine = list(guesses.get(one.name, ()))[: one.guessed]
            begins = not one.answer
            one.withdraw()  # the design sees it as the client does
            said = list(self.design.keep(one, mine, laws[one.name]))
            one.guess([guess.token for guess in mine])
            if not 1 <= len(said) <= len(mine) + 1:
                raise ValueError(f"Of {len(mine)} guesses 1 to {len(mine) + 1} tokens come, not {len(said)}.")
            agreed = 0
            while agreed < min(len(mine), len(said) - 1) and said[agreed] == mine[agreed].token:
                agreed += 1
            self.unmade += max(0, len(said) - agreed - 1)
            for k in range(min(agreed + 1, len(mine))):
                self.reached[k] += 1
                self.kept[k] += k < agreed
            self.given += len(said)
            self.first.setdefault(one.name, self.sim.now)
            told += 0 if begins else len(said)
            self.verified += not begins
            *batch.accepted[one.name], last[one.name] = said
        self.passes += 1
        self.told += told
        for one in self.scheduler.finish_step(batch, last):
            over = self.over.pop(one.name)
            self.places.leave(over)
            over.set(None)
        return told

    def report(self) -> Mapping[str, Any]:
        return {
            "passes": self.passes,
            "rows": self.rows,
            "given": self.given,
            "told": self.told,
            "verified": self.verified,
            "unmade": self.unmade,
            "reached": self.reached,
            "kept": self.kept,
            "first": self.first,
            "steps": self.steps,
            "small_passes": self.device.small_passes,
            "spent_s": self.device.spent_s,
        }
