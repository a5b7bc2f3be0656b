"""The store of `chaos` as three processes of this machine, struck by real faults.

    python -m helpers.chaos_live BUG SEED [STRIKE ...]      one trial; a strike is KIND:REPLICA:AT_S:FOR_S
    python -m helpers.chaos_live --all [FILE]               all bugs that can be had for real, written down
    python -m helpers.chaos_live --find N WAY [BUG ...]     of these, or of all, until N are found; disks refuse so
    python -m helpers.chaos_live --no-mounts BUG SEED ...   the same as the first where no disk may be mounted

The clock of a process cannot be set back alone, so `skew` is for the tunnel.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from helpers.chaos_processes import beat, live
from windtunnel import Event
from windtunnel.catalogue.scale.chaos.bugs import BUGS
from windtunnel.catalogue.scale.chaos.claims import CASES
from windtunnel.catalogue.scale.chaos.judging import NONE
from windtunnel.catalogue.scale.chaos.search import said
from windtunnel.catalogue.scale.chaos.trial import (
    FIRST_S,
    FOR_S,
    REPLICAS,
    Door,
    Schedule,
    Strike,
    Trial,
    clients,
    requests_until,
    strike,
    unanswered,
)
from windtunnel.sim import stream

RIGHT = ""
"""The store without a bug, where bugs have names."""
SEEN = "WINDTUNNEL_OWN_MOUNTS"
RESTART_S = 3.0
"""A process that is started again may take as long as this until it listens."""
MOUNT, DEVICE, LIMIT = "mount", "/dev/full", "limit"
"""How a disk refuses: it is one of its own and full; each write goes to the device that is; no file may grow."""
NEED_DISKS = tuple(name for name, case in CASES.items() if "full" in (case["first"], case["second"]))


class Tried(NamedTuple):
    """A trial with real processes, and when this machine kept one of them from running, each a pause like those that
    are ordered: who was paused so answers late, and what is owed by the others is less, by the same rule."""

    trial: Trial
    late: Schedule

    @property
    def broken(self) -> str:
        """Why it was no steady state, whatever this machine did; "" where nothing shows that."""
        return self.trial._replace(schedule=self.trial.schedule + self.late).broken

    @property
    def unknown(self) -> str:
        """Why nothing can be said: answers are missing, and this machine was so late that the store may be right. Who
        has answered all that is owed has kept the steady state, however late this machine was."""
        missing = unanswered(self.trial.events, self.trial.schedule)
        if self.broken or not missing:
            return ""
        longest_s = max(one.for_s for one in self.late)
        return (
            f"{len(missing)} requests were not answered, and this machine was late {len(self.late)} times, by up to "
            f"{longest_s:.2g} s."
        )


async def trial(bug: str, schedule: Schedule, seed: int = 0, *, mounts: bool = True) -> Tried:
    """As `trial` in the tunnel, with real processes and real faults, judged by when those really began and ended."""
    async with live(bug, mounts) as store:
        last_s = max((s.at_s + max(s.for_s, RESTART_S * (s.kind == "kill")) for s in schedule), default=1.0)
        doors = [Door(("127.0.0.1", port)) for port in store.ports]
        loop = asyncio.get_running_loop()
        origin, began_s, mine = loop.time(), time.monotonic(), list[tuple[float, float]]()

        async def play(one: Strike) -> Strike:
            await asyncio.sleep(origin + one.at_s - loop.time())
            begun_s = loop.time() - origin
            await store.begin(one)
            await asyncio.sleep(origin + one.at_s + one.for_s - loop.time())
            await store.finish(one)
            return one._replace(at_s=begun_s, for_s=loop.time() - origin - begun_s)

        async def ask() -> list[Event]:
            return await clients(list(requests_until(last_s, stream(seed, "workload"))), doors)

        async with asyncio.TaskGroup() as group:
            beating = group.create_task(beat(lambda *times: mine.append(times)))
            struck = [group.create_task(play(one)) for one in schedule]
            asked = group.create_task(ask())
            await asyncio.wait([asked, *struck])
            beating.cancel()
        done = Trial(tuple(one.result() for one in struck), asked.result(), {})
        kept = [(me, *times) for me in REPLICAS for times in (*mine, *store.late(me))]
        return Tried(done, tuple(Strike("pause", me, since_s - began_s, for_s) for me, since_s, for_s in kept))


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


async def compare(
    names: Iterable[str] = tuple(BUGS), way: str = MOUNT, *, tries: int = 3, enough: int = len(BUGS)
) -> dict[str, Any]:
    """For each bug: on which try it showed, and what the right store did under the same faults, where disks refuse in
    this way, until enough are found.

    The right store runs beside the wrong ones, in the same minute: where one of them is to blame, it survives. A busy
    machine is late, which no replica can help: where that hides what a store does, it is tried again, and may stay
    unknown.
    """
    told: dict[str, Any] = {}
    places: dict[Schedule, list[str]] = {}
    for name in names:
        schedule = real(name, way)
        places.setdefault(schedule, []).append(name)
        told[name] = {"faults": said(schedule), "right_survives": False, "right_broken": "", "tries": 0, "shown": ""}
        told[name] |= {"unknown": ""} if schedule else {"unknown": "for the tunnel alone"}
    for seed in range(tries):
        for schedule in sorted(places, key=lambda one: -len(places[one])):
            left = [name for name in places[schedule] if name not in found(told)]
            if schedule and left and len(found(told)) < enough:
                await beside(schedule, {name: told[name] for name in left}, seed, way)
    return told


async def beside(schedule: Schedule, told: dict[str, dict[str, Any]], seed: int, way: str) -> None:
    """Try the right store and some wrong ones at the same time, and tell what they did."""
    async with asyncio.TaskGroup() as group:
        tried = {name: group.create_task(trial(name, schedule, seed, mounts=way == MOUNT)) for name in (RIGHT, *told)}
    right = tried[RIGHT].result()
    for name, one in told.items():
        done = tried[name].result()
        one["tries"] += 1
        one["right_survives"] = one["right_survives"] or not (right.broken or right.unknown)
        one["right_broken"] = one["right_broken"] or right.broken
        one["shown"] = one["shown"] or done.broken
        one["unknown"] = "" if one["shown"] and one["right_survives"] else done.unknown or right.unknown
        print(way, name, one, file=sys.stderr, flush=True)


def found(told: dict[str, Any]) -> list[str]:
    """The bugs that were shown by faults that the right store survives."""
    return [name for name, one in told.items() if one["right_survives"] and one["shown"]]


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
    if arguments[0] == "--find":
        enough, way, *names = arguments[1:]
        told = asyncio.run(until_told(compare(names or tuple(BUGS), way, enough=int(enough))))
        print(json.dumps(told, indent=1))
        return
    mounts = arguments[0] != "--no-mounts"
    bug, seed, *strikes = arguments if mounts else arguments[1:]
    parts = [one.split(":") for one in strikes]
    schedule = tuple(Strike(kind, int(replica), float(at_s), float(for_s)) for kind, replica, at_s, for_s in parts)
    done = asyncio.run(until_told(trial(bug, schedule, int(seed), mounts=mounts)))
    outcomes = [event.outcome for event in done.trial.events]
    counted = {one: outcomes.count(one) for one in ("ok", "fail", "unknown")}
    print(json.dumps({"broken": done.broken, "late": len(done.late), "cannot tell": done.unknown, **counted}))


if __name__ == "__main__":
    main(sys.argv[1:])
