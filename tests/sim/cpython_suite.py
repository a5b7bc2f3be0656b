"""Runs CPython's own tests of asyncio on simulated hosts' loops. Prints one line for each test that fails, two counts.

python tests/sim/cpython_suite.py loops test_taskgroups test_locks ...    modules, on loops of ours
python tests/sim/cpython_suite.py io test_sock_lowlevel test_streams ...  the same, and sockets and servers are ours
python tests/sim/cpython_suite.py tasks                                   the tests of Task, on tasks of ours

"stepped" counts the tests during which a simulation really stepped something of a program: some of a module's tests
look at objects only, and so say nothing about the tunnel.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import itertools
import socket
import sys
import unittest
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.sockets import SimSocket
from windtunnel.sim.task import Task

SUITE = "test.test_asyncio"
numbers = itertools.count()
hosts: list[Host] = []
"""Those of the test that runs: sockets and servers that it makes are on the last one."""


class Policy(asyncio.DefaultEventLoopPolicy):
    """Every new loop is that of a new host."""

    def new_event_loop(self) -> Any:
        hosts.append(Simulator().host(f"host {next(numbers)}"))
        return hosts[-1].loop


class OurTask:
    """Called as asyncio.Task is; makes a task of ours."""

    def __new__(cls, coro: Any, *, loop: Any = None, name: Any = None, context: Any = None, **_: Any) -> Any:
        return Task(coro, loop if loop is not None else asyncio.get_event_loop(), name, context)


class Sockets:
    """The module `socket` for code between two runs, which is on no host: what it makes is the test's host's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def socket(self, *args: Any, **kwargs: Any) -> Any:
        return SimSocket(*args, host=hosts[-1], **kwargs)

    def create_server(self, address: Any, **_: Any) -> Any:
        sock = self.socket()
        sock.bind(address)
        sock.listen()
        return sock


@contextlib.contextmanager
def http_server(**_: Any) -> Iterator[Any]:
    """In the place of the suite's own server, which is a thread."""
    sock: Any = SimSocket(host=hosts[-1])
    sock.bind(("127.0.0.1", 0))
    sock.listen()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = 0
        while line := (await reader.readline()).strip():
            if line.startswith(b"Content-Length: "):
                size = int(line[16:])
        writer.write(b"HTTP/1.0 200 OK\r\nContent-type: text/plain\r\n\r\n")
        writer.write(await reader.readexactly(size) if size else b"Test message")
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(talk, sock=sock) as server:
            await server.serve_forever()

    hosts[-1].create_task(serve())
    yield SimpleNamespace(address=sock.getsockname())


@contextlib.contextmanager
def udp_echo_server(**_: Any) -> Iterator[Any]:
    """The same for datagrams."""
    sock: Any = SimSocket(type=socket.SOCK_DGRAM, host=hosts[-1])
    sock.bind(("127.0.0.1", 0))

    async def echo() -> None:
        loop = asyncio.get_running_loop()
        while True:
            await loop.sock_sendto(sock, *await loop.sock_recvfrom(sock, 1 << 16))

    hosts[-1].create_task(echo())
    yield sock.getsockname()


def simulate_io(module: Any) -> None:
    """Let a module of tests make sockets, servers and loops of ours."""
    asyncio.SelectorEventLoop = lambda *_: Policy().new_event_loop()  # type: ignore[assignment,misc]
    if hasattr(module, "socket"):
        module.socket = Sockets()
    if hasattr(module, "test_utils"):
        module.test_utils.run_test_server = http_server
        module.test_utils.run_udp_echo_server = udp_echo_server


class Counting(unittest.TextTestResult):
    """Counts the tests in which a simulation stepped."""

    stepped = 0

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802  (unittest calls it so)
        hosts.clear()
        super().startTest(test)

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802  (unittest calls it so)
        type(self).stepped += any(host.sim.steps for host in hosts)
        super().stopTest(test)


def cases(kind: str, modules: list[str]) -> Iterator[unittest.TestSuite]:
    asyncio.set_event_loop_policy(Policy())
    if kind != "tasks":
        for name in modules:
            asyncio.set_event_loop_policy(Policy())  # the module before took it back
            module = importlib.import_module(f"{SUITE}.{name}")
            if kind == "io":
                simulate_io(module)
            yield unittest.defaultTestLoader.loadTestsFromModule(module)
        return
    tests: Any = importlib.import_module(f"{SUITE}.test_tasks")

    class TestsOfTask(tests.BaseTaskTests, tests.test_utils.TestCase):  # type: ignore[misc]  # found at run time
        Task = OurTask
        Future = asyncio.Future
        all_tasks = staticmethod(asyncio.all_tasks)

        def new_test_loop(self, gen: object = None) -> Any:
            loop = Policy().new_event_loop()
            loop.advance_time = lambda seconds: None  # time takes care of itself
            self.set_event_loop(loop)
            return loop

        def setUp(self) -> None:
            super(tests.BaseTaskTests, self).setUp()
            self.loop = self.new_test_loop()
            self.loop.set_task_factory(self.new_task)

    yield unittest.defaultTestLoader.loadTestsFromTestCase(TestsOfTask)


def main() -> None:
    count = 0
    for suite in cases(sys.argv[1], sys.argv[2:]):
        result = unittest.TextTestRunner(io.StringIO(), verbosity=0, resultclass=Counting).run(suite)
        count += result.testsRun
        for test, _ in (*result.errors, *result.failures):
            print("failed", test.id().rpartition(".")[2])
    print("ran", count)
    print("stepped", Counting.stepped)


if __name__ == "__main__":
    main()
