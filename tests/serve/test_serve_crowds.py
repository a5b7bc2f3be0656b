"""A minute of crowds on a real server: no block is lost, and every answer is the engine's own."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from functools import cache
from random import Random

import pytest

from helpers.model_server import said
from helpers.server_process import PATIENCE_S, gauge, posted, serving
from windtunnel.blocks.serving import Sampling, Sequence
from windtunnel.serve.model import made_model

CLIENTS, SECONDS, MOST = 50, 60.0, 40


@cache
def wanted(prompt: str, seed: int) -> list[str]:
    """What the engine says to it, alone."""
    engine = made_model(1024).engine()
    engine.add(one := Sequence(0, prompt.encode(), MOST, stop=256), Sampling(1.0, seed=seed))
    engine.run()
    return said(tuple(token for token in one.answer if token != 256))


@pytest.mark.soak
def test_a_minute_of_fifty_clients_of_which_half_hang_up_leaves_no_block_and_changes_no_answer() -> None:
    asked = [(f"the same beginning {i}" if i % 3 else chr(97 + i), i) for i in range(24)]
    for prompt, seed in asked:
        wanted(prompt, seed)
    wrong: list[str] = []
    served = [0, 0]
    until = time.monotonic() + SECONDS

    def client(number: int, host: str, port: int) -> None:
        luck = Random(number)
        while time.monotonic() < until and not wrong:
            prompt, seed = luck.choice(asked)
            stays, streamed = number % 2 == 0, luck.random() < 0.7
            body = {"prompt": prompt, "seed": seed, "max_tokens": MOST, "logprobs": 0, "stream": streamed}
            try:
                if not streamed and not stays:
                    with socket.create_connection((host, port)) as line:
                        text = json.dumps(body)
                        head = f"POST /v1/completions HTTP/1.1\r\nHost: {host}:{port}\r\n"
                        line.sendall(f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode())
                        line.settimeout(0.01 + luck.random() * 0.2)
                        with suppress(TimeoutError):
                            line.recv(1)
                    served[1] += 1
                    continue
                with posted(host, port, body) as (line, answer):
                    found: list[str] = []
                    left = None if stays else luck.randrange(1, 20)
                    if not streamed:
                        found = json.loads(answer.read())["choices"][0]["logprobs"]["tokens"]
                    while streamed and (row := answer.readline()):
                        if row.startswith(b"data: {"):
                            choice = json.loads(row.removeprefix(b"data: "))["choices"][0]
                            found += choice["logprobs"]["tokens"]
                        if left is not None and len(found) >= left:
                            line.shutdown(socket.SHUT_RDWR)
                            break
                    whole = wanted(prompt, seed)
                    if found != (whole[: len(found)] if left else whole):
                        wrong.append(f"{prompt!r}, seed {seed}: {found} and not {whole}")
                    served[0 if stays else 1] += 1
            except Exception as error:
                wrong.append(repr(error))

    with serving("--waiting", "100") as (_, host, port):
        threads = [threading.Thread(target=client, args=(i, host, port)) for i in range(CLIENTS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert not wrong, wrong[0]
        assert min(served) >= CLIENTS // 2
        last = time.monotonic() + PATIENCE_S
        while gauge(host, port, "open"):
            assert time.monotonic() < last
        assert gauge(host, port, "blocks_free") == gauge(host, port, "blocks")
        assert gauge(host, port, "hung_up_total") > 0
