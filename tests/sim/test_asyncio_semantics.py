"""CPython's own tests of asyncio, run on simulated hosts: an oracle that we did not write."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cpython_suite.py")
MODULES = [
    "test_context",
    "test_futures",
    "test_locks",
    "test_pep492",
    "test_queues",
    "test_taskgroups",
    "test_timeouts",
    "test_waitfor",
]
IO_MODULES = ["test_buffered_proto", "test_server", "test_sock_lowlevel", "test_streams"]
REFUSED_IO = {
    "test_drain_raises",  # these two: a thread is the other side
    "test_start_server_1",
    "test_open_connection_no_loop_ssl",
    "test_start_tls",
    "test_open_unix_connection",
    "test_open_unix_connection_error",
    "test_open_unix_connection_no_loop_ssl",
    "test_start_unix_server",
    "test_start_unix_server_1",
    "test_unix_sock_client_ops",
    "test_read_all_from_pipe_reader",
    "test_sock_accept",  # these two call connect or accept of a socket that blocks
    "test_sock_client_racing",
    "test_sendto_blocking",  # a datagram never waits here, so nobody tries again
    "test_unclosed_server_resource_warnings",  # (3.13) so does this one
    "test_unix_server_addr_cleanup",  # (3.13) these five, again, listen on a path
    "test_unix_server_sock_cleanup",
    "test_unix_server_cleanup_gone",
    "test_unix_server_cleanup_replaced",
    "test_unix_server_cleanup_prevented",
    "test_unhandled_exceptions",  # these take a server to have accepted before its own client's handshake is over
    "test_unhandled_exception",  # (3.13) the same under another name
    "test_wait_closed_basic",  # (3.12)
}
"""What the tunnel has no stand-in for and says so, and those that rest on how a real kernel happens to do it."""
REFUSED = {
    "test_nested_timeouts_concurrent",  # these two call time.sleep
    "test_nested_timeouts_loop_busy",
    "test_ambiguous_loops",  # asks a running host for another loop
    "test_cancelled_error_re_aquire",  # (3.13) these two ask who awaits a task for the error that cancelled it itself
    "test_cancelled_error_wakeup",
}
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
    "test_uncancel_resets_must_cancel",  # (3.13) a task that is woken, cancelled and uncancelled at once is cancelled
}

needs_suite = pytest.mark.skipif(
    importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_asyncio") is None,
    reason="this Python was installed without its tests",
)


def run_suite(*arguments: str) -> tuple[set[str], int, int]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    count, stepped = (next(int(n) for word, n in lines if word == wanted) for wanted in ("ran", "stepped"))
    return {name for word, name in lines if word == "failed"}, count, stepped


@needs_suite
def test_cpythons_tests_of_asyncio_pass_on_a_simulated_host() -> None:
    failed, count, stepped = run_suite("loops", *MODULES)
    assert failed - REFUSED == set()
    assert count > 300
    assert stepped > 190  # the others look at futures and frames, for which nothing has to run


@needs_suite
def test_cpythons_tests_of_sockets_streams_and_servers_pass_on_simulated_ones() -> None:
    failed, count, stepped = run_suite("io", *IO_MODULES)
    assert failed - REFUSED_IO == set()
    assert count > 100
    assert stepped > 105


@needs_suite
def test_cpythons_tests_of_tasks_pass_on_tasks_that_the_kernel_steps() -> None:
    failed, count, stepped = run_suite("tasks")
    assert failed - OTHERWISE_BY_DESIGN == set()
    assert count > 90
    assert stepped > 90
