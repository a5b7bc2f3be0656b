"""Run a function of somebody else's code in a process with limits, and always come back with a sentence.

An endless loop, memory without end, a crash of the interpreter, a flood of prints: each ends the process, not us.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FLOOD_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a design may use. Where the system has no such limits (Windows) the clock alone stops it."""

    cpu_s: float = 60.0
    wall_s: float = 120.0
    memory_bytes: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: with an ``answer``, or with a ``sentence`` that says why there is none."""

    answer: Any = None
    sentence: str = ""


def limited(
    arguments: dict[str, Any], limits: Limits, heard: Callable[[dict[str, Any]], object] = lambda message: None
) -> Ended:
    """Run ``windtunnel.lab.grade_worker`` on the arguments; each message of it that is no answer goes to ``heard``.

    Ctrl-C, or any exception of ``heard``, kills the process before it goes on.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "windtunnel.lab.grade_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    clock = threading.Timer(limits.wall_s, child.kill)
    said = _Drain(child)
    clock.start()
    try:
        with contextlib.suppress(OSError):
            settings = {"cpu_s": limits.cpu_s, "memory_bytes": limits.memory_bytes}
            child.stdin.write(json.dumps({"limits": settings, **arguments}).encode() + b"\n")
            child.stdin.flush()
        answer = None
        for line in child.stdout:
            message = json.loads(line)
            if "answer" in message:
                answer = message
            else:
                heard(message)
        status = child.wait()
        if answer is not None:
            return Ended(answer["answer"])
        return Ended(sentence=_why(status, limits, said))
    finally:
        clock.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        said.join()


class _Drain:
    """Reads what the design prints; kills it where that never ends."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.flooded = False
        self.last = b""
        self._child = child
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._child.stderr is not None
        size = 0
        with self._child.stderr as pipe:
            while chunk := os.read(pipe.fileno(), 65536):
                size += len(chunk)
                self.last = (self.last + chunk)[-4000:]
                if size > FLOOD_BYTES and not self.flooded:
                    self.flooded = True
                    self._child.kill()

    def join(self) -> None:
        self._thread.join()


def _why(status: int, limits: Limits, said: _Drain) -> str:
    if said.flooded:
        return f"The design printed more than {FLOOD_BYTES // 1_000_000} MB and was stopped; it may print, not flood."
    if os.name == "posix" and status in (-signal.SIGXCPU, -signal.SIGALRM):
        return f"The design used more than {limits.cpu_s:g} s of CPU and was stopped; is there an endless loop?"
    if status == -9:
        return f"The design ran for more than {limits.wall_s:g} s and was stopped; is there an endless loop?"
    tail = said.last.decode(errors="replace").strip().splitlines()
    if any("MemoryError" in line for line in tail):
        return f"The design wanted more than {limits.memory_bytes >> 20} MB of memory and was stopped."
    return f"The design's process died with status {status}{': ' + tail[-1] if tail else ''}."
