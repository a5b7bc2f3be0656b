"""Run a function of somebody else's code in a process with limits, and always come back with a sentence.

An endless loop, memory without end, a crash of the interpreter, a flood of prints: each ends the process, not us.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from windtunnel.lab.diagram import WIDTH
from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.grading.adversary import Rehearsal
from windtunnel.lab.grading.challenge import challenge_of
from windtunnel.lab.grading.trial import Gone, Trial, Unreported
from windtunnel.lab.grading.wire import NoAnswer, of_faults, to_history, to_rehearsal
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import make
from windtunnel.lab.running.work import workload
from windtunnel.sim.fault import Fault

FLOOD_BYTES = 1_000_000
SHOWN_BYTES = 4_000
"""Of what a design prints."""
LOOK_EVERY_S = 0.05
"""How often the guard looks at the clock of the wall: a person waits for it."""
LAST_WORDS_S = 10.0
"""For how long what an ended process printed is waited for: longer than a busy machine leaves a thread unserved."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a design may use. Where the system has no such limits (Windows) the clock alone stops it.

    Attributes:
        cpu_s: in each trial, of which every hidden seed has some.
        wall_s: for how long it may stand still: in all, or in each trial that is measured in real time. A design that
            works is stopped by `cpu_s` alone: on a busy machine it takes its time, and that is no fault of its own.
    """

    cpu_s: float = 60.0
    wall_s: float = 120.0
    memory_bytes: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: with an `answer`, or with a `sentence` that says why there is none.

    `given_up`: nobody wanted the answer any more. `printed` is the beginning of what the design printed.
    """

    answer: Any = None
    sentence: str = ""
    given_up: bool = False
    printed: str = ""


def limited(
    arguments: dict[str, Any],
    limits: Limits,
    heard: Callable[[dict[str, Any]], object] = lambda message: None,
    unwanted: Callable[[], bool] = lambda: False,
    spare: Spare | None = None,
) -> Ended:
    """Grade the design in a file: it runs in a worker, and is judged here, where none of its code is loaded.

    Ctrl-C, or any exception of `heard`, kills the worker before it goes on; so does `unwanted` once it is true.

    Args:
        arguments: "file"; "seeds": how many hidden ones, or a list of them; "brief": leave off with the first failure;
            "width": columns of the diagram of a case.
        spare: has the process for it, where it was started before.
    """
    from windtunnel.lab.grading.grade import FIRST_HIDDEN_SEED, grade_on
    from windtunnel.lab.grading.player import Bench

    seeds = arguments["seeds"]
    if isinstance(seeds, int):
        seeds = range(FIRST_HIDDEN_SEED, FIRST_HIDDEN_SEED + seeds)
    with Worker(arguments["file"], limits, unwanted, spare) as worker:
        try:
            bench = Bench(worker.experiment, worker)
            found = grade_on(bench, seeds, heard, arguments.get("brief", False))
            ended = Ended(found.to_dict(arguments.get("width", WIDTH)))
        except (WrongInput, DesignError) as error:
            ended = Ended({"wrong": str(error), "kind": type(error).__name__})
        except NoAnswer as error:
            text = f"The design's process did not answer as it was asked: {str(error)[:1].lower()}{str(error)[1:]}"
            ended = Ended(sentence=text)
        except Gone:
            ended = Ended(given_up=True) if worker.given_up else Ended(sentence=worker.why())
    # Answers and prints come by two pipes: what was printed before the last answer is surely read only now.
    if worker.flooded and not ended.given_up:
        ended = Ended(sentence=worker.why())
    return replace(ended, printed=worker.printed())


class Spare:
    """A process for the next grade of a file, started before it is needed, so that who saves waits for no imports."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Spare:
        return self

    def __exit__(self, *_: object) -> None:
        child = self.take()
        if child is not None:
            _end(child)
            assert child.stderr is not None
            child.stderr.close()

    def start(self) -> None:
        """Have one from now on."""
        if self._child is None:
            self._child = _start(self._file)

    def take(self) -> subprocess.Popen[bytes] | None:
        """It is the caller's; None where there is none, or no longer."""
        child, self._child = self._child, None
        return child


def _start(*ready_for: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "windtunnel.lab.grading.grade_worker", *ready_for],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    _kill(child)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            assert pipe is not None
            pipe.close()


