"""A small GGUF file with tokens and a template: 256 bytes, a few merges, and tokens that control."""

from __future__ import annotations

from pathlib import Path

import gguf

from helpers.gguf_files import written
from windtunnel.blocks.serving import ModelShape, made_weights
from windtunnel.serve.byte_pairs import BytePairs, letters_of_bytes

MERGES = ("h e", "l l", "he ll", "hell o", "Ġ t", "Ġt h", "a b", "ab ab", "i n", "1 2")
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WORDS = (*MARKS, *letters_of_bytes(), *(merge.replace(" ", "") for merge in MERGES))
KINDS = (*(3,) * len(MARKS), *(1,) * (len(WORDS) - len(MARKS)))
CHATML = (
    "{% for message in messages %}{% if message['role'] == 'tool' %}{{ raise_exception('No tools here') }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SHAPE = ModelShape(
    vocabulary=288, width=64, layers=1, heads=2, kv_heads=1, head_width=16, hidden=64, positions=128, rope_base=1e4
)
"""More tokens than the vocabulary names, as some models have."""


def pairs(cut: str = "smollm") -> BytePairs:
    return BytePairs(WORDS, MERGES, KINDS, cut, ends=[2])


def model_file(
    path: Path, template: str = CHATML, kind: str = "gpt2", cut: str = "smollm", first: bool = False
) -> Path:
    def more(writer: gguf.GGUFWriter) -> None:
        writer.add_tokenizer_model(kind)
        writer.add_tokenizer_pre(cut)
        writer.add_token_list(list(WORDS))
        writer.add_token_merges(list(MERGES))
        writer.add_token_types(list(KINDS))
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_add_bos_token(first)
        if template:
            writer.add_chat_template(template)

    return written(path, made_weights(SHAPE), more=more)
