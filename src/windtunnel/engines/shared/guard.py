"""Runs one server and ends it when whoever started us is gone, however they went.

This file is run as a program of its own, by path, and imports nothing of ours. Its standard input is a pipe from the
starter: when that process ends, by itself, by Ctrl-C or by `kill -9`, the pipe closes, and we stop the server and
remove its folder. (A child alone would not notice; an `atexit` does not run after `kill -9`.)

    python guard.py FOLDER_TO_REMOVE USER PROGRAM [ARGUMENT ...]        (USER is empty for our own)
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import Any

KILL = b"k"
"""What the starter writes to have the server killed at once, without a word to it."""


def main() -> int:
    """Start the program, wait for either end, and clean up."""
    folder, user, *command = sys.argv[1:]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=folder, **identity(user))
    threading.Thread(target=_stop_when_alone, args=(server,), daemon=True).start()
    status: int = server.wait()
    shutil.rmtree(folder, ignore_errors=True)
    return status


def identity(user: str) -> "dict[str, Any]":
    """Arguments of Popen that run a program as this user: some servers refuse to run as root. Empty: as ourselves."""
    if not user:
        return {}
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _stop_when_alone(server: "subprocess.Popen[bytes]") -> None:
    while said := os.read(0, 4096):
        if KILL in said and server.poll() is None:
            server.kill()
    if server.poll() is None:
        # PostgreSQL takes SIGINT for "disconnect everybody and stop"; other servers just stop.
        server.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()


if __name__ == "__main__":
    sys.exit(main())