class Worker:
    """The process in which the design runs, as who judges sees it: asked for histories, and killed at the end.

    What comes from it counts only with the token that it was told before it loaded the design.
    """

    def __init__(
        self,
        file: str,
        limits: Limits,
        unwanted: Callable[[], bool] = lambda: False,
        spare: Spare | None = None,
    ) -> None:
        self._limits = limits
        self.experiment = challenge_of(Path(file))
        self._token = secrets.token_hex(16)
        self._number = 0
        self._child = (spare and spare.take()) or _start()
        self._guard = _Guard(self._child, limits.wall_s, unwanted, each=self.experiment.measured)
        self._said = _Drain(self._child)
        told = {"cpu_s": limits.cpu_s, "memory_bytes": limits.memory_bytes}
        self._write({"limits": told, "token": self._token, "file": file})

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.over.set()
        _end(self._child)
        self._said.join()

    # --- what is asked -----------------------------------------------------------------------------------------------
    def play(self, trial: Trial, ops: Sequence[Op] | None, faults: Sequence[Fault] | None) -> History:
        """What happened in a trial. Raises WrongInput, DesignError, Gone or NoAnswer."""
        experiment = self.experiment
        params = make(experiment.params, trial.settings)
        asked = workload(experiment, params, trial.seed) if ops is None else ops
        wanted = {
            "do": "play",
            "seed": trial.seed,
            "settings": dict(trial.settings),
            "faults": of_faults(trial.faults if faults is None else faults),
            "ops": None if ops is None else [op.id for op in ops],
        }
        told = self._ask(wanted).get("history") or {}
        return to_history(told, asked, experiment.ends_s is not None, experiment.measured)

    def rehearse(self, settings: Mapping[str, Any], seed: int) -> Rehearsal:
        """What is seen of the design while nothing goes wrong."""
        return to_rehearsal(self._ask({"do": "rehearse", "settings": dict(settings), "seed": seed}).get("seen"))

    def _ask(self, wanted: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        assert self._child.stdout is not None
        self._guard.begin()
        try:
            self._write({**wanted, "number": self._number})
            for line in self._child.stdout:
                message = _message(line)
                if not hmac.compare_digest(str(message.get("token")).encode(), self._token.encode()):
                    continue  # the design wrote between our lines
                if "wrong" in message:
                    kind = {"WrongInput": WrongInput, "Unreported": Unreported}.get(str(message["kind"]), DesignError)
                    raise kind(str(message["wrong"]))
                if message.get("number") == self._number:
                    return message
        finally:
            self._guard.end()
        raise Gone("The design's process is no more.")

    def _write(self, message: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):  # it is gone; whoever reads its answer is told
            self._child.stdin.write(json.dumps(message).encode() + b"\n")
            self._child.stdin.flush()

    # --- how it went -------------------------------------------------------------------------------------------------
    @property
    def given_up(self) -> bool:
        """Whether it was killed because nobody wanted its answer any more."""
        return self._guard.unwanted

    @property
    def flooded(self) -> bool:
        """Whether the design printed more than it may; known for sure once the process has ended."""
        return self._said.flooded

    def printed(self) -> str:
        """What the design printed, up to its first few thousand letters; all of that once the process has ended."""
        return self._said.first.decode(errors="replace")

    def why(self) -> str:
        """The sentence that says why it is no more."""
        return _why(self._child.wait(), self._limits, self._said, self._guard)


def _message(line: bytes) -> dict[str, Any]:
    """What the worker said; nothing where the design wrote between its lines."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the process and what it has started, also where it has ended itself: they are a group of their own."""
    if os.name != "posix":
        child.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


class _Guard:
    """Kills the process when its time is up, or when nobody wants its answer any more."""

    def __init__(
        self, child: subprocess.Popen[bytes], wall_s: float, unwanted: Callable[[], bool], each: bool = False
    ) -> None:
        self.over = threading.Event()
        self.late = self.unwanted = False
        self._child = child
        self._wall_s, self._idle_s, self._each = wall_s, 0.0, each
        self._asked = unwanted
        self._begun: float | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        """From now on it should work; what it waits for in real time ends with each trial."""
        if self._each:
            self._idle_s = 0.0
        self._begun = time.monotonic()

    def end(self) -> None:
        """It has answered, and waits for us."""
        self._begun = None

    def _watch(self) -> None:
        before = time.monotonic()
        while not self.over.wait(LOOK_EVERY_S):
            now = time.monotonic()
            begun = self._begun
            # Whoever waits for a busy processor is not to blame; whoever waits for anything else never ends.
            if begun is not None and _stands_still(self._child.pid):
                self._idle_s += now - max(before, begun)
            before = now
            self.late = self._idle_s > self._wall_s
            self.unwanted = self._asked()
            if self.late or self.unwanted:
                _kill(self._child)
                return


def _stands_still(pid: int) -> bool:
    """Whether a process waits for something that is no processor; where the system does not say, it may."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] != "R"
    except (OSError, IndexError):
        return True


class _Drain:
    """Reads what the design prints; kills it where that never ends."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.flooded = False
        self.first = self.last = b""
        self._child = child
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._child.stderr is not None
        size = 0
        with self._child.stderr as pipe:
            while chunk := os.read(pipe.fileno(), 65536):
                size += len(chunk)
                if len(self.first) < SHOWN_BYTES:
                    self.first = (self.first + chunk)[:SHOWN_BYTES]
                self.last = (self.last + chunk)[-4000:]
                if size > FLOOD_BYTES and not self.flooded:
                    self.flooded = True
                    _kill(self._child)

    def join(self) -> None:
        """Wait for the last words, but not for whoever has inherited the pipe and lives on."""
        self._thread.join(LAST_WORDS_S)


def _why(status: int, limits: Limits, said: _Drain, guard: _Guard) -> str:
    said.join()
    if said.flooded:
        return f"The design printed more than {FLOOD_BYTES // 1_000_000} MB and was stopped; it may print, not flood."
    if guard.late:
        return (
            f"The design stood still for more than {limits.wall_s:g} s and was stopped; it waits for something real "
            "that never comes, a key, a lock or a connection."
        )
    if os.name == "posix" and status == -signal.SIGXCPU:
        used = f"more than {limits.cpu_s:g} s of CPU in one trial"
        return f"The design used {used} and was stopped; is there an endless loop?"
    tail = said.last.decode(errors="replace").strip().splitlines()
    if any("MemoryError" in line for line in tail):
        return f"The design wanted more than {limits.memory_bytes >> 20} MB of memory and was stopped."
    if os.name == "posix" and status == -signal.SIGKILL:
        return "The design's process was killed from outside; did the machine run out of memory?"
    last = f": {tail[-1]}" if tail else ""
    if status < 0:
        return f"The design's process crashed ({signal.Signals(-status).name}){last}."
    return f"The design ended its own process (status {status}) before it could be judged{last}."
