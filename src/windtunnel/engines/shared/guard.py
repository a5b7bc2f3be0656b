"""Runs one server and ends it when whoever started us is gone, however they went.

This file is run as a program of its own, by path, and imports nothing of ours. Its standard input is a pipe from the
starter: when that process ends, by itself, by Ctrl-C or by `kill -9`, the pipe closes, and we stop the server and
remove its folder. (A child alone would not notice; an `atexit` does not run after `kill -9`.)

    python guard.py FOLDER_TO_REMOVE USER PROGRAM [ARGUMENT ...]        (USER is empty for our own)

What the server says goes into the folder's file `log`. We say the server's process id, a line, whenever it was started.
A server that dies takes us with it, unless we were told `keep`, a line, which we answer with `kept`: then we start it
anew, in the same folder, when we are told `start`.
"""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from typing import Any


class Guard:
    """A server, and what the starter wants of it."""

    def __init__(self, folder: str, user: str, command: "list[str]") -> None:
        self.folder, self.user, self.command = folder, user, command
        self.server: subprocess.Popen[bytes] | None = None
        self.keep = False
        self.alone = False
        self.starts: queue.Queue[None] = queue.Queue()

    def run(self) -> int:
        """Start the program, wait for either end, and clean up."""
        while True:
            with open(os.path.join(self.folder, "log"), "ab") as log:
                try:
                    self.server = subprocess.Popen(
                        self.command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        cwd=self.folder,
                        **identity(self.user),
                    )
                except OSError as error:
                    log.write(f"error: {error}\n".encode())
                    return 1
            _say(str(self.server.pid))
            if self.alone:
                self.stop()
            status: int = self.server.wait()
            if self.keep and not self.alone:
                self.starts.get()
            if self.alone or not self.keep:
                shutil.rmtree(self.folder, ignore_errors=True)
                return status

    def listen(self) -> None:
        """Do what the starter says, until there is no starter any more."""
        told = b""
        while data := os.read(0, 4096):  # not sys.stdin, whose lock would be held where the interpreter ends
            *lines, told = (told + data).split(b"\n")
            for line in lines:
                if line == b"keep":
                    self.keep = True
                    _say("kept")
                else:
                    self.starts.put(None)
        self.alone = True
        self.starts.put(None)
        self.stop()

    def stop(self) -> None:
        """End the server."""
        if self.server is None or self.server.poll() is not None:
            return
        # PostgreSQL takes SIGINT for "disconnect everybody and stop"; other servers just stop.
        self.server.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        try:
            self.server.wait(5)
        except subprocess.TimeoutExpired:
            self.server.kill()


def identity(user: str) -> "dict[str, Any]":
    """Arguments of Popen that run a program as this user: some servers refuse to run as root. Empty: as ourselves."""
    if not user:
        return {}
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: standard input will say so as well
        print(line, flush=True)


def main() -> int:
    """Guard the server that the command line names."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job hands it down as ignored
    folder, user, *command = sys.argv[1:]
    guard = Guard(folder, user, command)
    threading.Thread(target=guard.listen, daemon=True).start()
    return guard.run()


if __name__ == "__main__":
    sys.exit(main())
