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
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FLOOD_BYTES = 1_000_000
LOOK_EVERY_S = 0.05
"""How often the guard looks at the clock of the wall: a person waits for it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a design may use. Where the system has no such limits (Windows) the clock alone stops it."""

    cpu_s: float = 60.0
    wall_s: float = 120.0
    memory_bytes: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: with an `answer`, or with a `sentence` that says why there is none.

    `given_up`: nobody wanted the answer any more.
    """

    answer: Any = None
    sentence: str = ""
    given_up: bool = False


def limited(
    arguments: dict[str, Any],
    limits: Limits,
    heard: Callable[[dict[str, Any]], object] = lambda message: None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Ended:
    """Run `windtunnel.lab.grading.grade_worker` on the arguments.

    Each message of it that is no answer goes to `heard`.

    Ctrl-C, or any exception of `heard`, kills the process before it goes on; so does `unwanted` once it is true.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "windtunnel.lab.grading.grade_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    guard, said = _Guard(child, limits.wall_s, unwanted), _Drain(child)
    try:
        with contextlib.suppress(OSError):
            settings = {"cpu_s": limits.cpu_s, "memory_bytes": limits.memory_bytes}
            child.stdin.write(json.dumps({"limits": settings, **arguments}).encode() + b"\n")
            child.stdin.flush()
        answer = None
        for line in child.stdout:
            message = _message(line)
            if "answer" in message:
                answer = message
            elif message:
                heard(message)
        status = child.wait()
        if answer is not None:
            return Ended(answer["answer"])
        if guard.unwanted:
            return Ended(given_up=True)
        return Ended(sentence=_why(status, limits, said, guard))
    finally:
        guard.over.set()
        _kill(child)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        said.join()


def _message(line: bytes) -> dict[str, Any]:
    """What the worker said; nothing where the design wrote between its lines."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the process and what it has started, also where it has ended itself: they are a group of their own."""
    if os.name != "posix":
        child.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


class _Guard:
    """Kills the process when its time is up, or when nobody wants its answer any more."""

    def __init__(self, child: subprocess.Popen[bytes], wall_s: float, unwanted: Callable[[], bool]) -> None:
        self.over = threading.Event()
        self.late = self.unwanted = False
        self._child = child
        self._ends = time.monotonic() + wall_s
        self._asked = unwanted
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self.over.wait(LOOK_EVERY_S):
            self.late = time.monotonic() > self._ends
            self.unwanted = self._asked()
            if self.late or self.unwanted:
                _kill(self._child)
                return


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
                    _kill(self._child)

    def join(self) -> None:
        """Wait for the last words, but not for whoever has inherited the pipe and lives on."""
        self._thread.join(1.0)


def _why(status: int, limits: Limits, said: _Drain, guard: _Guard) -> str:
    said.join()
    if said.flooded:
        return f"The design printed more than {FLOOD_BYTES // 1_000_000} MB and was stopped; it may print, not flood."
    if guard.late:
        return f"The design ran for more than {limits.wall_s:g} s and was stopped; is there an endless loop?"
    if os.name == "posix" and status == -signal.SIGXCPU:
        return f"The design used more than {limits.cpu_s:g} s of CPU and was stopped; is there an endless loop?"
    tail = said.last.decode(errors="replace").strip().splitlines()
    if any("MemoryError" in line for line in tail):
        return f"The design wanted more than {limits.memory_bytes >> 20} MB of memory and was stopped."
    if os.name == "posix" and status == -signal.SIGKILL:
        return "The design's process was killed from outside; did the machine run out of memory?"
    last = f": {tail[-1]}" if tail else ""
    if status < 0:
        return f"The design's process crashed ({signal.Signals(-status).name}){last}."
    return f"The design ended its own process (status {status}) before it could be judged{last}."
