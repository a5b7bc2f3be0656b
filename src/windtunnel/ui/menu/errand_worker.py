"""A command of ours in a process of its own, for the menu: what it writes and how far it is go out as lines of JSON.

The command's words come as the first line of standard input. When that closes, whoever asked is gone or wants no answer
any more, and the command is stopped as by Ctrl-C.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from typing import IO, Any


def main() -> None:
    """Run one command; its status is the last line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have handed it down as ignored
    asked = json.loads(sys.stdin.readline())
    # What a design writes past Python's own streams must not stand between the lines.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tell = _Teller(lines)
    threading.Thread(target=_until_closed, daemon=True).start()
    from windtunnel.ui import cli
    from windtunnel.ui.progress import heard_by

    def told(done: int, total: int, design: str, seed: int) -> None:
        tell({"done": done, "of": total, "design": design, "seed": seed})

    status = cli.OURS
    with redirect_stdout(_Written(tell, "out")), redirect_stderr(_Written(tell, "err")), heard_by(told):
        try:
            cli.main(asked)
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else status
    tell({"status": status})


class _Teller:
    """One message a line, whole ones also where two threads speak."""

    def __init__(self, to: IO[str]) -> None:
        self._to = to
        self._lock = threading.Lock()

    def __call__(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._to.write(json.dumps(message) + "\n")
            self._to.flush()


class _Written(io.StringIO):
    """A stream whose writes are messages; nothing of them is kept."""

    def __init__(self, tell: _Teller, name: str) -> None:
        super().__init__()
        self._tell, self._name = tell, name

    def write(self, text: str) -> int:
        said = "" + text  # click finds out by writing no bytes whether a stream takes bytes: this one does not
        if said:
            self._tell({self._name: said})
        return len(said)


def _until_closed() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
