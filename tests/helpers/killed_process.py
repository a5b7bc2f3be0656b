"""Processes that end themselves by `kill -9`: one that has imported all that is needed forks one for each life.

So a life costs little. It connects to the test, says there what it has to say, and dies, or ends with the connection.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from windtunnel.engines.shared.servers import postgres_url


def forks(live: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Read lines, fork a life for each, and say which signal has ended it; below 0 where it has raised something."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                asyncio.run(live(**json.loads(line)))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(-os.waitstatus_to_exitcode(status), flush=True)


class Forker:
    """That process, and the port at which its lives connect.

    Args:
        module: of the helpers; its `live(port, ...)` is a life.
        serve: called with the ends of each connection.
    """

    def __init__(self, module: str, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> None:
        self.module, self.serve = module, serve

    async def open(self, engine: str = "") -> None:
        one_for_all = {"WINDTUNNEL_POSTGRES_URL": postgres_url()} if engine == "postgres" else {}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"from helpers.killed_process import forks; from helpers.{self.module} import live; forks(live)",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
            env={**os.environ, **one_for_all},
        )
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)

    async def close(self) -> None:
        self.server.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    def begin(self, **told: Any) -> None:
        """Let a life begin."""
        assert self.process.stdin is not None
        told["port"] = self.server.sockets[0].getsockname()[1]
        self.process.stdin.write(json.dumps(told).encode() + b"\n")

    async def ended(self) -> int:
        """Wait for the end of a life: the signal that it was, or 0."""
        assert self.process.stdout is not None
        signal = int(await self.process.stdout.readline())
        assert signal >= 0, "it has raised something, and said what"
        return signal
