"""What an event loop offers and the tunnel has no stand-in for: each says so, and what to do instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NoReturn, TypeVar, TypeVarTuple

from windtunnel.sim.sandbox import NotSimulated

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class UnsimulatedParts(asyncio.BaseEventLoop):
    """The base of a host's loop."""

    def stop(self) -> None:
        refuse("A host's loop runs as long as the simulation; end the task instead of calling loop.stop().")

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        refuse("Threads and process pools are not simulated; call the function, or charge its work to host.cpu.work().")

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none."""

    async def subprocess_exec(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Subprocesses are not simulated; make another host, or another task, for what it does.")

    async def subprocess_shell(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Subprocesses are not simulated; make another host, or another task, for what it does.")

    async def create_unix_connection(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Unix sockets are not simulated; use TCP on localhost.")

    async def create_unix_server(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Unix sockets are not simulated; use TCP on localhost.")

    async def connect_read_pipe(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Pipes are not simulated; use TCP on localhost.")

    async def connect_write_pipe(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Pipes are not simulated; use TCP on localhost.")

    async def start_tls(self, *_: Any, **__: Any) -> NoReturn:
        refuse("TLS is not simulated; connect without it, the simulated network has no eavesdroppers.")

    async def sendfile(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Sending files is not simulated; read the bytes and write them to the transport.")

    async def sock_sendfile(self, *_: Any, **__: Any) -> NoReturn:
        refuse("Sending files is not simulated; read the bytes and write them to the socket.")

    def add_reader(self, fd: Any, callback: Callable[[*Ts], Any], *args: *Ts) -> None:
        refuse("Descriptors are not watched in the tunnel; use the loop's sock_ methods or streams.")

    def add_writer(self, fd: Any, callback: Callable[[*Ts], Any], *args: *Ts) -> None:
        refuse("Descriptors are not watched in the tunnel; use the loop's sock_ methods or streams.")

    def remove_reader(self, fd: Any) -> bool:
        return False

    def remove_writer(self, fd: Any) -> bool:
        return False


def refuse(why: str) -> NoReturn:
    """Raise NotSimulated."""
    raise NotSimulated(why)
