"""`windtunnel serve` as a process: a stream to its end, one that is left, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from helpers.commands import call
from helpers.server_process import PATIENCE_S, gauge, posted, serving


def test_a_server_streams_frees_the_blocks_of_who_left_and_ends_at_ctrl_c_with_an_answer_under_way() -> None:
    with serving("--memory", "2048") as (process, host, port):
        with posted(host, port, {"prompt": "hello", "max_tokens": 20, "seed": 1, "stream": True}) as (_, answer):
            first = answer.readline()
            assert json.loads(first.removeprefix(b"data: "))["choices"][0]["finish_reason"] is None
            assert answer.read().endswith(b"data: [DONE]\n\n")
        asked = {"prompt": "a", "max_tokens": 2000, "temperature": 0, "stream": True}
        with posted(host, port, asked) as (line, answer):
            answer.readline()
            assert gauge(host, port, "blocks_free") < 128
            line.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + PATIENCE_S
        while gauge(host, port, "open"):
            assert time.monotonic() < until
        assert gauge(host, port, "blocks_free") == 128
        assert gauge(host, port, "hung_up_total") == 1
        with posted(host, port, asked) as (_, answer):
            answer.readline()
            process.send_signal(signal.SIGINT)
            assert "The server is ending." in answer.read().decode()
        _, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err.strip()) == (130, "Stopped.")
        with pytest.raises(ConnectionRefusedError), socket.create_connection((host, port), 1):
            pass


@pytest.mark.soak
@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_second_ctrl_c_ends_it_with_a_word_and_no_traceback(command: str) -> None:
    run = [sys.executable, "-m", "windtunnel", command, "--port", "0"]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "Ctrl-C" in process.stdout.readline()
        time.sleep(0.5)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err.strip()) == (130, "Stopped.")


def test_a_port_that_is_taken_is_a_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = call(capsys, "serve", "--port", str(port))
    assert (status, out) == (2, "")
    assert err == f"Port {port} cannot be had: {os.strerror(98)}; take another with --port, or 0.\n"


def test_a_host_that_is_not_here_is_a_sentence_too(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capsys, "serve", "--port", "0", "--host", "203.0.113.7")
    assert status == 2
    assert err.startswith("Port 0 cannot be had")


def test_listing_loads_nothing_of_it() -> None:
    heavy = ("windtunnel.serve", "starlette", "numpy")
    code = f"import sys, windtunnel.ui.cli; print([m for m in sys.modules if m.startswith({heavy})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
