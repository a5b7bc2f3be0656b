"""Which model is served, with its tokens and an engine: one with made weights, or one out of a GGUF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike

import numpy as np

from windtunnel.blocks.serving import BlockManager, Decoder, LLMEngine, ModelShape, Scheduler, made_weights, read_gguf
from windtunnel.blocks.serving.gguf import GGUFFile
from windtunnel.blocks.serving.scheduler import Policy
from windtunnel.serve.byte_pairs import CONTROL, UNUSED, BytePairs
from windtunnel.serve.chat import Template, of_a_file, plain
from windtunnel.serve.tokens import ByteTokens, Tokens

BLOCK = 16
"""Tokens in a block of the memory."""
ENDS = ("<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>")
"""Tokens that end an answer, whether or not a file says so."""
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
    template: Template | None = None
    """How it reads a conversation; None where it was not taught to."""
    marks: Mapping[str, int] = field(default_factory=dict)
    """Tokens that control, by how they are written."""

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
    return Model("made-weights", about, Decoder(weights, _rounded(memory)), ByteTokens(), plain)


def gguf_model(path: str | PathLike[str], memory: int = 8192) -> Model:
    """The model of a GGUF file with its tokens and its template.

    Raises ValueError for a file that `read_gguf` refuses, and for tokens that are not known here; FileNotFoundError,
    ModuleNotFoundError without the extra `ai`.
    """
    file = GGUFFile(path)
    weights = read_gguf(file)
    tokens = _tokens(file, weights.shape.vocabulary)
    text = file.told("tokenizer.chat_template")
    words = file.told("tokenizer.ggml.tokens")
    named = {f"{kind}_token": file.told(f"tokenizer.ggml.{kind}_token_id") for kind in ("bos", "eos")}
    texts = {name: "" if token is None else words[token] for name, token in named.items()}
    template = of_a_file(text, texts) if text else None
    about = f"{file.told('general.name') or 'A model'}, out of {file.path.name}."
    return Model(file.path.stem, about, Decoder(weights, _rounded(memory)), tokens, template, tokens.marks)


def _tokens(file: GGUFFile, vocabulary: int) -> BytePairs:
    """What a file says of its tokens; those that the model can give and nobody named say nothing."""
    kind = file.told("tokenizer.ggml.model")
    if kind != "gpt2":
        raise ValueError(f"{file.path.name} has tokens of the kind {kind!r}; what is known here is 'gpt2'.")
    words = list(file.told("tokenizer.ggml.tokens") or ())
    kinds = list(file.told("tokenizer.ggml.token_type") or [1] * len(words))
    if not len(words) == len(kinds) <= vocabulary:
        raise ValueError(f"{file.path.name} has {len(words)} tokens, and a model that knows {vocabulary}.")
    more = vocabulary - len(words)
    ends = {file.told(f"tokenizer.ggml.{end}_token_id") for end in ("eos", "eot", "eom")} - {None}
    ends |= {token for token, word in enumerate(words) if word in ENDS and kinds[token] == CONTROL}
    return BytePairs(
        words + [""] * more,
        file.told("tokenizer.ggml.merges") or (),
        kinds + [UNUSED] * more,
        file.told("tokenizer.ggml.pre") or "gpt-2",
        file.told("tokenizer.ggml.bos_token_id") if file.told("tokenizer.ggml.add_bos_token") else None,
        ends,
    )


def _rounded(memory: int) -> int:
    """Whole blocks."""
    return max(1, memory // BLOCK) * BLOCK
