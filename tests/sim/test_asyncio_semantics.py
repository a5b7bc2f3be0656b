"""CPython's own tests of asyncio, run on simulated hosts: an oracle that we did not write."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cpython_suite.py")
MODULES = [
    "test_buffered_proto",
    "test_context",
    "test_futures",
    "test_locks",
    "test_pep492",
    "test_queues",
    "test_server",
    "test_sock_lowlevel",
    "test_taskgroups",
    "test_timeouts",
    "test_waitfor",
]
BLOCKS_THE_THREAD = {"test_nested_timeouts_concurrent", "test_nested_timeouts_loop_busy"}
"""They call time.sleep, which the tunnel refuses."""
OTHERWISE_BY_DESIGN = {
    "test_bare_create_task",  # these three ask for the class that stands in for ours here
    "test_create_task_with_async_function",
    "test_create_task_with_asynclike_function",
    "test_generic_alias",
    "test_log_destroyed_pending_task",  # looks into the selector
    "test_stop_while_run_in_complete",  # loop.stop() is refused
    "test_task_source_traceback",  # looks for its own line above the constructor
    "test_task_repr_wait_for",  # a task of ours is its own callback, and is printed as such
    "test_cancel_traceback_for_future_exception",  # who awaits a cancelled task sees a new CancelledError
    "test_cancel_traceback_for_future_result",
    "test_task_cancel_message_setter",
    "test_uncancel_resets_must_cancel",  # (3.13) a task that is woken, cancelled and uncancelled at once is cancelled
}

needs_suite = pytest.mark.skipif(
    importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_asyncio") is None,
    reason="this Python was installed without its tests",
)


def run_suite(*arguments: str) -> tuple[set[str], int]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name for word, name in lines if word == "failed"}, next(int(n) for word, n in lines if word == "ran")


@needs_suite
def test_cpythons_tests_of_asyncio_pass_on_a_simulated_host() -> None:
    failed, count = run_suite("loops", *MODULES)
    assert failed - BLOCKS_THE_THREAD == set()
    assert count > 300


@needs_suite
def test_cpythons_tests_of_tasks_pass_on_tasks_that_the_kernel_steps() -> None:
    failed, count = run_suite("tasks")
    assert failed - OTHERWISE_BY_DESIGN == set()
    assert count > 90
