"""Which model is served, with its tokens and an engine: one with made weights, or one out of a GGUF file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from windtunnel.blocks.serving import BlockManager, Decoder, LLMEngine, ModelShape, Scheduler, made_weights
from windtunnel.blocks.serving.scheduler import Policy
from windtunnel.serve.tokens import ByteTokens, Tokens

BLOCK = 16
"""Tokens in a block of the memory."""
MADE = ModelShape(
    vocabulary=257, width=128, layers=4, heads=4, kv_heads=2, head_width=32, hidden=384, positions=2048, rope_base=1e4
)


@dataclass(frozen=True)
class Model:
    """What is served."""

    name: str
    about: str
    """A sentence for who looks at it."""
    decoder: Decoder
    tokens: Tokens

    @property
    def context(self) -> int:
        """Tokens of a prompt and its answer together, at most: what the model reads and the memory holds."""
        return min(self.decoder.weights.shape.positions, self.decoder.slots)

    def engine(self, policy: Policy = "continuous", at_once: int = 32) -> LLMEngine:
        """An engine over all of its memory."""
        return LLMEngine(self.decoder, Scheduler(BlockManager(self.decoder.slots // BLOCK, BLOCK), at_once, policy))


def made_model(memory: int = 8192, shape: ModelShape = MADE) -> Model:
    """A model that has learnt nothing, and says bytes; its memory holds so many tokens."""
    about = "A small model with made weights: it has learnt nothing, and what it says means nothing. A token is a byte."
    # A head of its own, and a quiet one: with that of its embedding it would say the last token again for ever.
    head = np.float32(1 / 6) * made_weights(shape._replace(layers=1), seed=1).head
    weights = replace(made_weights(shape), head=head)
    return Model("made-weights", about, Decoder(weights, _rounded(memory)), ByteTokens())


def _rounded(memory: int) -> int:
    """Whole blocks."""
    return max(1, memory // BLOCK) * BLOCK
