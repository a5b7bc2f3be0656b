"""`openai`'s own client and a real model; texts cut as `tokenizers` cuts them. What is not installed is skipped."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from helpers.server_process import serving
from windtunnel.blocks.serving import smollm
from windtunnel.blocks.serving.gguf import GGUFFile
from windtunnel.serve.byte_pairs import BytePairs

pytestmark = pytest.mark.live
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


@cache
def weights() -> Path:
    try:
        return smollm()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


def library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        pytest.skip(f"{name} is not installed: pip install {name}")


def test_openais_client_speaks_with_smollm_at_once_and_piece_by_piece() -> None:
    openai = library("openai")
    with serving("--weights", str(weights()), "--memory", "1024") as (_, host, port):
        line = openai.OpenAI(base_url=f"http://{host}:{port}/v1", api_key="none")
        model = line.models.list().data[0].id
        asked = {"model": model, "messages": QUESTION, "temperature": 0, "max_tokens": 20}
        whole = line.chat.completions.create(**asked)
        assert whole.choices[0].message.content == "The capital of France is Paris."
        assert whole.choices[0].finish_reason == "stop"
        pieces = line.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
        told = list(pieces)
        assert "".join(one.choices[0].delta.content or "" for one in told[:-1]) == whole.choices[0].message.content
        assert told[-1].usage == whole.usage
        text = line.completions.create(model=model, prompt="One, two, three,", max_tokens=12, temperature=0, logprobs=2)
        cut = line.completions.create(model=model, prompt="One, two, three,", max_tokens=12, temperature=0, stop="six")
        assert text.choices[0].text.startswith(cut.choices[0].text + "six")
        assert "".join(text.choices[0].logprobs.tokens) == text.choices[0].text
        with pytest.raises(openai.BadRequestError) as refused:
            line.completions.create(model=model, prompt="a", max_tokens=5000)
        assert refused.value.code == "context_length_exceeded"
        with pytest.raises(openai.NotFoundError):
            line.completions.create(model="gpt-5", prompt="a")


def test_texts_are_cut_as_the_library_cuts_them() -> None:
    library("tokenizers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    file = GGUFFile(weights())
    words, merges, kinds, cut = (
        file.told(f"tokenizer.ggml.{name}") for name in ("tokens", "merges", "token_type", "pre")
    )
    ours = BytePairs(words, merges, kinds, cut)
    pairs = [tuple(merge.split(" ")) for merge in merges]
    theirs = Tokenizer(models.BPE(vocab={word: token for token, word in enumerate(words)}, merges=pairs))
    digits, level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.pre_tokenizer = pre_tokenizers.Sequence([digits, level])
    luck, letters = Random(3), "abcXYZ '’\"s\t\n\r  \u00a0\u2003é€漢字ひ한😀0123٣²Ⅷ½_-.,!?{}\x1c\x85\u200b\u0301\ud7ff"
    texts = ["".join(luck.choices(letters, k=luck.randrange(40))) for _ in range(5000)]
    texts += [path.read_text("utf-8") for path in (Path(__file__).parents[2] / "docs").glob("*.md")]
    for text in texts:
        assert ours.encode(text, False) == theirs.encode(text, add_special_tokens=False).ids, text
