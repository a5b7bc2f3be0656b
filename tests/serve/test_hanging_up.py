"""Who hangs up gives its blocks back, who comes too many is told to come later, and nobody's answer changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from starlette.applications import Starlette

from helpers.model_server import asked, offline, runner, said, served, small, text
from windtunnel.serve.app import application
from windtunnel.serve.runner import Runner


def living(app: Starlette) -> AbstractAsyncContextManager[Any]:
    return app.router.lifespan_context(app)


def tokens_of(sent: list[dict[str, Any]]) -> list[str]:
    """Of a stream that was sent, to its end or not."""
    parts = [message["body"].decode() for message in sent if message["type"] == "http.response.body"]
    texts = [part.removeprefix("data: ") for part in "".join(parts).split("\n\n") if part.startswith("data: {")]
    return [token for one in map(json.loads, texts) for c in one["choices"] for token in c["logprobs"]["tokens"]]


async def crowd(app: Starlette, made: Runner, many: int) -> None:
    """So many clients at once, of which each other one hangs up, some before anything was said."""

    def prompt(i: int) -> bytes:
        return b"the same beginning " + bytes([97 + i % 26, 97 + i // 26]) if i % 3 else bytes([97 + i % 26])

    def one(i: int) -> Awaitable[list[dict[str, Any]]]:
        body = {"prompt": prompt(i).decode(), "seed": i, "max_tokens": 24, "stream": i % 4 < 2, "logprobs": 0}
        return asked(app, body, hang_up_after=(0, 1, 3, 9)[i // 2 % 4] if i % 2 else None)

    found = await asyncio.gather(*(one(i) for i in range(many)))
    await served(made, 0)
    for i, sent in enumerate(found):
        wanted = said(offline(prompt(i), 24, 1.0, i))
        if i % 2:
            told = tokens_of(sent) if i % 4 < 2 else []
            assert told == wanted[: len(told)]
        elif i % 4 < 2:
            assert tokens_of(sent) == wanted
        else:
            assert json.loads(sent[-1]["body"])["choices"][0]["logprobs"]["tokens"] == wanted
    memory = made.engine.scheduler.memory
    assert memory.free_blocks == memory.blocks  # type: ignore[attr-defined]
    assert not made.engine._sampling
    assert made.counts["hung_up"] > many / 4


def test_who_hangs_up_in_the_middle_of_a_request_breaks_nothing() -> None:
    """It was told as an error of the server itself, with a page of it in the terminal."""
    incoming = iter([{"type": "http.request", "body": b'{"prompt": "a', "more_body": True}])

    async def receive() -> dict[str, Any]:
        return next(incoming, {"type": "http.disconnect"})

    async def send(message: Any) -> None: ...

    async def go() -> None:
        made = runner()
        app = application(small(), made)
        scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": [], "query_string": b""}
        async with living(app):
            await app(scope, receive, send)  # type: ignore[arg-type]
        assert made.open == 0

    asyncio.run(go())


def test_fifty_at_once_of_which_half_hang_up_leave_no_block_and_change_no_answer() -> None:
    """ATOM, pull requests 1562 and 1589; pegainfer, issue 215: who was gone was answered to the end."""
    made = runner()
    app = application(small(), made)

    async def all_of_it() -> None:
        async with living(app):
            await crowd(app, made, 50)

    asyncio.run(all_of_it())


@pytest.mark.parametrize("streamed", [False, True])
def test_who_leaves_is_heard_of_before_there_is_anything_to_say(streamed: bool) -> None:
    """ATOM, pull request 1562: of an answer in one piece, the client was missed when it was whole."""
    made = runner()
    app = application(small(), made)

    async def all_of_it() -> None:
        async with living(app):
            body = {"prompt": "a", "max_tokens": 120, "temperature": 0, "stream": streamed}
            await asked(app, body, hang_up_after=0)
            await served(made, 0)

    asyncio.run(all_of_it())
    assert made.counts["hung_up"] == 1
    assert made.counts["answer_tokens"] < 120
    assert not made.engine.scheduler.busy


def test_who_met_a_stop_is_computed_no_further() -> None:
    made = runner()
    app = application(small(), made)
    whole = text(offline(b"hello", 40))

    async def all_of_it() -> None:
        async with living(app):
            body = {"prompt": "hello", "max_tokens": 100, "temperature": 0, "stop": whole[5:8]}
            await asked(app, body)
            assert not made.engine.scheduler.busy
            assert made.engine.steps <= whole.index(whole[5:8]) + 4

    asyncio.run(all_of_it())


def test_who_comes_when_all_places_are_taken_is_told_to_come_later() -> None:
    made = runner(places=2, at_once=1)
    app = application(small(), made)
    body = {"prompt": "a", "max_tokens": 100, "temperature": 0}

    async def all_of_it() -> list[dict[str, Any]]:
        async with living(app):
            first = [asyncio.ensure_future(asked(app, body)) for _ in range(2)]
            await served(made, 2)
            refused = await asked(app, body)
            await asyncio.gather(*first)
            assert (await asked(app, body))[0]["status"] == 200
            return refused

    start, end = asyncio.run(all_of_it())
    assert start["status"] == 429
    assert (b"retry-after", b"1") in start["headers"]
    assert json.loads(end["body"])["error"]["type"] == "rate_limit_error"
    assert made.counts["refused"] == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_where_the_engine_fails_all_are_told_and_nobody_waits(
    streamed: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """vLLM, issue 7283: the loop had ended, and clients waited for ever."""
    made = runner()
    app = application(small(), made)
    steps = iter(range(5))

    def failing(*args: Any) -> Any:
        next(steps)
        return step()

    step = made.engine.step
    monkeypatch.setattr(made.engine, "step", failing)

    async def all_of_it() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with living(app):
            body = {"prompt": "a", "max_tokens": 99, "temperature": 0, "stream": streamed}
            first, *_ = await asyncio.gather(*(asked(app, body) for _ in range(3)))
            return first, await asked(app, body)

    first, then = asyncio.run(all_of_it())
    body = first[-1]["body"].decode()
    assert "The model failed this answer" in body
    assert first[0]["status"] == (200 if streamed else 500)
    assert "[DONE]" not in body
    assert then[0]["status"] == 503
    assert "StopIteration" in json.loads(then[-1]["body"])["error"]["message"]
    assert made.open == 0
    assert "The engine failed." in caplog.text


def test_an_answer_that_is_no_number_is_told_as_a_fault_and_others_go_on() -> None:
    from dataclasses import replace

    from windtunnel.blocks.serving import Decoder

    weights = small().decoder.weights
    broken = replace(weights, embedding=weights.embedding.copy())
    broken.embedding[7 // 64, :, 7 % 64] = float("nan")
    model = replace(small(), decoder=Decoder(broken, 512))
    made = runner(model=model)
    app = application(model, made)

    async def all_of_it() -> list[list[dict[str, Any]]]:
        async with living(app):
            bodies = [{"prompt": prompt, "max_tokens": 5, "temperature": 0, "logprobs": 0} for prompt in ([7], [8])]
            return list(await asyncio.gather(*(asked(app, body) for body in bodies)))

    ill, well = asyncio.run(all_of_it())
    assert (ill[0]["status"], well[0]["status"]) == (500, 200)
    assert (made.open, made.broken) == (0, "")
