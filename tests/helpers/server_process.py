"""`windtunnel serve` in a process of its own, and what a plain client asks of it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

PATIENCE_S = 60.0
"""A busy machine starts and ends a server late."""


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A server while the block runs: its process, host and port."""
    command = [sys.executable, "-m", "windtunnel", "serve", "--port", "0", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        where = urlsplit(told["address"])
        assert where.hostname is not None
        assert where.port is not None
        yield process, where.hostname, where.port
    finally:
        process.kill()
        process.communicate()


@contextmanager
def posted(host: str, port: int, body: dict[str, object]) -> Iterator[tuple[socket.socket, http.client.HTTPResponse]]:
    line = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    line.request("POST", "/v1/completions", json.dumps(body))
    assert isinstance(line.sock, socket.socket)
    with closing(line), line.getresponse() as answer:
        yield line.sock, answer


def gauge(host: str, port: int, name: str) -> float:
    line = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    line.request("GET", "/metrics")
    rows = line.getresponse().read().decode().splitlines()
    line.close()
    return next(float(row.split()[1]) for row in rows if row.startswith(f"windtunnel_{name} "))
