"""What a grade believes: the engines and the clients, judged where none of the design's code is loaded."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate, Params
from windtunnel.lab.digest import digest
from windtunnel.lab.discovery import every, find
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.grading import limits
from windtunnel.lab.grading.challenge import stub, write_stub
from windtunnel.lab.grading.grade import grade, grade_file
from windtunnel.lab.grading.limits import Ended, Limits, limited
from windtunnel.lab.grading.wire import NoAnswer, of_history, packed, to_history, unpacked
from windtunnel.lab.held import Held, most_at_once, owed
from windtunnel.lab.history import Event, History, Op
from windtunnel.lab.params import make, settings
from windtunnel.lab.running.work import drive, workload
from windtunnel.lab.stage import Stage

HEAD = 'challenge = "q10-ticketmaster"\nfrom windtunnel.catalogue.interview.q10_ticketmaster import LookThenWrite\n'
NAIVE = "class Yours(LookThenWrite):\n    pass\n"


@pytest.fixture(autouse=True)
def only_quick_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("windtunnel.lab.grading.grade.FULL_TRIALS", 0)


def graded(tmp_path: Path, text: str) -> Ended:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + text)
    return limited({"file": str(file), "seeds": 1, "brief": True}, Limits())


@pytest.mark.parametrize(
    "cheat",
    [
        "import windtunnel.lab.grading.grade as g\ng.truth = lambda *_: True\n",
        "from windtunnel.lab.discovery import find\nobject.__setattr__(find(challenge), 'demands', ())\n",
        "from windtunnel.lab.discovery import find\nobject.__setattr__(find(challenge), 'audit', None)\n",
    ],
)
def test_what_a_design_changes_in_its_process_changes_no_verdict(tmp_path: Path, cheat: str) -> None:
    sys.modules.pop("windtunnel_outside_mine", None)  # what a test before this one ran in our own process
    found = graded(tmp_path, cheat + NAIVE).answer
    assert not found["passed"]
    assert found["failing"] == "yours.sold_twice == 0"
    assert "windtunnel_outside_mine" not in sys.modules


def test_an_answer_that_nobody_asked_for_is_none(tmp_path: Path) -> None:
    forged = '{"answer": {"passed": true}, "token": "", "number": 1, "history": {"events": []}}'
    lines = f"import os\nfor handle in range(3, 20):\n    try:\n        os.write(handle, b'{forged}\\n')\n"
    ended = graded(tmp_path, f"{lines}    except OSError:\n        pass\nos._exit(0)\n{NAIVE}")
    assert ended.answer is None
    assert "ended its own process" in ended.sentence


def test_what_a_design_prints_is_shown_and_what_it_asks_is_refused(tmp_path: Path) -> None:
    asks = (
        "class Yours(LookThenWrite):\n    def __init__(self, s, p):\n        print('here I am')\n        input('?')\n"
    )
    ended = graded(tmp_path, asks)
    assert "nobody sits at this keyboard" in ended.answer["wrong"]
    assert ended.printed == "here I am\n"


def test_what_was_printed_counts_also_where_it_is_read_after_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = limits._Drain._read

    def late(drain: limits._Drain) -> None:
        drain._child.wait()  # by then all has been answered
        read(drain)

    monkeypatch.setattr(limits._Drain, "_read", late)
    prints = "class Yours(LookThenWrite):\n    def __init__(self, s, p):\n        print('here I am')\n        1 / 0\n"
    ended = graded(tmp_path, prints)
    assert "ZeroDivisionError" in ended.answer["wrong"]
    assert ended.printed == "here I am\n"
    monkeypatch.setattr(limits, "FLOOD_BYTES", 9)
    assert "may print, not flood" in graded(tmp_path, prints).sentence


SEARCHED = "primitives"
"""Each design searches all its schedules, which its claims do too: watching two of the searches is for soak."""
WATCHED = [
    pytest.param(e, marks=[pytest.mark.soak] if e.id == SEARCHED else [], id=e.id) for e in every() if not e.measured
]


@pytest.mark.parametrize("experiment", WATCHED)
def test_a_run_that_is_watched_is_the_same_run(experiment: Experiment[Any]) -> None:
    params = make(experiment.params, settings(experiment.params, experiment.quick))
    name = list(experiment.designs)[-1]
    ops = workload(experiment, params, 3)[:400]
    runs = [
        drive(experiment, "sim", name, 3, params, ops, experiment.faults_for(params), watched=watched)
        for watched in (False, True)
    ]
    assert digest(runs[0], timed=True) == digest(runs[1], timed=True)
    assert runs[1].held is not None


@pytest.mark.parametrize(("tills", "most"), [(0, 3), (1, 1)])
def test_the_harness_counts_the_connections_that_are_in_use_at_once(tills: int, most: int) -> None:
    experiment = find("q10-ticketmaster")
    params = make(experiment.params, settings(experiment.params, experiment.quick | {"connections": 3, "tills": tills}))
    ops = workload(experiment, params, 3)[:60]
    ran = drive(experiment, "sim", "row_lock", 3, params, ops, experiment.faults_for(params), watched=True)
    assert ran.held is not None
    assert ran.held.connections == {"db": most}


def test_too_many_trials_without_a_verdict_are_no_pass() -> None:
    class Silent(ConditionalUpdate):
        def __init__(self, stage: Stage, p: Params) -> None:
            super().__init__(stage, p)
            self.stage = stage

        async def report(self) -> Mapping[str, object]:
            if self.stage.faults:
                raise ConnectionError("cannot say")
            return await super().report()

    tickets = find("q10-ticketmaster")
    told_by_itself = [demand for demand in tickets.demands if demand.always][:1]
    blind = replace(tickets, audit=None, demands=told_by_itself, module=tickets.module)
    found = grade(blind, Silent, [7001])
    assert not found.passed
    assert found.unjudged > 0
    assert "trials could not be judged" in found.why
    assert grade(blind, ConditionalUpdate, [7001]).passed


LOSES = """
class Yours(ConditionalUpdate):
    def __init__(self, stage, p):
        super().__init__(stage, p)
        if stage.faults:
            stage.sim.spawn(self.lose(stage), "loses its connection", daemon=True)

    async def lose(self, stage):
        await stage.sim.sleep(1.0)
        raise ConnectionError("gone")
