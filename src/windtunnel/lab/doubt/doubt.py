"""Doubt an experiment: run everything that might refute it, and say what did."""

from __future__ import annotations

import json
import math
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from windtunnel.lab.doubt.mutants import decoration, source_of
from windtunnel.lab.doubt.plan import Asked, Plan, planned
from windtunnel.lab.doubt.report import Finding, Report, digest_of
from windtunnel.lab.doubt.trials import Outcome, Trial, Worker
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.measures import EXPLAINED
from windtunnel.lab.provenance import commit
from windtunnel.lab.running.pool import cores

P_VALUE = 0.001
"""Below this a count of failures is no chance, after division by the number of claims that were looked at."""
MAY_FAIL = {"seed": 0.001, "mean": 0.05}
"""How often a claim may fail that holds: hardly ever on a seed; a claim over means is judged by intervals of 95 %."""
CLAIMED_SHARE = 0.2
USUAL_CPU_S = 20.0
"""Of a run at the defaults: ten seconds on two cores."""
LIMIT_S = 120.0
"""Of one trial."""
SHOWN = 3
"""Examples of one kind of finding."""
Say = Callable[[int, int], object]
"""Called with (trials done, of how many)."""


def doubt(
    experiment: Experiment[Any],
    asked: Asked,
    *,
    file: str = "",
    jobs: int | None = None,
    budget_s: float = math.inf,
    notes: Path | None = None,
    say: Say = lambda done, of: None,
) -> Report:
    """Try to refute an experiment.

    Args:
        file: where the experiment is a file outside of the catalogue.
        jobs: processes; as many as there are cores by default.
        budget_s: seconds after which no further trial is begun.
        notes: a file in which finished trials are noted, so that the same call goes on where one ended.
        say: told of every trial that is done.
    """
    plan = planned(experiment, asked, file)
    end = time.monotonic() + budget_s
    done = _performed(list(plan.trials()), jobs or cores(), end, notes, say)
    left = [
        full
        for (_, look), (_, full) in zip(plan.looks, plan.mutants, strict=True)
        if _survives(done.get(key_of(plan.look)), done.get(key_of(look)))
    ]
    trials = [*plan.trials(), *left]
    done = _performed(trials, jobs or cores(), end, notes, say, done)
    judge = _Judge(experiment, plan, done)
    findings = [*judge.seeds(), *judge.figures(), *judge.settings(), *judge.mutants()]
    findings += [Finding("decoration", f"No claim names the design {name}.") for name in decoration(experiment)]
    usual = done.get(key_of(plan.usual))
    if usual is not None and usual.cpu_s > USUAL_CPU_S:
        findings.append(Finding("cost", f"A run at the defaults takes {usual.cpu_s:.0f} s of CPU."))
    return Report(
        experiment.id,
        digest_of(source_of(experiment)),
        commit(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        asked.first,
        sum(len(trial.seeds) for trial in plan.fresh if key_of(trial) in done),
        sum(len(trial.seeds) for trial in plan.full if key_of(trial) in done),
        (len(done), len({key_of(trial) for trial in trials})),
        findings,
        judge.claimed(),
        judge.counts,
        judge.reproduced(),
        sum(outcome.cpu_s for outcome in done.values()),
        0.0 if usual is None else usual.cpu_s,
        0.0 if usual is None else usual.memory_mb,
    )


def key_of(trial: Trial) -> str:
    """A trial's name in the notes."""
    return sha256(json.dumps(asdict(trial), sort_keys=True).encode()).hexdigest()[:24]


def exceeds(count: int, failed: int, may: float) -> float:
    """The chance that so many of `count` fail, or more, where each may fail with the chance `may`."""
    if failed == 0:
        return 1.0
    return sum(math.comb(count, k) * may**k * (1 - may) ** (count - k) for k in range(failed, count + 1))


def _survives(original: Outcome | None, changed: Outcome | None) -> bool:
    """Whether a mutant did something else on one seed without anybody noticing."""
    if original is None or changed is None or original.wrong is not None or changed.wrong is not None:
        return False
    return changed.digests != original.digests and not _noticed(original, changed)


def _performed(
    trials: Sequence[Trial],
    jobs: int,
    end: float,
    notes: Path | None,
    say: Say,
    known: Mapping[str, Outcome] | None = None,
) -> dict[str, Outcome]:
    """What came of each trial, by its key; those for which no time was left are absent."""
    done = {**_noted(notes), **(known or {})}
    waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    wanted = {key_of(trial): trial for trial in trials}
    done = {key: outcome for key, outcome in done.items() if key in wanted}
    for key, trial in wanted.items():
        if key not in done:
            waiting.put(trial)
    lock, workers = threading.Lock(), [Worker() for _ in range(jobs)]

    def tend(worker: Worker) -> None:
        while time.monotonic() < end:
            try:
                trial = waiting.get_nowait()
            except queue.Empty:
                return
            outcome = worker.ask(trial, LIMIT_S)
            with lock:
                done[key_of(trial)] = outcome
                if notes is not None:
                    with notes.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"key": key_of(trial), "outcome": asdict(outcome)}) + "\n")
                say(len(done), len(wanted))

    tenders = [threading.Thread(target=tend, args=(worker,), daemon=True) for worker in workers]
    try:
        for tender in tenders:
            tender.start()
        for tender in tenders:
            while tender.is_alive():
                tender.join(0.2)  # without a limit, Ctrl-C would not get through everywhere
    finally:
        end = 0.0  # the tenders look at it
        for worker in workers:
            worker.close()
    return done


