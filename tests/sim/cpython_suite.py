"""Runs CPython's own tests of asyncio on simulated hosts' loops. Prints one line for each test that fails.

python tests/sim/cpython_suite.py loops test_taskgroups test_locks ...    modules, on loops of ours
python tests/sim/cpython_suite.py tasks                                   the tests of Task, on tasks of ours
"""

from __future__ import annotations

import asyncio
import importlib
import io
import itertools
import sys
import unittest
from collections.abc import Iterator
from typing import Any

from windtunnel.sim.kernel import Simulator
from windtunnel.sim.task import Task

SUITE = "test.test_asyncio"
numbers = itertools.count()


class Policy(asyncio.DefaultEventLoopPolicy):
    """Every new loop is that of a new host."""

    def new_event_loop(self) -> Any:
        return Simulator().host(f"host {next(numbers)}").loop


class OurTask:
    """Called as asyncio.Task is; makes a task of ours."""

    def __new__(cls, coro: Any, *, loop: Any = None, name: Any = None, context: Any = None, **_: Any) -> Any:
        return Task(coro, loop if loop is not None else asyncio.get_event_loop(), name, context)


def cases(kind: str, modules: list[str]) -> Iterator[unittest.TestSuite]:
    asyncio.set_event_loop_policy(Policy())
    if kind == "loops":
        for module in modules:
            yield unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"{SUITE}.{module}"))
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
        result = unittest.TextTestRunner(io.StringIO(), verbosity=0).run(suite)
        count += result.testsRun
        for test, _ in (*result.errors, *result.failures):
            print("failed", test.id().rpartition(".")[2])
    print("ran", count)


if __name__ == "__main__":
    main()
