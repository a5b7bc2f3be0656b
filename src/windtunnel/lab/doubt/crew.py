"""Workers that perform trials side by side, and the notes of what came of each, so that a call can go on."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from windtunnel.lab.doubt.trials import Outcome, Trial, Worker
from windtunnel.lab.notes import Notes, key_of

LIMIT_S = 120.0
"""Of CPU, of a batch of seeds: one at the defaults takes twenty."""
QUICK_LIMIT_S = 30.0
"""Of one seed at the size of the tests, ten times of what it may take: a setting that takes longer is too large."""
Say = Callable[[int, int], object]
"""Called with (trials done, of how many)."""


class Outcomes:
    """What came of each trial that was performed."""

    def __init__(self) -> None:
        self._found: dict[str, Outcome] = {}
        self._keys: dict[int, tuple[Trial, str]] = {}
        """By identity, with the trial, so that no other gets its number: a judge asks for each again and again."""

    def get(self, trial: Trial) -> Outcome | None:
        """None where it was not performed."""
        known = self._keys.get(id(trial))
        if known is None:
            known = self._keys[id(trial)] = trial, key_of(trial)
        return self._found.get(known[1])

    def note(self, key: str, outcome: Outcome) -> None:
        """Keep what came of the trial of this key."""
        self._found[key] = outcome

    def of(self, trials: Iterable[Trial]) -> list[Outcome]:
        """Of those that were performed."""
        return [outcome for trial in trials if (outcome := self.get(trial)) is not None]


class Crew:
    """Workers that stay warm from one list of trials to the next."""

    def __init__(self, jobs: int, end: float, notes: Path | None, say: Say) -> None:
        self.done = Outcomes()
        self._notes = Notes(notes)
        self._workers = [Worker() for _ in range(jobs)]
        self._end = end
        self._say = say
        self._wanted: dict[str, Trial] = {}
        self._finished = 0

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end = 0.0  # the tenders look at it
        for worker in self._workers:
            worker.close()

    @property
    def cpu_s(self) -> float:
        """Of all trials."""
        return sum(outcome.cpu_s for outcome in self.done.of(self._wanted.values()))

    @property
    def tried(self) -> tuple[int, int]:
        """Trials done, of how many that were asked for."""
        return self._finished, len(self._wanted)

    def perform(self, trials: Iterable[Trial]) -> None:
        """Perform those that were not performed yet, until the time is over."""
        waiting: queue.SimpleQueue[tuple[str, Trial]] = queue.SimpleQueue()
        for trial in trials:
            key = key_of(trial)
            if key in self._wanted:
                continue
            self._wanted[key] = trial
            if (known := _read(self._notes.known.get(key))) is not None:
                self._finish(key, known)
            else:
                waiting.put((key, trial))
        lock = threading.Lock()

        def tend(worker: Worker) -> None:
            while time.monotonic() < self._end:
                try:
                    key, trial = waiting.get_nowait()
                except queue.Empty:
                    return
                outcome = worker.ask(trial, QUICK_LIMIT_S if trial.quick and len(trial.seeds) == 1 else LIMIT_S)
                with lock:
                    if self._end:  # else it was we who stopped it
                        self._notes.add(key, asdict(outcome))
                        self._finish(key, outcome)

        tenders = [threading.Thread(target=tend, args=(worker,), daemon=True) for worker in self._workers]
        for tender in tenders:
            tender.start()
        for tender in tenders:
            while tender.is_alive():
                tender.join(0.2)  # without a limit, Ctrl-C would not get through everywhere

    def _finish(self, key: str, outcome: Outcome) -> None:
        self.done.note(key, outcome)
        self._finished += 1
        self._say(self._finished, len(self._wanted))


def _read(noted: Any) -> Outcome | None:
    try:
        return None if noted is None else Outcome.of(noted)
    except (TypeError, KeyError):
        return None  # of another version
