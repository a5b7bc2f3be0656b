"""The store of `chaos` as three processes of this machine, struck by real faults.

    python -m helpers.chaos_live BUG SEED [STRIKE ...]      one trial; a strike is KIND:REPLICA:AT_S:FOR_S
    python -m helpers.chaos_live --all [FILE]               all bugs that can be had for real, written down
    python -m helpers.chaos_live --no-mounts BUG SEED ...   the same as the first where no disk may be mounted

Processes are killed (`kill -9`) and stopped (`SIGSTOP`); between each two of them stands a relay, which cuts and slows;
each has a disk of one megabyte of its own, a file system in memory that is really filled. Where none may be mounted a
full disk is `/dev/full`. A limit on the size of files (`limit`) is another fault: it is the process's, so one that is
started again is rid of it. All of it is in a mount namespace of its own where one may be had, so that whatever becomes
of this program, no mount outlives it; the replicas end when the pipe from it closes.

The clock of a process cannot be set back alone, so `skew` is for the tunnel.
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
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any

from windtunnel.blocks.ground.files import DiskFile, DiskFiles
from windtunnel.catalogue.scale.chaos.bugs import BUGS
from windtunnel.catalogue.scale.chaos.claims import CASES
from windtunnel.catalogue.scale.chaos.judging import NONE
from windtunnel.catalogue.scale.chaos.replica import Replica
from windtunnel.catalogue.scale.chaos.search import said
from windtunnel.catalogue.scale.chaos.trial import (
    FIRST_S,
    FOR_S,
    REPLICAS,
    SLOW_S,
    Door,
    Schedule,
    Strike,
    Trial,
    clients,
    contradiction,
    requests_until,
    strike,
)
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import free_port
from windtunnel.sim import stream
from windtunnel.sim.link import Disturbance

DISK = "1m"
FULL = "full"
"""The file beside a disk that says it is full, where none may be mounted."""
SEEN = "WINDTUNNEL_OWN_MOUNTS"
START_S = 20.0
RESTART_S = 3.0
"""A process that is started again may take as long as this until it listens."""
MOUNT, DEVICE, LIMIT = "mount", "/dev/full", "limit"
"""How a disk refuses: it is one of its own and full; each write goes to the device that is; no file may grow."""
NEED_DISKS = tuple(name for name, case in CASES.items() if "full" in (case["first"], case["second"]))
CUT, SLOW = Disturbance(None, cut=True), Disturbance(None, extra_s=SLOW_S)


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
        await made.run()

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
        code = "import json, sys; from helpers.chaos_live import serve; serve(*json.loads(sys.argv[1]))"
        with (self.folder / f"replica {me}" / "said").open("ab") as lines:
            self.running[me] = subprocess.Popen(
                [sys.executable, "-c", code, told], stdin=subprocess.PIPE, stdout=lines, stderr=lines
            )

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


async def trial(bug: str, schedule: Schedule, seed: int = 0, *, mounts: bool = True) -> Trial:
    """As `trial` in the tunnel, with real processes and real faults, judged by when those really began and ended."""
    async with live(bug, mounts) as store:
        last_s = max((s.at_s + max(s.for_s, RESTART_S * (s.kind == "kill")) for s in schedule), default=1.0)
        doors = [Door(("127.0.0.1", port)) for port in store.ports]
        loop = asyncio.get_running_loop()
        origin = loop.time()

        async def play(one: Strike) -> Strike:
            await asyncio.sleep(origin + one.at_s - loop.time())
            begun_s = loop.time() - origin
            await store.begin(one)
            await asyncio.sleep(origin + one.at_s + one.for_s - loop.time())
            await store.finish(one)
            return one._replace(at_s=begun_s, for_s=loop.time() - origin - begun_s)

        async with asyncio.TaskGroup() as group:
            struck = [group.create_task(play(one)) for one in schedule]
            asked = group.create_task(clients(list(requests_until(last_s, stream(seed, "workload"))), doors))
        return Trial(tuple(one.result() for one in struck), asked.result(), {})


def real(name: str, way: str = MOUNT) -> Schedule:
    """The faults that lead into a bug, long enough to outlast the start of a process; none where they are not real."""
    case = CASES[name]
    kinds = [kind for kind in (case["first"], case["second"]) if kind != NONE]
    if "skew" in kinds:
        return ()
    long_s = FOR_S + RESTART_S * ("kill" in kinds)
    places, begins_s = (0, case["apart"]), (FIRST_S, FIRST_S + case["later_s"])
    return tuple(
        strike(LIMIT if (kind, way) == ("full", LIMIT) else kind, replica, at_s, FOR_S if kind == "full" else long_s)
        for kind, replica, at_s in zip(kinds, places, begins_s, strict=False)
    )


async def shows(name: str, schedule: Schedule, seed: int, mounts: bool) -> str:
    """Why a trial was no steady state. A request without an answer may be this machine's fault: then it is tried again,
    and has to be so again."""
    done = await trial(name, schedule, seed, mounts=mounts)
    if done.broken and contradiction(done.events).status != "invalid":
        done = await trial(name, schedule, seed, mounts=mounts)
    return done.broken


async def compare(tries: int = 3, names: Iterable[str] = tuple(BUGS), way: str = MOUNT) -> dict[str, Any]:
    """For each bug: on which try it showed, and whether the right store survived the same faults, where disks refuse
    in this way.

    A busy machine is late, which no replica can help: the right store too has so many tries.
    """
    told: dict[str, Any] = {}
    survived: dict[Schedule, bool] = {}
    for name in names:
        schedule, mounts = real(name, way), way == MOUNT
        if not schedule:
            told[name] = {"faults": "", "shown": "for the tunnel alone"}
            continue
        if schedule not in survived:
            right = [(await trial("", schedule, mounts=mounts)).broken]
            while right[-1] and len(right) < tries:
                right.append((await trial("", schedule, mounts=mounts)).broken)
            survived[schedule] = not right[-1]
        shown, seed = "", 0
        while not shown and seed < tries:
            shown = await shows(name, schedule, seed, mounts)
            seed += 1
        told[name] = {
            "faults": said(schedule),
            "right_survives": survived[schedule],
            "tries": seed,
            "shown": shown,
        }
        print(way, name, told[name], file=sys.stderr, flush=True)
    return told


def found(told: dict[str, Any]) -> list[str]:
    """The bugs that were shown by faults that the right store survives."""
    return [name for name, one in told.items() if one.get("right_survives") and one["shown"]]


async def everything() -> dict[str, Any]:
    """All bugs, and those of a disk that refuses in the other two ways too."""
    told = await compare()
    others = {way: await compare(names=NEED_DISKS, way=way) for way in (DEVICE, LIMIT)}
    return {"found": len(found(told)), "bugs": told, "disks": others}


async def until_told(what: Coroutine[Any, Any, Any]) -> Any:
    """Do it; a request to end is an end in order, as Ctrl-C is."""
    task = asyncio.ensure_future(what)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main(arguments: list[str]) -> None:
    """Do what is asked, in a mount namespace of its own where that may be had, and print what came of it."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    alone = ["unshare", "-m", "--propagation", "private"]
    if SEEN not in os.environ and shutil.which("unshare"):
        os.environ[SEEN] = "yes"
        if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode == 0:
            os.execvp(alone[0], [*alone, sys.executable, "-m", "helpers.chaos_live", *arguments])
    if arguments[0] == "--all":
        told = asyncio.run(until_told(everything()))
        out = json.dumps(told, indent=1) + "\n"
        if arguments[1:]:
            Path(arguments[1]).write_text(out, "utf-8")
        print(out, end="")
        return
    mounts = arguments[0] != "--no-mounts"
    bug, seed, *strikes = arguments if mounts else arguments[1:]
    parts = [one.split(":") for one in strikes]
    schedule = tuple(Strike(kind, int(replica), float(at_s), float(for_s)) for kind, replica, at_s, for_s in parts)
    done = asyncio.run(until_told(trial(bug, schedule, int(seed), mounts=mounts)))
    outcomes = [event.outcome for event in done.events]
    print(json.dumps({"broken": done.broken, **{one: outcomes.count(one) for one in ("ok", "fail", "unknown")}}))


if __name__ == "__main__":
    main(sys.argv[1:])
