"""One of each block that serves a language model: how it is made, what a caller sees of it, and what changes that."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from windtunnel.blocks.serving import (
    AdapterPool,
    BlockManager,
    Buddy,
    ContiguousMemory,
    Decoder,
    LLMEngine,
    ModelDrafter,
    ModelShape,
    NGramDrafter,
    Sampling,
    Scheduler,
    Sequence,
    made_adapter,
    made_weights,
)

TINY = ModelShape(
    vocabulary=100, width=64, layers=2, heads=4, kv_heads=2, head_width=16, hidden=64, positions=64, rope_base=1e4
)
TINIER = TINY._replace(vocabulary=24, layers=1, heads=2, kv_heads=1)
"""For laws of few tokens."""
SMALL = ModelShape(vocabulary=10, width=64, layers=1, heads=2, kv_heads=1, head_width=8, hidden=64, positions=16)


def _asked(made: Any) -> Any:
    """With a sequence that has asked for room."""
    made.allocate(Sequence("one", range(40), 9))
    return made


def _serving() -> Scheduler:
    made = Scheduler(BlockManager(8))
    for i in range(3):
        made.add(Sequence(i, range(5 + i), 9))
    made.finish_step(made.schedule(), dict.fromkeys(range(3), 7))
    return made


def _decoder() -> Decoder:
    made = Decoder(made_weights(SMALL), 8)
    made.forward([(3, 0, 0)], [[0]], 8, [0])
    return made


def _pool() -> AdapterPool:
    made = AdapterPool(SMALL, places=2, rank=2)
    made.load("one", made_adapter(SMALL, 2))
    return made


def _guesses(made: Any) -> Any:
    """Has guessed once for a sequence."""
    made.propose([(Sequence("one", [3, 4, 3], 5), 2, Sampling())])
    return made


def _engine() -> LLMEngine:
    made = LLMEngine(_decoder(), Scheduler(BlockManager(2, 4)))
    made.add(Sequence("one", [1, 2], 5))
    made.step()
    return made


SERVING: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "AdapterPool": (
        _pool,
        lambda made: (made.names, made.loads, made.numbers.tobytes()),
        lambda made: made.load("two", made_adapter(SMALL, 1, seed=2)),
    ),
    "BlockManager": (
        lambda: _asked(BlockManager(8)),
        lambda made: (made.free_blocks, made._owners, made.asked),
        _asked,
    ),
    "Buddy": (lambda: Buddy(100), lambda made: copy.deepcopy(made).take(16), lambda made: made.take(16)),
    "ContiguousMemory": (
        lambda: _asked(ContiguousMemory(200)),
        lambda made: copy.deepcopy(made)._take(None, 9),
        _asked,
    ),
    "Decoder": (
        _decoder,
        lambda made: made._keys.tobytes(),
        lambda made: made.forward([(7, 0, 0)], [[0]], 8, [0]),
    ),
    "LLMEngine": (
        _engine,
        lambda made: (made.steps, [one.tokens for one in made.scheduler.running]),
        lambda made: made.step(),
    ),
    "ModelDrafter": (
        lambda: _guesses(ModelDrafter(_decoder(), BlockManager(2, 4, share=False))),
        lambda made: (made.passes, made.decoder._keys.tobytes(), made.memory.free_blocks),
        _guesses,
    ),
    "NGramDrafter": (
        lambda: _guesses(NGramDrafter()),
        lambda made: (made.longest, [(one.tokens, places) for one, (_, places) in made._places.items()]),
        _guesses,
    ),
    "Scheduler": (
        _serving,
        lambda made: [(one.name, one.tokens, one.blocks) for one in made.running],
        lambda made: made.finish_step(made.schedule(), dict.fromkeys(range(3), 8)),
    ),
}
