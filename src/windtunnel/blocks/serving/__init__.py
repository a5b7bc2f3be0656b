"""Serving a language model: sequences, blocks of keys and values, who computes what in the next step.

    sequence     what one request has asked, and what it was given so far
    paged        keys and values in blocks, by a table for each sequence: PagedAttention's `BlockManager`
    buddy        stretches of a memory by halving
    contiguous   one stretch a sequence, reserved at its start: what paging is compared with
    scheduler    which sequences compute how many tokens in the next step
    weights      the numbers of a Llama-shaped model, and how to make some
    gguf         the same, read from a file
    int8         the same in a quarter of the bytes
    decoder      the model: keys, values and logits of the rows of a step
    lora         adapters of low rank: many models in one pass of one
    sampling     which token follows
    speculation  tokens that are guessed and verified in one pass: how far they are kept
    drafters     who guesses
    engine       all of it, step by step

The first five compute no token: a real model and a model of one are driven by the same text. The names are vLLM's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.serving.buddy import Buddy as Buddy
    from windtunnel.blocks.serving.contiguous import (
        ContiguousMemory as ContiguousMemory,
        reserve_doubling as reserve_doubling,
        reserve_foretold as reserve_foretold,
        reserve_longest as reserve_longest,
        reserve_power_of_two as reserve_power_of_two,
    )
    from windtunnel.blocks.serving.decoder import Decoder as Decoder
    from windtunnel.blocks.serving.drafters import ModelDrafter as ModelDrafter, NGramDrafter as NGramDrafter
    from windtunnel.blocks.serving.engine import LLMEngine as LLMEngine, answer_alone as answer_alone
    from windtunnel.blocks.serving.gguf import read_gguf as read_gguf, smollm as smollm
    from windtunnel.blocks.serving.int8 import in_int8 as in_int8
    from windtunnel.blocks.serving.lora import (
        AdapterPool as AdapterPool,
        LoraAdapter as LoraAdapter,
        adapter_bytes as adapter_bytes,
        copied as copied,
        made_adapter as made_adapter,
        merge_adapter as merge_adapter,
        merged as merged,
    )
    from windtunnel.blocks.serving.memory import KVMemory as KVMemory, KVUsage as KVUsage
    from windtunnel.blocks.serving.paged import BlockManager as BlockManager
    from windtunnel.blocks.serving.sampling import Sampling as Sampling, draw as draw
    from windtunnel.blocks.serving.scheduler import Batch as Batch, Scheduler as Scheduler
    from windtunnel.blocks.serving.sequence import Sequence as Sequence
    from windtunnel.blocks.serving.speculation import (
        Drafter as Drafter,
        Guess as Guess,
        Speculation as Speculation,
        accept as accept,
        tokens_a_pass as tokens_a_pass,
    )
    from windtunnel.blocks.serving.weights import (
        ModelShape as ModelShape,
        ModelWeights as ModelWeights,
        made_weights as made_weights,
    )

__getattr__, __dir__ = lend(__name__)
