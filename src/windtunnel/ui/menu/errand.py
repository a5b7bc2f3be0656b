"""Long work of the menu: a command of ours in a process of its own, so that the screen never waits.

It can be stopped at any time, and none outlives the menu: a process whose standard input closes stops itself as by
Ctrl-C, and with it the workers that it has started; one that does not is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

LEAVES_S = 3.0
"""For how long a stopped command may put its things away."""
KEPT = 20_000
"""Letters of what went to standard error that are kept."""
Message = dict[str, Any]


class Errand:
    """One command at work.

    Args:
        words: the command, as after `windtunnel`.
        columns: as how wide it may take the screen.
        heard: told, in a thread of its own, of each message: how far it is ("done", "of", "design", "seed"), a line
            that it wrote ("line"), and at last how it ended ("status").
    """

    def __init__(self, words: Sequence[str], columns: int, heard: Callable[[Message], object]) -> None:
        self.written = self.complained = ""
        self.stopped = False
        self._heard = heard
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "windtunnel.ui.menu.errand_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": str(columns)},
            start_new_session=True,  # Ctrl-C in the terminal is the menu's to hear
        )
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended already, and its status tells
            self._process.stdin.write(json.dumps(list(words)) + "\n")
            self._process.stdin.flush()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def sentence(self) -> str:
        """What went wrong, where something did."""
        return self.complained.strip().rpartition("\n")[2]

    def stop(self) -> None:
        """End it, and come back when nothing of it is left."""
        self.stopped = True
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(LEAVES_S)
        except subprocess.TimeoutExpired:
            _kill(self._process)
            self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        status, begun = None, ""
        with self._process.stdout as pipe:
            for line in pipe:
                message = _message(line)
                if "out" in message:
                    self.written += message["out"]
                    *whole, begun = (begun + message["out"]).split("\n")
                    for one in whole:
                        self._tell({"line": one})
                elif "err" in message:
                    self.complained = (self.complained + message["err"])[-KEPT:]
                elif "status" in message:
                    status = message["status"]
                elif message:
                    self._tell(message)
        code = self._process.wait()
        if status is None and not self.stopped:
            self.complained += f"\nThe command's process ended with status {code} before it had answered."
        self._tell({"status": 70 if status is None else status})

    def _tell(self, message: Message) -> None:
        if not self.stopped:
            self._heard(message)


def _message(line: str) -> Message:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _kill(process: subprocess.Popen[str]) -> None:
    if os.name != "posix":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
