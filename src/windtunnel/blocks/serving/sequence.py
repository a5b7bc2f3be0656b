"""One request to a language model: its prompt, the tokens it was given so far, and how far the model has come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole

State = Literal["new", "waiting", "running", "finished"]


class Sequence(Block):
    """A prompt and its answer, in tokens.

    `computed` of the tokens have their keys and values in the memory; the others are computed in the steps to come. The
    last token that the model gave is never among them: it is read when the next one is computed. Scheduler and memory
    write here; a caller reads.

    Args:
        name: what the caller calls it; two that are served at once have different ones.
        prompt: whole numbers of 63 bits, one at least.
        max_tokens: how long the answer may become, 1 or more.
        stop: the answer ends with this token, which belongs to it.
        foretold: how long the answer will be, where an oracle says so (`reserve_foretold`).
        priority: the lower is served first.
        salt: sequences of different salts share no keys and values, whatever they ask.
        adapter: the name of the LoRA adapter by which it is answered; "" for the model itself. Those of different
            adapters share no keys and values either.

    Raises:
        ValueError: for what is no such number, and for a prompt without tokens.

    >>> one = Sequence("a question", [7, 8, 9], max_tokens=2)
    >>> one.give(5), one.give(6), one.answer, one.state
    (False, True, [5, 6], 'finished')
    """

    def __init__(
        self,
        name: object,
        prompt: Iterable[int],
        max_tokens: int,
        *,
        stop: int | None = None,
        foretold: int | None = None,
        priority: int = 0,
        salt: bytes = b"",
        adapter: str = "",
    ) -> None:
        self.name = name
        self.tokens = [whole(token, "A token") for token in prompt]
        """The prompt, and behind it what the model gave."""
        if not self.tokens:
            raise ValueError("A prompt has one token at least: begin with the token that begins a text.")
        self.prompt_length = len(self.tokens)
        self.max_tokens = whole(max_tokens, "The most tokens of an answer", 1)
        self.stop = stop
        self.foretold = None if foretold is None else whole(foretold, "The foretold length of an answer", 1)
        self.priority = whole(priority, "A priority", -(1 << 62))
        self.salt = bytes(salt)
        self.adapter = adapter
        self.state: State = "new"
        self.computed = 0
        """How many of the tokens have keys and values in the memory."""
        self.blocks: list[int] = []
        """The block table: where the memory keeps what it computed, in the memory's own words."""
        self.keys: list[bytes] = []
        """Names of the full blocks of tokens: each says what stands in the block and in all before it."""
        self.block_size = 0
        """How many tokens each key is for."""
        self.named = 0
        """How many of its blocks have been offered to others."""
        self.preempted = 0
        """How often its keys and values were thrown away to make room."""
        self.fault = ""
        """Why it ended before its end, where the model failed it."""
        self.guessed = 0
        """How many of its last tokens are guesses, that the next step verifies; 0 between two steps."""
        self.number = -1
        """Its place in the order of arrival; the scheduler gives it."""

    @property
    def answer(self) -> list[int]:
        """What the model gave so far."""
        return self.tokens[self.prompt_length :]

    @property
    def longest(self) -> int:
        """How many tokens it has at most, prompt and answer."""
        return self.prompt_length + self.max_tokens

    @property
    def owed(self) -> int:
        """Tokens to be computed before the model can give the next one: 1 while it decodes."""
        return len(self.tokens) - self.computed

    def give(self, token: int) -> bool:
        """Take the next token of the answer; whether that was the last one."""
        self.tokens.append(token)
        if token == self.stop or len(self.tokens) >= self.prompt_length + self.max_tokens:
            self.state = "finished"
        return self.state == "finished"

    def guess(self, tokens: Iterable[int]) -> None:
        """What may follow: the next step computes it beside the last token."""
        before = len(self.tokens)
        self.tokens += tokens
        self.guessed = len(self.tokens) - before

    def withdraw(self, many: int | None = None) -> None:
        """Forget the last guesses, all where no number is said; what the memory has of them is written over."""
        many = self.guessed if many is None else many
        if many:
            del self.tokens[-many:]
            self.guessed -= many
            self.computed = min(self.computed, len(self.tokens))

    def settle(self, told: Iterable[int]) -> bool:
        """Take these tokens in place of the guesses: keys and values stay as far as both agree; whether it is done."""
        guesses, kept = self.tokens[len(self.tokens) - self.guessed :], True
        computed = self.computed - self.guessed
        self.withdraw()
        for at, token in enumerate(told):
            kept = kept and at < len(guesses) and guesses[at] == token
            computed += kept
            if self.give(token):
                break
        self.computed = min(computed, len(self.tokens) - 1)  # what follows is asked behind the last one
        return self.state == "finished"

    def _told(self) -> dict[str, object]:
        told = {"name": self.name, "state": self.state, "prompt": self.prompt_length}
        return told | {"answer": len(self.tokens) - self.prompt_length, "computed": self.computed}
