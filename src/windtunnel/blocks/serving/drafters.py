"""Who guesses the next tokens cheaply: a smaller model, or what stood behind the same words before."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.serving.decoder import Decoder, Row
from windtunnel.blocks.serving.paged import BlockManager
from windtunnel.blocks.serving.sampling import draw, unreadable
from windtunnel.blocks.serving.sequence import Sequence
from windtunnel.blocks.serving.speculation import Asked, Guess

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class NGramDrafter(Block):
    """Guesses that what followed the same words before follows again: prompt lookup, which costs no model a pass.

    Good where answers repeat their prompts: summaries, changed programs, quotations (Saxena, Prompt Lookup Decoding,
    2023). The longest of the last words that stood somewhere before are looked for, the latest place first.

    Args:
        longest, shortest: how many last tokens are looked for.

    >>> from windtunnel.blocks.serving import Sampling
    >>> drafter = NGramDrafter(longest=2)
    >>> one = Sequence("one", [1, 2, 3, 4, 1, 2], max_tokens=9)
    >>> [guess.token for guess in drafter.propose([(one, 3, Sampling())])[0]]
    [3, 4, 1]
    """

    def __init__(self, longest: int = 3, shortest: int = 1) -> None:
        self.shortest = whole(shortest, "The shortest n-gram", 1)
        self.longest = whole(longest, "The longest n-gram", self.shortest)
        self._places: dict[Sequence, tuple[list[int], dict[tuple[int, ...], int]]] = {}

    def propose(self, asked: Asked) -> list[list[Guess]]:
        """What followed before, of each."""
        return [self._followed(sequence, many) for sequence, many, _ in asked]

    def forget(self, sequence: Sequence) -> None:
        """Its words are looked up no more."""
        self._places.pop(sequence, None)

    def _followed(self, sequence: Sequence, many: int) -> list[Guess]:
        read, places = self._places.setdefault(sequence, ([self.shortest], {}))
        tokens = sequence.tokens
        for end in range(read[0], len(tokens)):  # what ends at the last token is what is looked for
            for n in range(self.shortest, min(self.longest, end) + 1):
                places[tuple(tokens[end - n : end])] = end
        read[0] = max(read[0], len(tokens))
        for n in range(min(self.longest, len(tokens) - 1), self.shortest - 1, -1):
            at = places.get(tuple(tokens[-n:]))
            if at is not None:
                return [Guess(token) for token in tokens[at : at + many]]
        return []

    def _told(self) -> dict[str, object]:
        return {"longest": self.longest, "sequences": len(self._places)}


class ModelDrafter(Block):
    """Guesses what a smaller model says, which has a memory of keys and values of its own.

    What it computed of guesses that were rejected is computed anew. A sequence for which its memory has no room gets
    no guesses.

    Args:
        decoder: the model, of the same vocabulary.
        memory: with at most as many slots as the decoder; it shares nothing between sequences.

    Raises:
        ValueError: where the decoder has less slots than the memory.

    >>> from windtunnel.blocks.serving import ModelShape, Sampling, made_weights
    >>> tiny = ModelShape(vocabulary=10, width=64, layers=1, heads=2, kv_heads=1, head_width=8, hidden=64)
    >>> drafter = ModelDrafter(Decoder(made_weights(tiny), 64), BlockManager(4, share=False))
    >>> len(drafter.propose([(Sequence("one", [1, 2], max_tokens=9), 3, Sampling())])[0])
    3
    """

    def __init__(self, decoder: Decoder, memory: BlockManager) -> None:
        if memory.blocks * memory.block_size > decoder.slots:
            raise ValueError(
                f"The memory has {memory.blocks * memory.block_size} slots, and the decoder {decoder.slots}."
            )
        self.decoder, self.memory = decoder, memory
        self.passes = 0
        """Passes of the small model so far."""
        self._own: dict[Sequence, Sequence] = {}
        self._true: dict[Sequence, int] = {}  # how many of the own tokens were no guesses

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return self.decoder.weights.shape.vocabulary

    def propose(self, asked: Asked) -> list[list[Guess]]:
        """One pass for the first guess of all, one for the second, and so on."""
        guesses = [list[Guess]() for _ in asked]
        lucks = [Random(f"{sampling.seed} {len(sequence.tokens)} guess") for sequence, _, sampling in asked]
        going = {i: own for i, (sequence, many, _) in enumerate(asked) if (own := self._ready(sequence, many))}
        while going:
            laws = self._pass(list(going.values()))
            for (i, own), logits in zip(list(going.items()), laws, strict=True):
                _, many, sampling = asked[i]
                if not unreadable(logits):
                    law = None if sampling.temperature == 0 else sampling.law(logits)
                    token = int(logits.argmax()) if law is None else draw(law, lucks[i].random())
                    guesses[i].append(Guess(token, law))
                    own.tokens.append(token)
                if unreadable(logits) or len(guesses[i]) == many:
                    del going[i]
        return guesses

    def forget(self, sequence: Sequence) -> None:
        """Its blocks are free."""
        own = self._own.pop(sequence, None)
        self._true.pop(sequence, None)
        if own is not None and own.blocks:
            self.memory.free(own)

    def _ready(self, sequence: Sequence, many: int) -> Sequence | None:
        """Its own sequence with all true tokens and room for the guesses; None where nothing is to be guessed."""
        length = len(sequence.tokens) + many - 1
        if many < 1 or length > self.decoder.weights.shape.positions:
            return None
        own = self._own.get(sequence)
        if own is None:
            own = self._own[sequence] = Sequence(sequence.name, sequence.tokens, 1)
            self._true[sequence] = len(own.tokens)
            if not self.memory.allocate(own):
                self.forget(sequence)
                return None
        same = self._true[sequence]
        while same < min(len(own.tokens), len(sequence.tokens)) and own.tokens[same] == sequence.tokens[same]:
            same += 1
        own.tokens[same:] = sequence.tokens[same:]
        own.computed = min(own.computed, same, len(own.tokens) - 1)  # one at least says what follows
        self._true[sequence] = len(own.tokens)
        return own if self.memory.grow(own, length) is not None else None

    def _pass(self, sequences: list[Sequence]) -> list[Floats]:
        """The logits behind the last token of each."""
        rows, wanted, size = list[Row](), list[int](), self.memory.block_size
        for i, own in enumerate(sequences):
            rows += [(own.tokens[at], at, i) for at in range(own.computed, len(own.tokens))]
            wanted.append(len(rows) - 1)
            own.computed = len(own.tokens)
        self.passes += 1
        tables = [[block * size for block in own.blocks] for own in sequences]
        return list(self.decoder.forward(rows, tables, size, wanted))

    def _told(self) -> dict[str, object]:
        return {"passes": self.passes, "sequences": len(self._own)}
