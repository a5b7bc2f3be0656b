"""What a program of ours has on this machine: processes, sockets that listen, mounts and files, so that none is left.

Others may run the same tests beside us. So a program gets a folder for what is temporary (`TMPDIR`), and what belongs
to it is what names that folder: by its command, by where it stands, or by its surroundings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Found:
    """What there is."""

    processes: dict[int, str]
    sockets: frozenset[str]
    mounts: frozenset[str]
    files: frozenset[str]

    def anything(self, *, files: bool = True) -> bool:
        """Whether there is something; files may be left out of that."""
        return bool(self.processes or self.sockets or self.mounts or (files and self.files))


NOTHING = Found({}, frozenset(), frozenset(), frozenset())


class Place:
    """The folder of a program under test, and the program."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wtt-"))  # short: sockets stand in it
        self.folder.chmod(0o755)  # servers that run as somebody else have to reach theirs
        self._seen: set[str] = set()
        self.starter: subprocess.Popen[bytes] | None = None

    def start(self, program: str) -> str:
        """Run a program of Python there; what it says first, a line."""
        starter = self.launch(program)
        assert starter.stdout is not None
        return starter.stdout.readline().decode().strip()

    def launch(self, program: str) -> subprocess.Popen[bytes]:
        """Run a program of Python there."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WINDTUNNEL_")}
        self.starter = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {"TMPDIR": str(self.folder)},
        )
        return self.starter

    def now(self) -> Found:
        """What there is of the program now, itself not counted."""
        me = None if self.starter is None else self.starter.pid
        processes = {}
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess):  # it has ended since it was listed
                if process.pid != me and self._owns(process):
                    processes[process.pid] = process.name()
        sockets = set()
        for one in psutil.net_connections("all"):
            address = one.laddr if isinstance(one.laddr, str) else ":".join(map(str, one.laddr))
            listens = one.status == psutil.CONN_LISTEN or (isinstance(one.laddr, str) and one.laddr)
            if listens and (one.pid in processes or str(self.folder) in address or address in self._seen):
                sockets.add(address)
        self._seen |= sockets
        mounts = {line for line in Path("/proc/mounts").read_text().splitlines() if str(self.folder) in line}
        # Not rglob, which raises where a folder is removed while it looks.
        walked = ((Path(at), name) for at, folders, names in os.walk(self.folder) for name in (*folders, *names))
        files = {str((at / name).relative_to(self.folder)) for at, name in walked}
        return Found(processes, frozenset(sockets), frozenset(mounts), frozenset(files))

    def after(self, *, files: bool = True) -> Found:
        """What is left, once nothing is or after a while; files may be left for ever."""
        end = time.monotonic() + PATIENCE_S
        while (found := self.now()).anything(files=files) and time.monotonic() < end:
            time.sleep(0.05)  # the work of other processes, on a real clock: nothing to await
        return found

    def close(self) -> None:
        """End what is left, and remove the folder."""
        if self.starter is not None:
            self.starter.kill()
            self.starter.wait()
            for pipe in (self.starter.stdin, self.starter.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        for pid in self.after(files=False).processes:
            with suppress(psutil.Error):
                psutil.Process(pid).kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _owns(self, process: psutil.Process) -> bool:
        folder = str(self.folder)
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False  # whoever adopts it has not looked yet
            if any(folder in word for word in process.cmdline()) or process.cwd().startswith(folder):
                return True
            return process.environ().get("TMPDIR") == folder
        return False
