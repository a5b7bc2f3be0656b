"""Completions by a client: what is answered is what the engine says offline, and what is wrong is a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from starlette.testclient import TestClient

from helpers.model_server import client, events, offline, said, small, text
from helpers.plain_llama import logits_of
from windtunnel.blocks.serving import NGramDrafter, Speculation
from windtunnel.serve import metrics
from windtunnel.serve.answers import event
from windtunnel.serve.asked import read
from windtunnel.serve.prompts import prompts
from windtunnel.serve.refusals import NotServed
from windtunnel.serve.runner import Runner


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    with client() as found:
        yield found


def completed(server: TestClient, **asked: Any) -> dict[str, Any]:
    answer = server.post("/v1/completions", json=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_greedy_answer_is_the_engines(server: TestClient) -> None:
    found = completed(server, model="made-weights", prompt="hello", max_tokens=12, temperature=0, logprobs=2)
    (choice,) = found["choices"]
    tokens = offline(b"hello", 12)
    assert (choice["text"], choice["finish_reason"], choice["index"]) == (text(tokens), "length", 0)
    assert choice["logprobs"]["tokens"] == said(tokens)
    assert choice["logprobs"]["text_offset"][0] == 0
    assert [max(one, key=one.get) for one in choice["logprobs"]["top_logprobs"]] == said(tokens)
    assert [max(one.values()) for one in choice["logprobs"]["top_logprobs"]] == choice["logprobs"]["token_logprobs"]
    assert found["usage"] == {"prompt_tokens": 5, "completion_tokens": 12, "total_tokens": 17}
    assert (found["object"], found["model"]) == ("text_completion", "made-weights")
    assert len(set(tokens)) > 5, "an answer of one token would be equal by chance"


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_drawn_goes_by_the_seed_and_answers_to_one_prompt_by_seeds_that_follow(
    server: TestClient, streamed: bool
) -> None:
    asked = {"prompt": ["ab", [99, 100]], "n": 2, "seed": 20, "max_tokens": 9, "top_p": 0.9, "logprobs": 0}
    wanted = [offline(prompt, 9, 1.0, seed, 0.9) for prompt in (b"ab", b"cd") for seed in (20, 21)]
    found: list[list[str]] = [[], [], [], []]
    if streamed:
        answer = server.post(
            "/v1/completions", json={**asked, "stream": True, "stream_options": {"include_usage": True}}
        )
        assert answer.headers["content-type"].startswith("text/event-stream")
        *parts, last = events(answer.text)
        assert len({part["id"] for part in [*parts, last]}) == 1
        assert all(part["usage"] is None for part in parts)
        assert last["choices"] == []
        choices = [part["choices"][0] for part in parts]
        usage = last["usage"]
    else:
        document = completed(server, **asked)
        choices, usage = document["choices"], document["usage"]
    texts = ["", "", "", ""]
    for choice in choices:
        found[choice["index"]] += choice["logprobs"]["tokens"]
        texts[choice["index"]] += choice["text"]
    assert found == [said(one) for one in wanted]
    assert texts == [text(one) for one in wanted]
    assert len({*map(tuple, found)}) == 4
    assert usage["prompt_tokens"] == 4
    assert usage["completion_tokens"] == sum(map(len, wanted))
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["length"] * 4


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_likelihoods_are_the_models_own_whatever_was_drawn(server: TestClient, temperature: float) -> None:
    """vLLM, issue 9453: they were those of the sampler. The oracle is a plain pass in double precision."""
    asked = {"prompt": "hello", "max_tokens": 8, "temperature": temperature, "top_p": 0.9, "seed": 3, "logprobs": 1}
    told = completed(server, **asked)["choices"][0]["logprobs"]
    tokens = offline(b"hello", 8, temperature, 3, 0.9)
    assert told["tokens"] == said(tokens)
    wide = logits_of(small().decoder.weights, [*b"hello", *tokens])[4:-1]
    law = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(told["token_logprobs"], law[range(len(tokens)), tokens], atol=1e-3)
    np.testing.assert_allclose([max(one.values()) for one in told["top_logprobs"]], law.max(axis=1), atol=1e-3)


def test_two_requests_without_a_seed_are_drawn_apart(server: TestClient) -> None:
    one, other = (completed(server, prompt="ab", max_tokens=30)["choices"][0]["text"] for _ in range(2))
    assert one != other


def test_no_share_of_probability_is_the_likeliest_token(server: TestClient) -> None:
    """llama.cpp and vLLM read `top_p` 0 differently; the likeliest token is in every share."""
    assert completed(server, prompt="hello", max_tokens=12, top_p=0)["choices"][0]["text"] == text(
        offline(b"hello", 12)
    )


@pytest.mark.parametrize("streamed", [False, True])
def test_a_stop_ends_the_answer_before_it_wherever_tokens_lie(server: TestClient, streamed: bool) -> None:
    whole = text(offline(b"hello", 40))
    stop = whole[11:14]
    asked = {"prompt": "hello", "max_tokens": 40, "temperature": 0, "stop": ["never said", stop], "stream": streamed}
    answer = server.post("/v1/completions", json=asked)
    choices = [part["choices"][0] for part in events(answer.text)] if streamed else answer.json()["choices"]
    assert "".join(one["text"] for one in choices) == whole[: whole.index(stop)]
    assert choices[-1]["finish_reason"] == "stop"


WRONG: list[tuple[dict[str, Any], str | None, str]] = [
    ({}, "prompt", "The prompt is a text"),
    ({"prompt": ""}, "prompt", "The prompt is empty"),
    ({"prompt": []}, "prompt", "empty list"),
    ({"prompt": [[]]}, "prompt", "a text, a list of tokens"),
    ({"prompt": ["a", 3]}, "prompt", "a text, a list of tokens"),
    ({"prompt": [1, 257]}, "prompt", "There is no token 257"),
    ({"prompt": [-1]}, "prompt", "There is no token -1"),
    ({"prompt": [True]}, "prompt", "a text, a list of tokens"),
    ({"prompt": "a\ud800"}, "prompt", "half of a surrogate pair"),
    ({"prompt": "a", "max_tokens": 0}, "max_tokens", "from 1 to"),
    ({"prompt": "a", "max_tokens": -5}, "max_tokens", "from 1 to"),
    ({"prompt": "a", "max_tokens": True}, "max_tokens", "not True"),
    ({"prompt": "a", "temperature": -1}, "temperature", "from 0 to 2"),
    ({"prompt": "a", "temperature": "hot"}, "temperature", "from 0 to 2"),
    ({"prompt": "a", "top_p": 1.5}, "top_p", "from 0 to 1"),
    ({"prompt": "a", "n": 0}, "n", "from 1 to 128"),
    ({"prompt": "a", "n": 100}, "n", "64 is the most"),
    ({"prompt": ["a"] * 33, "n": 2}, "n", "66 answers were asked for"),
    ({"prompt": "a", "seed": 1.5}, "seed", "whole number"),
    ({"prompt": "a", "seed": 1 << 70}, "seed", "whole number"),
    ({"prompt": "a", "stop": [""]}, "stop", "and none of them empty"),
    ({"prompt": "a", "stop": list("abcde")}, "stop", "up to four of them"),
    ({"prompt": "a", "stop": 5}, "stop", "up to four of them"),
    ({"prompt": "a", "logprobs": 6}, "logprobs", "from 0 to 5"),
    ({"prompt": "a", "stream": "yes"}, "stream", "true or false"),
    ({"prompt": "a", "stream_options": {"include_usage": True}}, "stream_options", "no stream"),
    ({"prompt": "a", "stream_options": 3, "stream": True}, "stream_options", "an object"),
    ({"prompt": "a", "echo": True}, "echo", "with the value false alone"),
    ({"prompt": "a", "best_of": 3}, "best_of", "with the value 1 alone"),
    ({"prompt": "a", "presence_penalty": 0.5}, "presence_penalty", "with the value 0 alone"),
    ({"prompt": "a", "top_k": 4}, "top_k", "no parameter 'top_k'"),
    ({"prompt": "a", "messages": []}, "messages", "no parameter 'messages'"),
    ({"prompt": "a", "\ud800": 1}, "\\ud800", "no parameter '\\ud800'"),
    ({"prompt": "a", "stream": True, "stream_options": {"every": 1}}, "stream_options", "no option 'every'"),
]


@pytest.mark.parametrize(("asked", "param", "says"), WRONG, ids=[str(asked) for asked, _, _ in WRONG])
def test_what_is_wrong_is_said_in_the_shape_that_clients_know(
    server: TestClient, asked: dict[str, Any], param: str | None, says: str
) -> None:
    """vLLM, issue 7283 and pull request 7746 (an empty prompt), 9634 (tokens), 6521 (`max_tokens` 0)."""
    answer = server.post("/v1/completions", content=json.dumps(asked))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert says in error["message"]
    assert error["message"].endswith(".")


@pytest.mark.parametrize("asked", [{"temperature": "x" * 100_000}, {"x" * 100_000: 1}, {"seed": 10**4000}])
def test_what_is_wrong_at_length_is_said_in_short(server: TestClient, asked: dict[str, Any]) -> None:
    answer = server.post("/v1/completions", json={"prompt": "a", **asked})
    assert answer.status_code == 400
    assert len(answer.content) < 1500
    assert answer.json()["error"]["message"].endswith("...")


def test_more_prompts_than_there_are_places_are_refused_before_they_are_cut() -> None:
    """vLLM, pull request 47845."""
    with pytest.raises(NotServed, match="2000 answers were asked for, and 64 is the most"):
        prompts(replace(small(), tokens=cast(Any, None)), read({"prompt": ["a"] * 1000, "n": 2}, "m", False), False, 64)


def test_no_client_finds_a_line_end_in_an_event() -> None:
    """openai-python, issue 1230; httpx-sse, issue 34: some cut where Unicode has line ends."""
    told = {"text": "one\u2028two\u2029three\x85four\x0b\x0c\x1c\x1d\x1e\r\nfive é"}
    first, *rest = event(told).decode().splitlines()
    assert rest == [""]
    assert json.loads(first.removeprefix("data: ")) == told


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"prompt": 1' + b"0" * 5000 + b"}"])
def test_what_is_no_json_object_is_refused(server: TestClient, body: bytes) -> None:
    answer = server.post("/v1/completions", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("The body of the request is no JSON")


def test_a_number_that_is_none_is_refused(server: TestClient) -> None:
    answer = server.post("/v1/completions", content=b'{"prompt": "a", "temperature": NaN}')
    assert answer.json()["error"]["param"] == "temperature"


@pytest.mark.parametrize(("prompt", "most"), [("a" * 128, None), ("a", 128), ("a" * 100, 29), ("a" * 3_000_000, 1)])
def test_too_long_is_told_with_the_code_that_clients_know(server: TestClient, prompt: str, most: int | None) -> None:
    answer = server.post("/v1/completions", json={"prompt": prompt, "max_tokens": most})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "prompt")
    assert "maximum context length is 128 tokens" in error["message"]


def test_what_just_fits_is_served(server: TestClient) -> None:
    assert completed(server, prompt="a" * 127, max_tokens=1)["usage"]["total_tokens"] == 128
    assert completed(server, prompt="a" * 120, temperature=0)["usage"]["total_tokens"] == 128, "nobody said how long"


def test_other_models_and_addresses_are_not_there(server: TestClient) -> None:
    answer = server.post("/v1/completions", json={"model": "gpt-5", "prompt": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert server.get("/v1/models/gpt-5").json()["error"]["code"] == "model_not_found"
    assert server.get("/nowhere").json()["error"]["message"] == "There is nothing at this address."
    assert server.get("/v1/completions").status_code == 405
    large = server.post("/v1/completions", content=b" " * (5 << 20))
    assert (large.status_code, large.json()["error"]["message"]) == (413, "A request may carry 4 MB at most.")


def test_the_model_says_that_it_has_learnt_nothing(server: TestClient) -> None:
    (model,) = server.get("/v1/models").json()["data"]
    assert (model["id"], model["object"], model["max_model_len"]) == ("made-weights", "model", 128)
    assert "has learnt nothing" in model["description"]
    assert server.get("/v1/models/made-weights").json() == model


def test_what_has_no_effect_may_be_sent_and_nothing_is_not_said(server: TestClient) -> None:
    asked = {
        "prompt": "a",
        "user": "x",
        "metadata": {},
        "seed": None,
        "stop": None,
        "n": None,
        "echo": False,
        "best_of": 1,
    }
    assert completed(server, max_tokens=1, **asked)["choices"]


def test_what_happened_is_counted(server: TestClient) -> None:
    def counted() -> dict[str, float]:
        lines = server.get("/metrics").text.splitlines()
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in lines if line[0] != "#")}

    before = counted()
    completed(server, prompt="abc", max_tokens=4, temperature=0)
    after = counted()
    moved = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert moved["windtunnel_prompt_tokens_total"] == 3
    assert moved["windtunnel_answer_tokens_total"] == 4
    assert moved['windtunnel_finished_total{reason="length"}'] == 1
    assert after["windtunnel_open"] == after["windtunnel_running"] == after["windtunnel_waiting"] == 0
    assert after["windtunnel_blocks_free"] == after["windtunnel_blocks"] == small().decoder.slots // 16
    assert server.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8643"}, 200),
        ({"host": "localhost:8643", "origin": "http://localhost:8643"}, 200),
        ({"host": "evil.example:8643"}, 421),
        ({"host": "127.0.0.1:8643", "origin": "http://evil.example"}, 403),
    ],
)
def test_pages_of_others_may_not_ask_a_server_of_this_machine(headers: dict[str, str], status: int) -> None:
    with client(here=("127.0.0.1", 8643)) as guarded:
        answer = guarded.get("/v1/models", headers=headers)
    assert answer.status_code == status
    assert ("error" in answer.json()) == (status != 200)


def test_every_number_is_of_a_kind_that_prometheus_knows() -> None:
    kinds: dict[str, str] = {}
    for line in metrics.text(Runner(small().engine("continuous", 1))).splitlines():
        match line.split():
            case ["#", "TYPE", name, kind]:
                kinds[name] = kind
            case ["#", "HELP", *_]:
                pass
            case [name, value]:
                float(value)
                name = name.partition("{")[0]
                family = name if name in kinds else name.removesuffix("_sum").removesuffix("_count")
                assert kinds[family] == "summary" if family != name else kinds[name] in ("counter", "gauge")
                assert name.endswith("_total") == (kinds[family] == "counter")
    assert len(kinds) > 10


def test_a_count_of_millions_is_told_to_the_last_one() -> None:
    runner = Runner(small().engine("continuous", 1))
    runner.counts["answer_tokens"] = 123_456_789
    assert "\nwindtunnel_answer_tokens_total 123456789\n" in metrics.text(runner)


def test_an_engine_that_guesses_is_refused_since_one_token_of_a_step_is_handed_on() -> None:
    """Of five that a step told, four were in no answer."""
    engine = small().engine("continuous", 1)
    engine.speculation = Speculation(NGramDrafter())
    with pytest.raises(ValueError, match="engine that guesses"):
        Runner(engine)
