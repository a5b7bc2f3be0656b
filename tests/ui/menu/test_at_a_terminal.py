"""The menu at a real terminal (a pseudo one): first paint, no colours, keys in the middle of a run, the editor."""

from __future__ import annotations

import os
import re
import shlex
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.skipif(os.name != "posix", reason="terminals of Unix"), pytest.mark.soak]
COLOUR = re.compile(rb"\x1b\[[\d;:]*(?<![\d])(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;:m]")
ALTERNATE, BACK = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        import fcntl
        import pty
        import termios

        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        begin = "import os, fcntl, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        begin += "from windtunnel.__main__ import main; main()"
        own = {"TERM": "xterm-256color", "WINDTUNNEL_PROGRESS": str(folder / "progress.json"), **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-c", begin],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env={**os.environ, **own},
        )  # fmt: skip
        os.close(theirs)
        self.seen = b""
        self._at = 0

    def until(self, text: str) -> None:
        """Read what it writes, up to this, from where the last one was found."""
        while (found := self.seen.find(text.encode(), self._at)) < 0:
            self.seen += os.read(self.ours, 65536)
        self._at = found + len(text.encode())

    def type(self, text: str) -> None:
        """Keys."""
        os.write(self.ours, text.encode())

    def rest(self) -> bytes:
        """What it writes until it ends."""
        found = b""
        try:
            while chunk := os.read(self.ours, 65536):
                found += chunk
        except OSError:  # it has closed its side
            pass
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    """Starts the menu, and leaves nothing of it."""
    started: list[Terminal] = []

    def call(**environment: str) -> Terminal:
        started.append(Terminal(tmp_path, **environment))
        started[-1].until("every action")
        return started[-1]

    yield call
    for terminal in started:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.ours)


def in_a_run(start: object, **environment: str) -> tuple[Terminal, list[psutil.Process]]:
    """A menu in the middle of a run, and the processes that it has started."""
    terminal = start(**environment)  # type: ignore[operator]
    terminal.type("\r")
    terminal.until("predict and run")
    terminal.type("x")
    terminal.until(" of ")
    children = psutil.Process(terminal.process.pid).children(recursive=True)
    return terminal, children


@pytest.mark.parametrize("leave", ["q", "\x03"])
def test_a_key_in_the_middle_of_a_run_leaves_no_process(start: object, leave: str) -> None:
    terminal, children = in_a_run(start, NO_COLOR="1")
    assert children
    terminal.type(leave)
    rest = terminal.rest()
    assert terminal.process.wait(60) == 0
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert BACK in rest
    assert COLOUR.search(terminal.seen) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_a_run_leaves_no_process_and_the_terminal_as_it_was(
    start: object, number: signal.Signals
) -> None:
    terminal, children = in_a_run(start)
    terminal.process.send_signal(number)
    assert BACK in terminal.rest()
    assert terminal.process.wait(60) == 128 + number
    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_a_lost_connection_leaves_no_process(start: object) -> None:
    terminal, children = in_a_run(start)
    terminal.process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(children, timeout=60)[1] == []


def test_the_terminal_is_the_editors_and_then_ours_again(start: object, tmp_path: Path) -> None:
    said = "print('THE EDITOR', flush=True); input()"
    terminal = start(EDITOR=shlex.join([sys.executable, "-c", said]), VISUAL="")  # type: ignore[operator]
    terminal.type("c")
    terminal.until("not yet")
    terminal.type("o")
    terminal.until("THE EDITOR")
    assert terminal.seen.rindex(BACK) > terminal.seen.rindex(ALTERNATE)
    terminal.type("words\n")
    terminal.until("every action")
    terminal.type("\x1b")
    terminal.until("next for you")
    terminal.type("q")
    assert BACK in terminal.rest()
    assert terminal.process.wait(60) == 0
