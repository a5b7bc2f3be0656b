"""The store of `chaos` as three processes of this machine, and the real faults that strike them.

Processes are killed (`kill -9`) and stopped (`SIGSTOP`); between each two of them stands a relay, which cuts and slows;
each has a disk of one megabyte of its own, a file system in memory that is really filled. Where none may be mounted a
full disk is `/dev/full`. A limit on the size of files (`limit`) is another fault: it is the process's, so one that is
started again is rid of it. The replicas end when the pipe from whoever started them closes.

Each process notes when it was kept from running: a busy machine pauses processes, too, and what a pause does to the
store is judged as such, whoever made it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from windtunnel.blocks.ground.files import DiskFile, DiskFiles
from windtunnel.catalogue.scale.chaos.bugs import BUGS
from windtunnel.catalogue.scale.chaos.replica import PEER_S, Replica
from windtunnel.catalogue.scale.chaos.trial import REPLICAS, SLOW_S, Strike
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import free_port
from windtunnel.sim.link import Disturbance

DISK = "1m"
FULL, LATE, SAID = "full", "late", "said"
"""Files beside a disk: one that says it is full, where none may be mounted; when its process was late; what it said."""
START_S = 20.0
BEAT_S = 0.02
LATE_S = PEER_S / 5
"""Who is kept from running for longer is paused: five in turn may be as late as that before a replica is given up."""
CUT, SLOW = Disturbance(None, cut=True), Disturbance(None, extra_s=SLOW_S)


async def beat(late: Callable[[float, float], object]) -> None:
    """Wake again and again, and tell of each time that this came late: since when, and for how long."""
    while True:
        due = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        if (for_s := time.monotonic() - due) > LATE_S:
            late(due, for_s)


# --- a replica's process ---------------------------------------------------------------------------------------------
class DevFull(DiskFiles):
    """A disk whose writes go to `/dev/full` while a file beside it says so."""

    def open(self, path: str, *, create: bool = False) -> DiskFile:
        opened = super().open(path, create=create)
        write, told = opened.write_at, self._root.parent / FULL

        def write_at(position: int, data: bytes | bytearray | memoryview) -> None:
            if told.exists():
                with Path("/dev/full").open("wb", buffering=0) as full:
                    full.write(data)
            write(position, data)

        opened.write_at = write_at  # type: ignore[method-assign]  # this file alone
        return opened


def serve(bug: str, me: int, addresses: list[Any], folder: str, mounted: bool) -> None:
    """Be one replica, until it aborts or the pipe that is standard input closes."""
    made: Replica = BUGS.get(bug, Replica)(me, [tuple(one) for one in addresses], folder)
    if not mounted:
        made.disk = lambda: DevFull(folder)  # type: ignore[method-assign]  # this one alone

    async def run() -> None:
        asyncio.get_running_loop().add_reader(0, os._exit, 0)  # nothing is ever said on it
        with (Path(folder).parent / LATE).open("a", buffering=1) as told:
            beating = asyncio.create_task(beat(lambda *times: print(json.dumps(times), file=told)))
            await made.run()
            beating.cancel()

    asyncio.run(run())


# --- the other side --------------------------------------------------------------------------------------------------
class Live:
    """Three processes, the relays between them, and their disks."""

    def __init__(self, bug: str, folder: Path, mounts: bool) -> None:
        self.bug = bug
        self.folder = folder
        self.ports = [free_port() for _ in REPLICAS]
        self.relays: dict[tuple[int, int], Relay] = {}
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.mounted = mounts

    def disk(self, me: int) -> Path:
        return self.folder / f"replica {me}" / "disk"

    async def start(self) -> None:
        for source in REPLICAS:
            for target in REPLICAS:
                if source != target:
                    port = self.ports[target]
                    relay = Relay(lambda port=port: asyncio.open_connection("127.0.0.1", port))  # type: ignore[misc]
                    self.relays[source, target] = relay
                    await relay.port()
        for me in REPLICAS:
            self.disk(me).mkdir(parents=True)
            self.mounted = self.mounted and mount(self.disk(me))
        for me in REPLICAS:
            await self.launch(me)
            if self.running[me].poll():
                said = (self.disk(me).parent / SAID).read_text("utf-8")
                raise RuntimeError(f"Replica {me} has not ended as its code does, it broke down at its start: {said}")

    async def launch(self, me: int) -> None:
        """Start a replica; returns once it listens."""
        addresses = [
            ("127.0.0.1", self.ports[me] if other == me else await self.relays[me, other].port()) for other in REPLICAS
        ]
        told = json.dumps([self.bug, me, addresses, str(self.disk(me)), self.mounted])
        self.spawn(me, told)
        async with asyncio.timeout(START_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.ports[me])
                    writer.close()
                    return
                if self.running[me].poll() is not None:
                    return  # it has ended itself: that is its bug
                await asyncio.sleep(0.02)

    def spawn(self, me: int, told: str) -> None:
        """Start the process; its standard input is a pipe that closes when this program ends."""
        code = "import json, sys; from helpers.chaos_processes import serve; serve(*json.loads(sys.argv[1]))"
        path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
        with (self.disk(me).parent / SAID).open("ab") as lines:
            self.running[me] = subprocess.Popen(
                [sys.executable, "-c", code, told],
                stdin=subprocess.PIPE,
                stdout=lines,
                stderr=lines,
                env=os.environ | {"PYTHONPATH": path},
            )

    def late(self, me: int) -> list[tuple[float, float]]:
        """Since when and for how long this replica's processes were kept from running, by the clock of this machine."""
        told = (self.disk(me).parent / LATE).read_text("utf-8").splitlines()
        return [(since_s, for_s) for since_s, for_s in map(json.loads, told)]

    def stop(self) -> None:
        """End all of it, whatever state it is in."""
        for process in self.running.values():
            self.end(process)
        for me in REPLICAS:
            if os.path.ismount(self.disk(me)):
                subprocess.run(["umount", str(self.disk(me))], check=True)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    # --- faults ------------------------------------------------------------------------------------------------------
    async def begin(self, strike: Strike) -> None:
        me = strike.replica
        match strike.kind:
            case "kill":
                self.end(self.running[me])
            case "pause":
                self.running[me].send_signal(signal.SIGSTOP)
            case "slow" | "cut":
                self.disturb(strike, begins=True)
            case "full":
                self.fill(me)
            case "limit":
                self.limit(me, 0)
            case _:
                raise ValueError(f"{strike.kind} is for the tunnel alone.")

    async def finish(self, strike: Strike) -> None:
        me = strike.replica
        match strike.kind:
            case "kill":
                await self.launch(me)
            case "pause":
                self.running[me].send_signal(signal.SIGCONT)
            case "slow" | "cut":
                self.disturb(strike, begins=False)
            case "limit":
                self.limit(me, resource.RLIM_INFINITY)
            case _:
                for file in (self.disk(me) / "filler", self.disk(me).parent / FULL):
                    file.unlink(missing_ok=True)

    def disturb(self, strike: Strike, *, begins: bool) -> None:
        """What one replica sends, and where it is cut also what it hears."""
        what = [CUT if strike.kind == "cut" else SLOW] if begins else []
        for (source, target), relay in self.relays.items():
            both = strike.kind == "cut" and strike.replica in (source, target)
            if both or source == strike.replica:
                relay.requests.disturb(what)
            if both or target == strike.replica:
                relay.answers.disturb(what)

    def fill(self, me: int) -> None:
        """Write until the disk takes nothing more."""
        if not self.mounted:
            (self.disk(me).parent / FULL).touch()
            return
        with (self.disk(me) / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass

    def limit(self, me: int, size: int) -> None:
        """No write of this process may reach beyond so many bytes of a file."""
        if self.running[me].poll() is None:
            resource.prlimit(self.running[me].pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def mount(place: Path) -> bool:
    """Mount a file system of a megabyte there; whether that may be done."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(place)], capture_output=True)
    return done.returncode == 0


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wt-chaos-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def live(bug: str, mounts: bool) -> AsyncIterator[Live]:
    with own_folder() as folder:
        found = Live(bug, folder, mounts)
        try:
            await found.start()
            yield found
        finally:
            found.stop()
            for relay in found.relays.values():
                await relay.close()