def _noted(notes: Path | None) -> dict[str, Outcome]:
    if notes is None or not notes.exists():
        return {}
    found = {}
    for line in notes.read_text("utf-8").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # half a line: we were stopped while it was written
        outcome = said["outcome"]
        found[said["key"]] = Outcome(**{**outcome, "wrong": tuple(outcome["wrong"]) if outcome["wrong"] else None})
    return found


class _Judge:
    """Reads findings off the outcomes."""

    def __init__(self, experiment: Experiment[Any], plan: Plan, done: Mapping[str, Outcome]) -> None:
        self.experiment = experiment
        self.plan = plan
        self.done = done
        self.counts: dict[str, int] = {}

    def _of(self, trials: Sequence[Trial]) -> list[Outcome]:
        found = [self.done[key_of(trial)] for trial in trials if key_of(trial) in self.done]
        return [outcome for outcome in found if outcome.wrong is None]

    def seeds(self) -> list[Finding]:
        """Claims that fail on fresh seeds more often than they may, or that more seeds do not decide."""
        found = []
        for where, trials in (("at the test size", self.plan.fresh), ("at the defaults", self.plan.full)):
            outcomes = self._of(trials)
            for trial in trials:
                outcome = self.done.get(key_of(trial))
                if outcome is not None and outcome.wrong is not None:
                    found.append(Finding("seeds", f"{_seeds(trial)} {where}: {outcome.wrong[1]}"))
            for place, claim in enumerate(self.experiment.claims):
                judged = [o.claims[place] for o in outcomes if o.claims[place][0] not in ("skipped", "not claimed")]
                if claim.over == "seed":
                    each = [holds for _, seeds in judged for holds in seeds]
                    count, failed = len(each), each.count(False)
                else:
                    count, failed = len(judged), sum(verdict == "fails" for verdict, _ in judged)
                p = exceeds(count, failed, MAY_FAIL[claim.over]) * len(self.experiment.claims)
                of = "seeds" if claim.over == "seed" else "batches of seeds"
                if p < P_VALUE:
                    found.append(
                        Finding("seeds", f"{claim.expression} fails on {failed} of {count} fresh {of} {where}.")
                    )
                elif count and 2 * sum(verdict == "unknown" for verdict, _ in judged) > len(judged):
                    found.append(
                        Finding("seeds", f"{claim.expression} is unknown on most of {len(judged)} batches {where}.")
                    )
        return found

    def figures(self) -> list[Finding]:
        """Figures whose verdict on the usual seeds is not what fresh seeds say."""
        found = []
        usual, outcomes = self.done.get(key_of(self.plan.usual)), self._of(self.plan.full)
        if usual is None or usual.wrong is not None or not outcomes:
            return []
        for place, figure in enumerate(self.experiment.figures):
            verdicts = Counter(o.figures[place] for o in outcomes)
            if usual.figures[place] == "holds" and 2 * verdicts["holds"] < len(outcomes):
                told = ", ".join(f"{verdict} on {count}" for verdict, count in verdicts.most_common())
                found.append(
                    Finding(
                        "figure",
                        f"{figure.name!r} is reproduced on the usual seeds; of {len(outcomes)} fresh batches: {told}.",
                    )
                )
        return found

    def settings(self) -> list[Finding]:
        """Settings that break something, and claims that fail where they are claimed, or are hardly claimed."""
        found = []
        broken: dict[str, list[str]] = {}
        fails: dict[int, list[str]] = {}
        numbers: dict[str, list[str]] = {}
        for given, trial in self.plan.settings:
            outcome = self.done.get(key_of(trial))
            if outcome is None:
                continue
            if outcome.wrong is not None:
                if outcome.wrong[0] != "refused":
                    broken.setdefault(_kind_of(outcome.wrong[1]), []).append(f"{_said(given)}: {outcome.wrong[1]}")
                continue
            for place, (verdict, _) in enumerate(outcome.claims):
                if verdict == "fails":
                    fails.setdefault(place, []).append(_said(given))
            for name in outcome.not_numbers:
                if name.partition(".")[2] not in EXPLAINED:
                    numbers.setdefault(name, []).append(_said(given))
        found += [Finding("setting", f"{_some(said)}") for said in broken.values()]
        found += [Finding("setting", f"{name} is no number at {_some(said)}") for name, said in numbers.items()]
        for place, said in sorted(fails.items()):
            claim = self.experiment.claims[place]
            found.append(
                Finding("setting", f"{claim.expression} fails in {len(said)} settings that it claims: {_some(said)}")
            )
        original = self.done.get(key_of(self.plan.original))
        shares = self.claimed()
        for place, claim in enumerate(self.experiment.claims):
            share = shares.get(claim.expression, 1.0)
            if share < CLAIMED_SHARE:
                found.append(Finding("claimed", f"{claim.expression} is claimed in {share:.0%} of the settings only."))
            usual = self.done.get(key_of(self.plan.usual)) or original
            if usual is not None and usual.wrong is None and usual.claims[place][0] == "not claimed":
                found.append(Finding("claimed", f"{claim.expression} is not claimed at the defaults."))
        return found

    def claimed(self) -> dict[str, float]:
        """By claim, the share of settings in which it is claimed."""
        outcomes = self._of([trial for _, trial in self.plan.settings])
        if not outcomes:
            return {}
        return {
            claim.expression: sum(o.claims[place][0] != "not claimed" for o in outcomes) / len(outcomes)
            for place, claim in enumerate(self.experiment.claims)
        }

    def mutants(self) -> list[Finding]:
        """Changes that nobody noticed."""
        original = self.done.get(key_of(self.plan.original))
        if original is None or original.wrong is not None or key_of(self.plan.look) not in self.done:
            why = "was not tried" if original is None else original.wrong[1] if original.wrong else ""
            return [Finding("mutant", f"The original could not be run, so no mutant was judged: {why}")]
        found = []
        counts = Counter({"all": 0, "killed": 0, "alike": 0, "excused": 0, "alive": 0})
        one_seed = self.done[key_of(self.plan.look)]
        for (mutant, look), (_, full) in zip(self.plan.looks, self.plan.mutants, strict=True):
            looked, outcome = self.done.get(key_of(look)), self.done.get(key_of(full))
            if looked is None:
                continue
            counts["all"] += 1
            if looked.wrong is not None or _noticed(one_seed, looked):
                counts["killed"] += 1
            elif looked.digests == one_seed.digests:
                counts["alike"] += 1
            elif outcome is None:
                counts["all"] -= 1  # no time was left
            elif outcome.wrong is not None or _noticed(original, outcome):
                counts["killed"] += 1
            elif outcome.digests == original.digests:
                counts["alike"] += 1
            elif mutant.excuse:
                counts["excused"] += 1
            else:
                counts["alive"] += 1
                found.append(Finding("mutant", f"No claim notices the change: {mutant.what}."))
        self.counts = dict(counts)
        return found

    def reproduced(self) -> dict[str, dict[str, int]]:
        """By mark, how many figures of the usual run have each verdict."""
        usual = self.done.get(key_of(self.plan.usual))
        found: dict[str, Counter[str]] = {}
        if usual is not None and usual.wrong is None:
            for figure, verdict in zip(self.experiment.figures, usual.figures, strict=True):
                found.setdefault(figure.mark, Counter())[verdict] += 1
        return {mark: dict(counts) for mark, counts in found.items()}


def _noticed(original: Outcome, changed: Outcome) -> bool:
    pairs = zip(original.claims, changed.claims, strict=False)
    return len(original.claims) != len(changed.claims) or any(
        before == "holds" and after != "holds" for (before, _), (after, _) in pairs
    )


def _said(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.items())


def _some(said: Sequence[str]) -> str:
    more = f"; and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return "; ".join(said[:SHOWN]) + more


def _seeds(trial: Trial) -> str:
    return f"Seeds {trial.seeds[0]} to {trial.seeds[-1]}"


def _kind_of(sentence: str) -> str:
    """What sentences of one kind have in common: the words without the numbers."""
    return "".join(letter for letter in sentence if not letter.isdigit())
