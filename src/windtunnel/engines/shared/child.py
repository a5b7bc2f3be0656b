"""A program of an experiment's own as a process on a pipe, for what is measured on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from windtunnel.engines.errors import Unavailable

RUN = """
import os, runpy, signal, sys, threading, time
asked, lines = os.dup(0), os.pipe()
os.dup2(lines[0], 0)
def pass_on():
    while data := os.read(asked, 65536):
        os.write(lines[1], data)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
threading.Thread(target=pass_on, daemon=True).start()
def later(hook):
    return lambda *what: (time.sleep(0.2), hook(*what))
sys.excepthook, threading.excepthook = later(sys.excepthook), later(threading.excepthook)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a program, and ends it at once when its input ends, whatever it does just then: where it is the first of a group
of processes, with what it has forked. What it cannot handle is told a little later: where another of our processes has
gone first, and this one is about to, nobody needs to hear of that."""


class Child:
    """A process that runs a file, and answers each line of JSON on its standard input with one on its output.

    It has no folder and no guard: it ends when its input does, so it dies with us, also by `kill -9`. The program is
    the caller's, imports what it likes and pays for nothing of ours; its argument is what it is told, as JSON.

    Args:
        name: for sentences.
        file: the program.
        told: what it has to know.
    """

    def __init__(self, name: str, file: Path, told: Mapping[str, Any]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", RUN, str(file), json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we end it
        )

    async def ask(self, *what: Any) -> Any:
        """Its answer; one question at a time. Raises Unavailable where it has ended."""
        return await asyncio.get_running_loop().run_in_executor(None, self._asked, what)

    def _asked(self, what: tuple[Any, ...]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except (OSError, ValueError):
            line = b""
        if not line:
            raise Unavailable(f"The process {self.name} ended before it had answered {what[0]}.")
        return json.loads(line)

    async def close(self) -> None:
        """End it with what it has forked, and wait until it is gone."""
        if self._process.returncode is None:  # else its number may be another's by now
            with contextlib.suppress(OSError):  # some systems let nobody end who has ended
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not yet sent has nobody to read it
                    pipe.close()
