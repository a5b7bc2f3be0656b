"""Makes the folder of one server, runs the server, and ends both when whoever started us is gone, however they went.

This file is run as a program of its own, by path, and loads nothing of ours but the file `tree.py` beside it. Its
standard input is a pipe from the starter: when that process ends, by itself, by Ctrl-C or by `kill -9`, the pipe
closes, and we stop the server and remove its folder. (A child alone would not notice; an `atexit` does not run after
`kill -9`.) The folder is ours from the first moment, and so are the programs that fill it: a start that is cut off
leaves nothing either.

    python guard.py WHERE PREFIX            (WHERE is empty for the usual place)

Orders come as lines of JSON, `[what, argument ...]`, and each is answered by one:

    at once                         the folder
    ["prepare", user, command]      [exit status, what it said last], once the program has ended
    ["serve", user, command]        the server's process id (user is empty for our own)
    ["keep"]                        null
    ["start"]                       the server's new process id

What the server says goes into the folder's file `log`. A server that dies takes us with it, and the last that we say is
the end of that file, unless we were told `keep`: then we start it anew, in the same folder, when we are told `start`.
"""

import contextlib
import importlib.util
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

PATIENCE_S = 5.0
"""How long a server may take to stop, and what it has left behind to end."""
SAID_BYTES = 8192
"""So much of what a program said is passed on: less than a pipe holds, so that nobody waits for a reader."""

_spec = importlib.util.spec_from_file_location("tree", os.path.join(os.path.dirname(__file__), "tree.py"))
assert _spec is not None
assert _spec.loader is not None
tree = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tree)


class Guard:
    """A folder, a server in it, and what the starter wants of them."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.running: subprocess.Popen[bytes] | None = None
        self.serving: list[Any] = []
        self.keep = False
        self.alone = False
        self.orders: queue.Queue[list[Any]] = queue.Queue()

    def run(self) -> None:
        """Do what is ordered until there is nobody, or no server, to do it for; then clean up."""
        _say(self.folder)
        while not self.alone:
            what, *arguments = self.orders.get()
            if what == "prepare":
                self.prepare(*arguments)
            elif what in ("serve", "start"):
                self.serving = arguments or self.serving
                if not self.serve(*self.serving):
                    break
        self.remove()

    def listen(self) -> None:
        """Hear what the starter says, until there is no starter any more."""
        told = b""
        while data := os.read(0, 4096):  # not sys.stdin, whose lock would be held where the interpreter ends
            *lines, told = (told + data).split(b"\n")
            for order in map(json.loads, lines):
                if order[0] == "keep":  # heard while the server runs
                    self.keep = True
                    _say(None)
                else:
                    self.orders.put(order)
        self.end()

    def end(self) -> None:
        """Nobody wants anything any more."""
        self.alone = True
        self.orders.put(["end"])
        self.stop()

    def launch(self, user: str, command: "list[str]", output: Any) -> "subprocess.Popen[bytes]":
        """Start a program in the folder. It ends at once where there is nobody any more to want it."""
        self.running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=self.folder,
            **identity(user),
        )
        if self.alone:
            self.stop()
        return self.running

    def prepare(self, user: str, command: "list[str]") -> None:
        """Run a program until it ends."""
        with tempfile.TemporaryFile(dir=self.folder) as said:
            try:
                status = self.launch(user, command, said).wait()
                answer = [status, _end_of(said)]
            except OSError as error:
                answer = [1, f"error: {error}"]
        _say(answer)

    def serve(self, user: str, command: "list[str]") -> bool:
        """Run the server until it ends; whether it may be started again."""
        with open(os.path.join(self.folder, "log"), "ab+") as log:
            try:
                server = self.launch(user, command, log)
            except OSError as error:
                log.write(f"error: {error}\n".encode())
                _say(0)
            else:
                _say(server.pid)
                server.wait()
            if not self.keep:
                _say(_end_of(log))
        return self.keep

    def stop(self) -> None:
        """End what runs."""
        running = self.running
        if running is None or running.poll() is not None:
            return
        with contextlib.suppress(OSError):
            if self.serving:
                tree.go_on(running.pid)  # who stands still does not hear that it shall end
                # PostgreSQL takes SIGINT for "disconnect everybody and stop"; other servers just stop.
                running.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(PATIENCE_S)
                    return
            if os.name == "posix":
                tree.kill(running.pid)
            else:
                running.kill()

    def remove(self) -> None:
        """Remove the folder, also from under those that are still about to end."""
        end = time.monotonic() + PATIENCE_S
        while os.path.exists(self.folder) and time.monotonic() < end:
            shutil.rmtree(self.folder, ignore_errors=True)
            time.sleep(0.01)  # other processes' work, on a real clock: nothing to await


def identity(user: str) -> "dict[str, Any]":
    """Arguments of Popen that run a program as this user: some servers refuse to run as root. Empty: as ourselves."""
    if not user:
        return {}
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _end_of(file: Any) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - SAID_BYTES))
    return str(file.read().decode(errors="replace"))


def _say(what: Any) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: standard input will say so as well
        print(json.dumps(what), flush=True)


def main() -> None:
    """Guard a server in a new folder."""
    guard = Guard(tempfile.mkdtemp(dir=sys.argv[1] or None, prefix=sys.argv[2]))
    for one in (signal.SIGINT, signal.SIGTERM):
        # A handler, also where a background job hands the signal down as ignored: servers would inherit that. In a
        # thread, since whom it interrupts waits for the server and holds the lock of that.
        signal.signal(one, lambda *_: threading.Thread(target=guard.end).start())
    threading.Thread(target=guard.listen, daemon=True).start()
    guard.run()


if __name__ == "__main__":
    main()
