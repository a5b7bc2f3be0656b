"""Jobs in worker processes, as many at a time as there are cores."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.result import draft_of
from windtunnel.lab.running.work import Done, Job

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def cores() -> int:
    """How many processors we may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def work(
    module: str, with_file: str, jobs: Sequence[Job], count: int, finished: Callable[[Job, Done], None]
) -> list[Done]:
    """Do the jobs in `count` processes; what came of each, in their order.

    Whatever happens, an error or Ctrl-C, no process of ours is left behind, and no half of a history.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for i in range(len(jobs)):
        waiting.put(i)
    answers: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
    found: dict[int, Done] = {}
    workers: list[subprocess.Popen[str]] = []
    tenders: list[threading.Thread] = []
    try:
        for _ in range(min(count, len(jobs))):
            workers.append(_start(module, with_file))
            tenders.append(threading.Thread(target=_tend, args=(workers[-1], jobs, waiting, answers), daemon=True))
            tenders[-1].start()
        while len(found) < len(jobs):
            try:
                i, reply = answers.get(timeout=1)  # without a limit, Ctrl-C would not get through everywhere
            except queue.Empty:
                continue
            found[i] = _open(reply, jobs[i])
            finished(jobs[i], found[i])
    finally:
        for worker in workers:
            worker.kill()
        for tender in tenders:
            tender.join()
        for worker in workers:
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what was not yet sent has nobody to read it
                        pipe.close()
        if len(found) < len(jobs):
            _sweep(jobs, workers)
    return [found[i] for i in range(len(jobs))]


def _sweep(jobs: Sequence[Job], killed: Sequence[subprocess.Popen[str]]) -> None:
    """Take away what workers were in the middle of writing."""
    for path in (Path(os.path.realpath(job.history)) for job in jobs if job.history):
        for worker in killed:
            with contextlib.suppress(OSError):
                draft_of(path, worker.pid).unlink(missing_ok=True)


def _start(module: str, with_file: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    environment = {**dict.fromkeys(ONE_THREAD, "1"), **os.environ, "PYTHONPATH": path}
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "windtunnel.lab.running.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we stop them
    )
    assert worker.stdin is not None
    worker.stdin.write(json.dumps({"module": module, "with_file": with_file}) + "\n")
    return worker


def _tend(
    worker: subprocess.Popen[str],
    jobs: Sequence[Job],
    waiting: queue.SimpleQueue[int],
    answers: queue.SimpleQueue[tuple[int, dict[str, Any]]],
) -> None:
    """Hand one worker a job after the other."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    while True:
        try:
            i = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            worker.stdin.write(json.dumps(asdict(jobs[i])) + "\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
        except OSError:
            line = ""
        if not line:
            answers.put((i, {"wrong": "death", "status": worker.wait()}))
            return
        answers.put((i, json.loads(line)))


def _open(reply: dict[str, Any], job: Job) -> Done:
    if "done" in reply:
        return Done(**reply["done"])
    who = f"design {job.design}, seed {job.seed}"
    match reply["wrong"]:
        case "DesignError":
            raise DesignError(reply["text"])
        case "death":
            why = "was killed, perhaps for want of memory," if reply["status"] == -9 else "ended"
            raise WrongInput(f"A worker process {why} with status {reply['status']} in the middle of {who}.")
        case "memory":
            raise WrongInput(f"There was not enough memory for {who}; ask for less, or for fewer --jobs.")
        case "crash":
            raise RuntimeError(f"A worker process failed in {who}:\n{reply['text']}")
        case _:
            raise WrongInput(reply["text"])
