"""Doubt copes with whatever an experiment is made of: folders, factories, choices, odd bounds, designs that hang."""

from __future__ import annotations

import importlib
import textwrap
from pathlib import Path

import pytest

from windtunnel.lab.discovery import find, load
from windtunnel.lab.doubt.changed import source_of
from windtunnel.lab.doubt.doubt import doubt
from windtunnel.lab.doubt.mutants import apply, mutants
from windtunnel.lab.doubt.plan import Asked, Plan
from windtunnel.lab.doubt.ranges import beside, drawn, ends, rows
from windtunnel.lab.doubt.report import Report, state_of
from windtunnel.lab.doubt.source import digest_of, files, text_at
from windtunnel.lab.doubt.trials import Trial, Worker, perform
from windtunnel.lab.params import Param

HEAD = '''
"""Asks what is answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from windtunnel import Claim, Experiment, History, Op, param


def workload(p: "Params", luck: Random) -> Iterable[Op]:
    return [Op(float(i), "client", "ask", (i,)) for i in range(3)]


def measure(history: History, p: "Params") -> dict[str, float]:
    return {"sum": sum(e.value for e in history if e.outcome == "ok")}
'''
PARAMS = '''

@dataclass(frozen=True)
class Params:
    """What is asked."""

    odd: bool = param(False, "whether it is odd")
    mode: str = param("plain", "how", choices=("plain", "fancy"))
    share: float = param(0.2, "of something", low=0.123446, high=0.987654321)
    word: str = param("x", "any word")
    most: int = param(3, "things", low=2, high=9)
'''


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(text))
    return path


def test_designs_that_factories_make_are_changed_too(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "made_by_factories",
        HEAD
        + PARAMS
        + '''

STEP = 2


def doubled(number: int) -> int:
    return STEP * number


class Answers:
    """Answers."""

    def __init__(self, stage: object, p: Params, more: int = 0) -> None:
        self.more = more

    def ask(self, i: int) -> int:
        return doubled(i) + self.more


def bare(stage: object, p: Params) -> Answers:
    return Answers(stage, p, 0)


experiment = Experiment(
    title="Factories",
    question="Who is made by whom?",
    params=Params,
    workload=workload,
    measure=measure,
    designs={
        "by_hand": bare,
        "by_partial": partial(Answers, more=5),
        "by_lambda": lambda stage, p: Answers(stage, p, 7),
    },
    claims=(Claim("by_hand.sum == 6", "Twice each."), Claim("by_partial.sum == 21", "And five more."),
            Claim("by_lambda.sum == 27", "And seven more.")),
)
''',
    )
    experiment = find(str(path))
    those = {m.what.split(", ", 1)[1]: m for m in mutants(experiment) if not m.by}
    assert "in doubled, 'return STEP * number' left out" in those
    assert "in STEP, 2 times 3 in 'STEP = 2'" in those
    assert "in Answers, 'self.more = more' left out" in those
    changed, bearing = apply(experiment, those["in STEP, 2 times 3 in 'STEP = 2'"])
    assert bearing == {"by_hand", "by_partial", "by_lambda"}
    assert changed is not experiment
    report = doubt(experiment, Asked(50, 2, 0, 2), file=str(path), jobs=1)
    assert report.findings == []
    assert report.mutants["alive"] == 0
    assert report.seeds == 2, "fewer than a batch are a batch of their own"


