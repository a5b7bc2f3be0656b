"""A small model behind its addresses, in this process: by a client, or message by message as a server would call it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from windtunnel.blocks.serving import ModelShape, Sampling, Sequence
from windtunnel.serve.answers import shown
from windtunnel.serve.app import application
from windtunnel.serve.model import Model, made_model
from windtunnel.serve.runner import Runner

SMALL = ModelShape(
    vocabulary=257, width=64, layers=1, heads=2, kv_heads=1, head_width=16, hidden=64, positions=128, rope_base=1e4
)


@cache
def small() -> Model:
    """One for all tests; 32 blocks of 16 tokens."""
    return made_model(512, SMALL)


def runner(places: int = 64, at_once: int = 8, model: Model | None = None) -> Runner:
    return Runner((model or small()).engine(at_once=at_once), places)


@contextmanager
def client(made: Runner | None = None, model: Model | None = None, **options: Any) -> Iterator[TestClient]:
    """A client of a server that runs while the block does."""
    model = model or small()
    app = application(model, made or runner(model=model), **options)
    with TestClient(app, raise_server_exceptions=False) as found:
        yield found


@cache
def offline(prompt: bytes, most: int, temperature: float = 0.0, seed: int = 0, top_p: float = 1.0) -> tuple[int, ...]:
    """The tokens of an engine that serves nobody else."""
    engine = small().engine()
    engine.add(one := Sequence(0, prompt, most, stop=256), Sampling(temperature, top_p, seed))
    engine.run()
    return tuple(token for token in one.answer if token != 256)


def said(tokens: tuple[int, ...]) -> list[str]:
    """As `logprobs` name them."""
    return [shown(bytes([token])) for token in tokens]


def text(tokens: tuple[int, ...]) -> str:
    return bytes(tokens).decode("utf-8", "replace")


def events(body: str) -> list[dict[str, Any]]:
    """The documents of a stream, which ends as it should."""
    *parts, done, nothing = body.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    return [json.loads(part.removeprefix("data: ")) for part in parts]


async def asked(
    app: Starlette, body: dict[str, Any], hang_up_after: int | None = None, path: str = "/v1/completions"
) -> list[dict[str, Any]]:
    """What a server is sent for one request; the client hangs up after so many messages (0: at once)."""
    sent: list[dict[str, Any]] = []
    gone = asyncio.Event()
    if hang_up_after == 0:
        gone.set()
    incoming = iter([{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in incoming:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if gone.is_set():
            raise OSError("The client has gone.")
        sent.append(message)
        if hang_up_after is not None and len(sent) >= hang_up_after:
            gone.set()

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b"", "http_version": "1.1"}
    await app({**scope, "raw_path": path.encode(), "asgi": {"version": "3.0"}}, receive, send)  # type: ignore[arg-type]
    return sent


async def served(made: Runner, many: int) -> None:
    """Until so many are served."""
    for _ in range(2000):
        if made.open == many:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{made.open} are still served, and not {many}.")
