"""Reads findings off what came of the trials."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from windtunnel.lab.claims import applies
from windtunnel.lab.doubt.crew import Outcomes
from windtunnel.lab.doubt.mutants import Mutant
from windtunnel.lab.doubt.plan import Given, Plan
from windtunnel.lab.doubt.report import Finding
from windtunnel.lab.doubt.trials import Outcome, Trial
from windtunnel.lab.experiment import Claim
from windtunnel.lab.measures import EXPLAINED
from windtunnel.lab.params import settings

P_VALUE = 0.001
"""Below this a count of failures is no chance, after division by the number of claims that were looked at."""
MAY_FAIL = {"seed": 0.001, "mean": 0.05}
"""How often a claim may fail that holds: hardly ever on a seed; a claim over means is judged by intervals of 95 %."""
CLAIMED_SHARE = 0.2
SHOWN = 3
"""Examples of one kind of finding."""
CONFIRMED = 3
"""Settings in which a claim that looks wrong is tried again."""
DRAWS = 500
ELSEWHERE = 32
"""Settings in which a mutant is looked at that changes nothing at the test size."""
UNJUDGED = ("skipped", "not claimed")


def unexplained(outcome: Outcome) -> list[str]:
    """The experiment's own measurements that are no number, though every request of the design was answered.

    Where one never was, nobody knows how long requests take: that is what a measurement should say.
    """
    censored = {name.partition(".")[0] for name in outcome.not_numbers if name.endswith(".latency_mean_ms")}
    found = [name.partition(".") for name in outcome.not_numbers]
    return ["".join(parts) for parts in found if parts[2] not in EXPLAINED and parts[0] not in censored]


def exceeds(count: int, failed: int, may: float) -> float:
    """The chance that so many of `count` fail, or more, where each may fail with the chance `may`."""
    if failed == 0:
        return 1.0
    log_all = math.lgamma(count + 1)
    return min(
        1.0,
        sum(
            math.exp(
                log_all
                - math.lgamma(k + 1)
                - math.lgamma(count - k + 1)
                + k * math.log(may)
                + (count - k) * math.log1p(-may)
            )
            for k in range(failed, count + 1)
        ),
    )


def noticed(original: Outcome, changed: Outcome) -> bool:
    """Whether a claim that holds of the original does not hold of what was changed."""
    pairs = zip(original.claims, changed.claims, strict=False)
    return len(original.claims) != len(changed.claims) or any(
        before == "holds" and after != "holds" for (before, _), (after, _) in pairs
    )


class Judge:
    """What was found, by kind. `further`: the settings beside the plain ends."""

    def __init__(self, plan: Plan, done: Outcomes, further: Sequence[tuple[Given, Trial]]) -> None:
        self.plan = plan
        self.experiment = plan.experiment
        self.done = done
        self.settings_tried = [*plan.ends, *further]
        self.counts: dict[str, int] = {}

    def _of(self, trials: Sequence[Trial]) -> list[Outcome]:
        return [outcome for outcome in self.done.of(trials) if outcome.wrong is None]

    def _result(self, trial: Trial) -> Outcome | None:
        """None where it was not performed, or has no result."""
        outcome = self.done.get(trial)
        return None if outcome is None or outcome.wrong is not None else outcome

    def seeds(self) -> list[Finding]:
        """Claims that fail on fresh seeds more often than they may, or that more seeds do not decide."""
        found = []
        for where, trials in (("at the test size", self.plan.fresh), ("at the defaults", self.plan.full)):
            outcomes = self._of(trials)
            broken: dict[str, list[str]] = {}
            for trial in trials:
                outcome = self.done.get(trial)
                if outcome is not None and outcome.wrong is not None:
                    broken.setdefault(_kind_of(outcome.wrong[1]), []).append(f"{_seeds(trial)}: {outcome.wrong[1]}")
            found += [Finding("seeds", f"{where.capitalize()}, {_some(said)}") for said in broken.values()]
            for place, claim in enumerate(self.experiment.claims):
                judged = [o.claims[place] for o in outcomes if o.claims[place][0] not in UNJUDGED]
                count, failed = _fails(claim, judged)
                p = exceeds(count, failed, MAY_FAIL[claim.over]) * len(self.experiment.claims)
                of = "seeds" if claim.over == "seed" else "batches of seeds"
                if p < P_VALUE:
                    said = f"{claim.expression} fails on {failed} of {count} fresh {of} {where}."
                    found.append(Finding("seeds", said))
                elif self._mostly_unknown(judged) and not self.experiment.measured:
                    said = f"{claim.expression} is unknown on most of {len(judged)} batches {where}."
                    found.append(Finding("seeds", said))
        return found

    @staticmethod
    def _mostly_unknown(judged: Sequence[tuple[str, Sequence[bool | None]]]) -> bool:
        return 2 * sum(verdict == "unknown" for verdict, _ in judged) > len(judged)

    def undecided(self) -> list[str]:
        """Claims of what is measured that this machine decided on less than half of the batches at the test size."""
        outcomes = self._of(self.plan.fresh) if self.experiment.measured else []
        return [
            claim.expression
            for place, claim in enumerate(self.experiment.claims)
            if self._mostly_unknown([o.claims[place] for o in outcomes if o.claims[place][0] not in UNJUDGED])
        ]

    def figures(self) -> list[Finding]:
        """Figures whose verdict is the luck of the seeds: reproduced on some, and on less than half of all batches."""
        found = []
        usual, outcomes = self._result(self.plan.usual), self._of(self.plan.full)
        if usual is None or not outcomes:
            return []
        for place, figure in enumerate(self.experiment.figures):
            verdicts = Counter(o.figures[place] for o in outcomes)
            if self.experiment.measured:  # that this machine could not decide is no finding
                del verdicts["unknown"]
            before = usual.figures[place]
            lucky = before == "reproduced" or verdicts["reproduced"] > 0
            if lucky and 2 * verdicts["reproduced"] < verdicts.total():
                told = ", ".join(f"{verdict} on {count}" for verdict, count in verdicts.most_common())
                said = f"{figure.name!r} is {before} on the usual seeds; of {len(outcomes)} fresh batches: {told}."
                found.append(Finding("figure", said))
        return found

    def suspicious(self) -> list[Given]:
        """Settings in which a claim is wrong on the one seed that was tried, a few of each claim."""
        places = range(len(self.experiment.claims))
        return [given for place in places for given in self._wrong(place)[:CONFIRMED]]

    def still_suspicious(self) -> list[Given]:
        """Those in which a claim over means fails on other seeds too."""
        return [
            given
            for place, claim in enumerate(self.experiment.claims)
            if claim.over == "mean"
            for given in self._wrong(place)[:CONFIRMED]
            if self._fails_in(self.plan.confirming(given, 0), place)
        ]

    def _fails_in(self, trial: Trial, place: int) -> bool:
        outcome = self._result(trial)
        return outcome is not None and outcome.claims[place][0] == "fails"

    def _wrong(self, place: int) -> list[Given]:
        return [given for given, trial in self.settings_tried if self._is_wrong(trial, place)]

    def _is_wrong(self, trial: Trial, place: int) -> bool:
        outcome = self._result(trial)
        if outcome is None or outcome.claims[place][0] in UNJUDGED:
            return False
        return False in outcome.claims[place][1] or outcome.claims[place][0] == "fails"

    def settings(self) -> list[Finding]:
        """Settings that break something, and claims that fail where they are claimed, or are hardly claimed."""
        found = []
        broken: dict[str, list[str]] = {}
        numbers: dict[str, list[str]] = {}
        for given, trial in self.settings_tried:
            outcome = self.done.get(trial)
            if outcome is None:
                continue
            if outcome.wrong is not None:
                if outcome.wrong[0] != "refused":
                    broken.setdefault(_kind_of(outcome.wrong[1]), []).append(f"{_said(given)}: {outcome.wrong[1]}")
                continue
            for name in unexplained(outcome):
                numbers.setdefault(name, []).append(_said(given))
        found += [Finding("setting", _some(said)) for said in broken.values()]
        found += [Finding("setting", f"{name} is no number at {_some(said)}") for name, said in numbers.items()]
        for place, claim in enumerate(self.experiment.claims):
            found += self._fails_where_claimed(place, claim)
        return found + self._claimed()

    def _fails_where_claimed(self, place: int, claim: Claim) -> list[Finding]:
        """One where it is refuted in some settings: on more seeds than it may, or over means on two batches."""
        wrong = self._wrong(place)
        if claim.over == "mean":
            said = [
                _said(given)
                for given in wrong
                if all(self._fails_in(self.plan.confirming(given, which), place) for which in (0, 1))
            ]
        else:
            trials = [trial for _, trial in self.settings_tried]
            trials += [self.plan.confirming(given, 0) for given in wrong]
            judged = [o.claims[place] for o in self._of(trials) if o.claims[place][0] not in UNJUDGED]
            count, failed = _fails(claim, judged)
            p = exceeds(count, failed, MAY_FAIL["seed"]) * len(self.experiment.claims)
            said = [_said(given) for given in wrong] if p < P_VALUE else []
        if not said:
            return []
        text = f"{claim.expression} fails in {len(said)} of {len(self.settings_tried)} settings: {_some(said)}"
        return [Finding("setting", text)]

    def _claimed(self) -> list[Finding]:
        kind, claims = self.experiment.params, self.experiment.claims
        hardly = [
            f"{expression} is claimed in {share:.0%} of the settings only."
            for expression, share in self.claimed().items()
            if share < CLAIMED_SHARE
        ]
        absent = [
            f"{claim.expression} is not claimed at the defaults."
            for claim in claims
            if not applies(claim.where, settings(kind, claim.given))
        ]
        return [Finding("claimed", text) for text in (*hardly, *absent)]

    def claimed(self) -> dict[str, float]:
        """By claim, the share of settings in which it is claimed: the mean of that at single ends and that at random.

        It is reckoned, not run, from so many that neither luck nor how much was tried has a part in it.
        """
        quick, kind = self.experiment.quick, self.experiment.params
        alone_in, many_in = (
            [settings(kind, {**quick, **given}) for given in those]
            for those in ([given for given, _ in self.plan.ends], self.plan.at_random(DRAWS))
        )

        @cache
        def share(where: str, *own: tuple[str, Any]) -> float:
            among = ([applies(where, {**found, **dict(own)}) for found in those] for those in (alone_in, many_in))
            shares = [sum(found) / len(found) for found in among if found]
            return sum(shares) / len(shares)

        shown = {}
        for claim in self.experiment.claims:
            taken = settings(kind, claim.given)
            asked = sorted(set(claim.given).intersection(re.findall(r"\w+", claim.where)))
            shown[claim.expression] = share(claim.where, *((name, taken[name]) for name in asked))
        return shown

    @cached_property
    def elsewhere(self) -> list[Given]:
        """Where mutants are looked at that change nothing at the test size: settings that did not break anything.

        To be asked for once the settings were tried: every mutant is looked at in the same ones.
        """
        whole = ((given, trial) for given, trial in self.settings_tried if not trial.designs)
        return [given for given, trial in whole if self._result(trial) is not None][:ELSEWHERE]

    def survivors(self) -> tuple[list[Mutant], list[Mutant]]:
        """Mutants that did something else on one seed and nobody noticed; those that did the same."""
        alive, alike = [], []
        original = self._result(self.plan.look)
        for mutant in self.plan.those:
            changed = self._result(self.plan.look_at(mutant))
            if original is None or changed is None:
                continue
            if self._same(original, changed):
                alike.append(mutant)
            elif not noticed(original, changed):
                alive.append(mutant)
        return alive, alike

    def _same(self, original: Outcome, changed: Outcome) -> bool:
        """Whether both did the same. In real time nothing says so."""
        return not self.experiment.measured and changed.digests == original.digests

    def mutants(self) -> list[Finding]:
        """Changes that nobody noticed, and code of which nothing that is tested can tell whether it is there."""
        original = self.done.get(self.plan.original)
        one_seed = self.done.get(self.plan.look)
        if original is None or one_seed is None or original.wrong is not None:
            why = "was not tried" if original is None or original.wrong is None else original.wrong[1]
            return [Finding("mutant", f"The original could not be run, so no mutant was judged: {why}")]
        found = []
        counts = Counter({"all": 0, "killed": 0, "alike": 0, "excused": 0, "alive": 0})
        for mutant in self.plan.those:
            looked, outcome = (self.done.get(t) for t in (self.plan.look_at(mutant), self.plan.in_full(mutant)))
            if looked is None:
                continue
            counts["all"] += 1
            said = ""
            if looked.wrong is not None or noticed(one_seed, looked):
                counts["killed"] += 1
            elif self._same(one_seed, looked):
                other = self._result(self.plan.elsewhere(mutant, self.elsewhere))
                if other is not None and other.differs is not None:
                    said = f"Nothing tests this: {mutant.what}, changes nothing but with {_said(other.differs)}."
                else:
                    counts["alike"] += 1
            elif outcome is None:
                counts["all"] -= 1  # no time was left
            elif outcome.wrong is not None or noticed(original, outcome):
                counts["killed"] += 1
            else:
                said = f"No claim notices: {mutant.what}."
            if said:
                counts["excused" if mutant.excuse else "alive"] += 1
                if not mutant.excuse:
                    found.append(Finding("mutant" if said.startswith("No claim") else "untested", said))
        self.counts = dict(counts)
        return found

    def never_judged(self) -> list[str]:
        """Claims that speak of other stages than that on which everything was tried."""
        outcomes = self._of([self.plan.look])
        return [
            claim.expression
            for claim, (verdict, _) in zip(self.experiment.claims, outcomes[0].claims if outcomes else (), strict=False)
            if verdict == "skipped"
        ]

    def reproduced(self) -> dict[str, dict[str, int]]:
        """By mark, how many figures of the usual run have each verdict."""
        usual = self._result(self.plan.usual)
        found: dict[str, Counter[str]] = {}
        if usual is not None:
            for figure, verdict in zip(self.experiment.figures, usual.figures, strict=True):
                found.setdefault(figure.mark, Counter())[verdict] += 1
        return {mark: dict(counts) for mark, counts in found.items()}


def _fails(claim: Claim, judged: Sequence[tuple[str, Sequence[bool | None]]]) -> tuple[int, int]:
    """How often it was judged, and how often it failed: seeds, or batches of them."""
    if claim.over == "seed":
        each = [holds for _, seeds in judged for holds in seeds]
        return len(each), each.count(False)
    return len(judged), sum(verdict == "fails" for verdict, _ in judged)


def _said(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.items())


def _some(said: Sequence[str]) -> str:
    more = f"; and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return "; ".join(one.removesuffix(".") for one in said[:SHOWN]) + f"{more}."


def _seeds(trial: Trial) -> str:
    return f"seeds {trial.seeds[0]} to {trial.seeds[-1]}"


def _kind_of(sentence: str) -> str:
    """What sentences of one kind have in common: the words without the numbers."""
    return "".join(letter for letter in sentence if not letter.isdigit() and letter not in ".-")