def test_an_experiment_in_a_folder_is_doubted_and_stale_with_any_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "twofold"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "__init__.py").write_text("")
    written(folder / "inner", "law", "def law(number: int) -> int:\n    return number + 1\n")
    written(
        folder,
        "answers",
        '''
        """The designs."""

        from twofold.inner.law import law


        class Answers:
            """Answers."""

            def __init__(self, stage: object, p: object) -> None:
                self.told = 0

            def ask(self, i: int) -> int:
                self.told += 1
                return law(i)
        ''',
    )
    (folder / "__init__.py").write_text(
        HEAD
        + PARAMS
        + """
from .answers import Answers

experiment = Experiment(
    title="Folder", question="Where is it?", params=Params, workload=workload, measure=measure,
    designs={"answers": Answers}, claims=(Claim("answers.sum == 6", "One more each."),),
)
"""
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    experiment = load("twofold")
    assert [m.what.split(", ", 1)[1] for m in mutants(experiment)] == [
        "in Answers, 'self.told = 0' left out",
        "in Answers, 'self.told += 1' left out",
        "in Answers, 1 times 3 in 'self.told += 1'",
        "in Answers, 'return law(i)' left out",
        "in law, 'return number + 1' left out",
        "in law, 'number + 1' times 3",
        "in law, 1 times 3 in 'return number + 1'",
    ]
    report = doubt(experiment, Asked(50, 1, 0, 0), jobs=1)
    assert report.findings == []
    assert report.mutants == {"all": 7, "killed": 5, "alike": 2, "excused": 0, "alive": 0}
    assert load("twofold") is experiment, "the original stays where it was"
    assert set(files(folder / "__init__.py", "twofold")) == {
        "twofold",
        "twofold.answers",
        "twofold.inner",
        "twofold.inner.law",
    }
    assert state_of(report, source_of(experiment)) == "ok"
    written(folder / "inner", "law", "def law(number: int) -> int:\n    return 1 + number\n")
    assert state_of(report, text_at(folder / "__init__.py")) == "stale"


def test_one_file_has_the_digest_of_its_text(tmp_path: Path) -> None:
    path = written(tmp_path, "alone", "x = 1\n")
    assert text_at(path) == "x = 1\n"
    assert digest_of(text_at(path)) == digest_of("x = 1\n")


def test_values_stay_within_bounds_of_many_digits() -> None:
    share = Param("share", 0.2, "of something", 0.123446, 0.987654321, None)
    most = Param("most", 3, "things", 1.5, 9.7, None)
    known = [share, most, Param("odd", False, "whether", None, None, None), Param("word", "x", "any", None, None, None)]
    assert ends(share) == [0.123446, 0.987654321]
    assert ends(most) == [2, 9]
    assert beside(share, ends(share)) == []
    assert beside(most, ends(most)) == [3, 4, 5, 6, 7, 8]
    assert [ends(one) for one in known[2:]] == [[False, True], []]
    taken = {one.name: ends(one) for one in known}
    for given in drawn(known, {"share": 0.2, "most": 3, "odd": False, "word": "x"}, taken, 200, seed=1):
        assert 0.123446 <= given["share"] <= 0.987654321
        assert 2 <= given["most"] <= 9
        assert given["word"] == "x"


def test_every_two_ends_meet_in_few_settings() -> None:
    levels = dict.fromkeys("abcdefgh", (0, 1))
    found = rows(levels, seed=3)
    assert len(found) <= 12
    assert found[0] == dict.fromkeys("abcdefgh", 0)
    assert found[1] == dict.fromkeys("abcdefgh", 1)
    for a in "abcdefgh":
        for b in "abcdefgh":
            if a != b:
                assert {(row[a], row[b]) for row in found} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert rows({"a": (1, 2, 3), "b": ()}, seed=3)[0] == {"a": 1}
    assert rows({}, seed=3)[0] == {}


def test_a_design_that_hangs_or_fills_the_memory_or_leaves_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "misbehaves",
        HEAD
        + '''
@dataclass(frozen=True)
class Params:
    """What is done."""

    mode: str = param("well", "how", choices=("well", "hangs", "leaves", "prints"))


class Answers:
    """Answers, or not."""

    def __init__(self, stage: object, p: Params) -> None:
        if p.mode == "hangs":
            while True:
                pass
        if p.mode == "leaves":
            import os

            os._exit(3)
        if p.mode == "prints":
            print("null")

    def ask(self, i: int) -> int:
        return i


experiment = Experiment(
    title="Misbehaves", question="Does it?", params=Params, workload=workload, measure=measure,
    designs={"answers": Answers}, claims=(Claim("answers.sum == 3", "As asked."),),
)
''',
    )
    plan = Plan(find(str(path)), Asked(1, 0, 0, 0), str(path))
    assert [given["mode"] for given, _ in plan.ends] == ["hangs", "leaves", "prints"]
    worker = Worker()
    try:
        told = [worker.ask(trial, 0.5).wrong for _, trial in plan.ends]
    finally:
        worker.close()
    assert told == [
        ("time", "It took more than 0.5 s of CPU."),
        ("crash", "The process ended in the middle of it."),
        None,
    ]


def test_what_a_stage_cannot_judge_is_told(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "elsewhere_only",
        HEAD
        + PARAMS
        + '''

class Answers:
    """Answers."""

    def __init__(self, stage: object, p: Params) -> None: ...

    def ask(self, i: int) -> int:
        return i


experiment = Experiment(
    title="Elsewhere", question="Where?", params=Params, workload=workload, measure=measure,
    stages=("sim", "postgres"), designs={"answers": Answers},
    claims=(Claim("answers.sum == 3", "As asked."), Claim("answers.sum == 4", "Not here.", stages=("postgres",))),
)
''',
    )
    report = doubt(find(str(path)), Asked(1, 1, 0, 0), file=str(path), jobs=1)
    assert report.not_judged == ["answers.sum == 4"]
    assert report.findings == []


def test_a_claim_over_means_that_is_wrong_in_a_setting_is_tried_on_other_seeds_twice(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "means",
        HEAD
        + '''
@dataclass(frozen=True)
class Params:
    """How much."""

    lift: float = param(1.0, "of the second", low=-1.0, high=1.0)


class First:
    """Luck."""

    lift = 0.0

    def __init__(self, stage: object, p: Params) -> None:
        self.luck = stage.random("luck")
        self.more = p.lift * self.lift

    def ask(self, i: int) -> float:
        return self.luck.random() / 4 + self.more * (1 + self.luck.random())


class Second(First):
    """Luck, and more."""

    lift = 1.0


experiment = Experiment(
    title="Means", question="Who has more?", params=Params, workload=workload, measure=measure, seeds=3,
    designs={"first": First, "second": Second},
    claims=(Claim("second.sum > first.sum", "It is lifted.", over="mean"),),
)
''',
    )
    report = doubt(find(str(path)), Asked(9, 6, 0, 3, statements=False), file=str(path), jobs=1)
    told = [finding.text for finding in report.findings if finding.kind == "setting"]
    assert len(told) == 1
    assert told[0].startswith("second.sum > first.sum fails in ")
    assert "lift=-1.0" in told[0]
    assert not [finding for finding in report.findings if finding.kind == "seeds"]


def test_a_trial_says_where_a_change_matters_that_the_test_size_does_not_show() -> None:
    from helpers.doubtful import experiment

    place = next(m.place for m in mutants(experiment) if "'self.step = p.step' left out" in m.what)
    data = {"what": "", "place": place}
    shown = perform(Trial(experiment.module, mutant=data, elsewhere=[{"step": 1.5}]))
    assert shown.differs == {"step": 1.5}, "without the line nothing counts at all"
    swap = {"what": "", "design": "shows", "by": "counts"}
    assert perform(Trial(experiment.module, mutant=swap, elsewhere=[{"step": 1.5}, {"size": 3}])).differs is None


def test_a_report_of_an_older_version_can_be_read() -> None:
    old = Report("x", "", "", "", 1, 2, 3, (1, 1), ())
    assert old.not_judged == ()