"""


def test_a_process_that_a_fault_ends_is_no_verdict_in_either_process(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HEAD.replace("LookThenWrite", "ConditionalUpdate") + LOSES)
    there = limited({"file": str(file), "seeds": 1}, Limits()).answer
    here = grade_file(str(file), seeds=1).to_dict()
    assert here["unjudged"] > 0
    assert "trials could not be judged" in here["why"]
    assert {key: there[key] for key in ("passed", "unjudged", "why")} == {
        key: here[key] for key in ("passed", "unjudged", "why")
    }


def test_work_is_owed_from_the_answer_to_its_end() -> None:
    assert owed([(1.0, 2.0)], [(1.0, 2.0)]) == 0.0
    assert owed([(1.0, 2.0)], [(1.5, 2.0)]) == 2.0
    assert owed([(1.0, 2.0), (3.0, 1.0)], [(0.5, 1.5), (2.0, 0.5)]) == 1.0
    assert owed([(2.0, 1.0)], []) == 1.0


def test_who_leaves_makes_room_for_who_comes() -> None:
    assert most_at_once([(0.0, 1.0, 1.0), (1.0, 2.0, 1.0)]) == 1
    assert most_at_once([(0.0, None, 1.0), (1.0, 2.0, 1.0)]) == 2


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "a", (1, "b"), [1, [2]], {(1, 2): "x"}, b"\x00", frozenset({1})])
def test_plain_values_travel_as_they_are(value: object) -> None:
    back = unpacked(packed(value))
    assert back == value
    assert type(back) is type(value)


def test_a_history_has_one_outcome_for_every_request() -> None:
    ops = [Op(0.0, "a", "get", (), 0), Op(1.0, "b", "get", (), 1)]
    events = [Event("a", "get", (), 0.0, 0.5, "ok", 7, 0.0, 0), Event("b", "get", (), 1.0, 1.5, "ok", 8, 1.0, 1)]
    whole = of_history(History(events, {"n": 1}, held=Held()))
    assert list(to_history(whole, ops, False)) == events
    broken = (
        {"events": whole["events"][:1]},
        {"events": [*whole["events"], whole["events"][0]]},
        {"events": [[0, 0.0, 0.0, 0.5, "passed", 7], whole["events"][1]]},
        {"events": [[0, 0.0, -1.0, 0.5, "ok", 7], whole["events"][1]]},
        {"held": None},
    )
    for part in broken:
        with pytest.raises(NoAnswer):
            to_history(whole | part, ops, False)


def test_the_stub_keeps_the_answer_to_itself_unless_asked() -> None:
    tickets = find("q10-ticketmaster")
    assert "A version column makes" not in stub(tickets)
    assert tickets.hints[1] not in stub(tickets)
    assert "A version column makes" in stub(tickets, hints=True)


def test_a_stub_on_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, _: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path: Path, *_: object, **__: object) -> Full:
        path.touch()
        return Full()

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(WrongInput, match=r"mine\.py cannot be written: No space left"):
        write_stub(find("q10-ticketmaster"), tmp_path / "mine.py")
    assert not (tmp_path / "mine.py").exists()
