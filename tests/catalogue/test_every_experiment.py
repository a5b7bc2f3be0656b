"""What is asked of every experiment, whoever writes it: a new file in the catalogue is found and held to this.

What a quick run shows is committed, of three seeds. Here the first of them is run, in all settings, and has to be the
same to the byte; all three are run in soak, and where the committed is written anew.
"""

from __future__ import annotations

import difflib
import io
import math
import os
import re
import sys
from pathlib import Path

import pytest

from helpers.figures import NOT_REPRODUCED
from windtunnel.lab.cards import card, doubted
from windtunnel.lab.discovery import CATALOGUE, TRACKS, find, load, modules
from windtunnel.lab.experiment import Experiment, idea
from windtunnel.lab.footing import name_of
from windtunnel.lab.params import describe, make, settings
from windtunnel.lab.result import Result
from windtunnel.lab.run import run
from windtunnel.lab.running.work import Done, Job, execute, workload
from windtunnel.ui import terminal
from windtunnel.web import store

NAMES = list(modules())
GOLDEN = Path(__file__).parents[2] / "results" / "quick"
"""What quick runs show, committed: whoever changes what an experiment measures sees it in a diff, in words."""
WRITING = os.environ.get("WINDTUNNEL_GOLDEN") == "write"
CPU_S = 3.0
"""What a quick run may cost, all designs, seeds and settings together; a busy machine is given ten times that."""


@pytest.fixture(params=NAMES, scope="module")
def experiment(request: pytest.FixtureRequest) -> Experiment:
    return load(modules()[request.param])


TRIES = 3
"""How often this machine is measured, where what else it does may have turned a claim."""
REPEATED = {False: 1, True: 4}
"""Repetitions of what is measured here: what is written down shall decide what is asked of means, and one does not."""


def whole(experiment: Experiment) -> Result:
    """The run that is committed; of what is measured here one in which no claim fails, if there is one in three."""
    left = TRIES if experiment.measured else 1
    seeds = REPEATED[WRITING] if experiment.measured else 3
    while True:
        found = run(experiment, quick=True, seeds=seeds, jobs=1)
        left -= 1
        if not left or all(claim.verdict != "fails" for claim in found.claims):
            return found


@pytest.fixture(scope="module")
def result(experiment: Experiment) -> Result:
    if WRITING or experiment.measured or not store.committed_first(experiment.id):
        return whole(experiment)
    return run(experiment, quick=True, seeds=[0], jobs=1)


def test_there_are_experiments() -> None:
    assert NAMES
    assert all(m.startswith(f"{CATALOGUE}.") for m in modules().values())


def test_it_is_found_by_its_name(experiment: Experiment) -> None:
    assert find(experiment.id) is experiment
    assert experiment.track in ("", *TRACKS)


def test_the_list_says_of_it_what_it_says_itself(experiment: Experiment) -> None:
    found = card(experiment.id, experiment.module)
    assert found == (
        experiment.id,
        experiment.track,
        experiment.title,
        experiment.question,
        tuple(experiment.designs),
        tuple(name_of(stage) for stage in experiment.stages),
    )


def test_it_asks_one_question(experiment: Experiment) -> None:
    assert experiment.question.endswith("?")
    assert experiment.question.count("?") == 1
    assert 0 < len(experiment.title) <= 60


def test_its_lesson_is_a_lesson(experiment: Experiment) -> None:
    lines = experiment.lesson.splitlines()
    assert 10 <= len(lines) <= 60
    assert all(len(line) <= 120 for line in lines)


def test_it_has_two_designs_at_least_and_each_has_an_idea(experiment: Experiment) -> None:
    assert len(experiment.designs) >= 2
    for name, design in experiment.designs.items():
        assert 10 <= len(idea(design)) <= 120, f"{name} needs a first line of docstring"


def test_its_parameters_are_explained_and_their_defaults_allowed(experiment: Experiment) -> None:
    for one in describe(experiment.params):
        assert one.help
    make(experiment.params, {})
    for given in (experiment.quick, *(c.given for c in experiment.claims), *(f.given for f in experiment.figures)):
        settings(experiment.params, given)


def test_its_workload_is_pure(experiment: Experiment) -> None:
    params = make(experiment.params, experiment.quick)
    first, again, other = (workload(experiment, params, seed) for seed in (0, 0, 1))
    assert first == again
    assert len({op.id for op in first}) == len(first) > 0
    assert len({op.at for op in first}) == 1 or first != other


def test_it_has_three_claims_three_hints_and_sources(experiment: Experiment) -> None:
    assert len(experiment.claims) >= 3
    assert len(experiment.hints) >= 3
    assert experiment.sources
    assert all(s.title and 1900 < s.year < 2100 and s.url.startswith("http") for s in experiment.sources)
    assert all(re.fullmatch(r"[A-Z0-9].*[.?!]", c.because) for c in (*experiment.claims, *experiment.demands))
    assert all(f.conditions for f in experiment.figures)


def test_a_source_that_a_claim_or_a_figure_names_is_among_the_sources(experiment: Experiment) -> None:
    """A source is named by words of its title, and by its year where two could be meant."""
    for one in (*experiment.claims, *experiment.demands, *experiment.figures):
        words = set(re.findall(r"\b[A-Z]\w+", one.source))
        years = {int(year) for year in re.findall(r"\b(?:19|20)\d\d\b", one.source)}
        fitting = [s for s in experiment.sources if all(w in s.title for w in words) and years <= {s.year}]
        assert not one.source or fitting, f"{one.source} is none of the sources"


def test_its_claims_hold(result: Result) -> None:
    wrong = [f"{c.expression}: {c.verdict} ({c.shown} {c.note})" for c in result.claims if c.verdict == "fails"]
    assert not wrong, "\n".join(wrong)
    assert any(c.verdict == "holds" for c in result.claims)


def test_the_naive_design_is_held_to_its_failure(experiment: Experiment, result: Result) -> None:
    naive = next(iter(experiment.designs))
    broken = [c for c in result.claims if c.breaks == naive]
    assert broken, f"no claim is marked breaks={naive!r}"
    assert all(f"{naive}." in c.expression for c in broken)
    of_all_seeds = [verdict for _, verdict in store.committed_verdicts(experiment.id)]
    judged = zip(result.claims, of_all_seeds or [c.verdict for c in result.claims], strict=True)
    # One seed says nothing of means.
    held = [of_all if c.over == "mean" and c.verdict == "unknown" else c.verdict for c, of_all in judged if c in broken]
    assert held == ["holds"] * len(broken)


def test_there_is_a_case_where_the_naive_design_is_good_enough(experiment: Experiment, result: Result) -> None:
    naive = next(iter(experiment.designs))
    spared = [c for c in result.claims if c.spares == naive]
    assert spared, f"no claim is marked spares={naive!r}"
    assert all(c.verdict in ("holds", "unknown") for c in spared)


def test_everything_measured_is_a_number(result: Result) -> None:
    assert all(isinstance(x, int | float) for r in result.runs for x in r.measures.values())


def test_its_chart_can_be_drawn(experiment: Experiment, result: Result) -> None:
    assert experiment.charts
    for index, chart in enumerate(experiment.charts):
        assert all((chart.title, chart.x, chart.y))
        for design in result.designs:
            assert any(result.of(design)[0].charts[index].values()), f"{design} has nothing in {chart.title!r}"


def test_it_asks_before_it_tells(experiment: Experiment, result: Result) -> None:
    assert experiment.asks
    assert all(ask.question.count("?") == 1 for ask in experiment.asks)
    for one in result.asks:
        assert not one.note, f"{one.question} {one.note}"
        assert one.low <= one.mean <= one.high, f"{one.question} is answered by {one.mean}, outside of its scale"


def test_each_sentence_of_why_is_held_by_a_claim(experiment: Experiment, result: Result) -> None:
    assert experiment.why
    assert all(why.sentence.endswith(".") for why in experiment.why)
    assert {why.claim for why in experiment.why} <= {claim.expression for claim in experiment.claims}
    assert {why.verdict for why in result.why} <= {"holds", "unknown"}


def test_an_experiment_of_queues_says_its_warm_up(experiment: Experiment) -> None:
    source = Path(str(sys.modules[experiment.module].__file__)).read_text("utf-8")
    if re.search(r"stage\.server\(|\b(Fifo)?Server\(", source):
        assert experiment.warmup_s is not None, "queues start empty: say warmup_s, also where it is 0"


def test_the_same_seed_gives_the_same_digest(experiment: Experiment, result: Result) -> None:
    if result.stage != "sim":
        pytest.skip("real time is never the same twice")
    if store.digest_of_first(result) == store.committed_first(experiment.id):
        return  # another process had all of them, on another day
    best = list(experiment.designs)[-1]
    again = execute(experiment, Job("sim", best, 0, 0, settings(experiment.params, experiment.quick)))
    assert again.digest == result.of(best)[0].digest


def test_a_quick_run_shows_what_is_committed(experiment: Experiment, result: Result) -> None:
    if WRITING:
        file_of(experiment).write_text(text_of(result, experiment), "utf-8")
        store.commit(result, experiment)
    if experiment.measured:  # its digits are one machine's of one day: what is held to is what was concluded
        committed = store.committed_verdicts(experiment.id)
        assert file_of(experiment).exists()
        assert [claim.expression for claim in result.claims] == [expression for expression, _ in committed]
        pairs = zip(result.claims, committed, strict=True)
        assert [c.expression for c, (_, before) in pairs if {c.verdict, before} == {"holds", "fails"}] == []
    elif len(result.seeds) == 1:
        assert store.digest_of_first(result) == store.committed_first(experiment.id), "If this is meant: make golden."
        assert "fails" not in {verdict for _, verdict in store.committed_verdicts(experiment.id)}
        assert file_of(experiment).exists()
    else:
        shows_what_is_committed(result, experiment)


@pytest.mark.soak
def test_all_seeds_of_a_quick_run_show_what_is_committed(experiment: Experiment) -> None:
    if experiment.measured:
        pytest.skip("its digits are one machine's of one day")
    shows_what_is_committed(whole(experiment), experiment)


def text_of(result: Result, experiment: Experiment) -> str:
    out = io.StringIO()
    terminal.show(terminal.result(result, experiment), out, width=80)
    return out.getvalue()


def file_of(experiment: Experiment) -> Path:
    return GOLDEN / f"{experiment.id}.txt"


def shows_what_is_committed(result: Result, experiment: Experiment) -> None:
    file, now = file_of(experiment), text_of(result, experiment)
    before = file.read_text("utf-8") if file.exists() else ""
    change = "\n".join(difflib.unified_diff(before.splitlines(), now.splitlines(), "committed", "now", lineterm=""))
    assert not change, f"{change}\nIf this is meant: make golden, and read the diff."
    of_page = store.committed_digest(experiment.id)
    assert of_page in ("", result.digest), "The page's result is another one. If this is meant: make golden."


def test_nothing_is_committed_of_experiments_that_are_gone() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} <= set(NAMES)


def test_a_quick_run_is_cheap(result: Result) -> None:
    assert sum(result.provenance["cpu_s"].values()) < 10 * CPU_S * len(result.seeds) / 3


def at(experiment: Experiment, **given: object) -> Done:
    """What the naive design does in this setting, small otherwise, measured and drawn."""
    naive = next(iter(experiment.designs))
    return execute(experiment, Job("sim", naive, 0, 0, least(experiment, **given), charts=True))


def least(experiment: Experiment, **given: object) -> dict[str, object]:
    """This setting, small otherwise."""
    short = {one.name: one.low for one in describe(experiment.params) if one.name == "run_s"}
    return settings(experiment.params, {**experiment.quick, **short, **given})


def leasts(experiment: Experiment) -> list[dict[str, object]]:
    """The settings in which one parameter is at its least, each once: several are what a quick run has."""
    low = {one.name: one.low for one in describe(experiment.params) if one.low is not None}
    given = [least(experiment, **{name: value}) for name, value in low.items()]
    return [one for place, one in enumerate(given) if one not in given[:place]]


def is_measured(experiment: Experiment, given: dict[str, object]) -> None:
    """In this setting all that is measured is a number."""
    naive = next(iter(experiment.designs))
    found = execute(experiment, Job("sim", naive, 0, 0, given, charts=True)).measures
    assert all(isinstance(x, int | float) for x in found.values()), given


LOOKED_AT_AGAIN = 3
"""Of so many settings one, where a doubt of the text as it stands has tried them all; soak tries them all again."""


def test_it_is_measured_at_the_least_of_each_parameter(experiment: Experiment) -> None:
    if experiment.stages[0] != "sim":
        pytest.skip("it does not run in the tunnel")
    every = LOOKED_AT_AGAIN if doubted(experiment.id) == "ok" else 1
    for given in leasts(experiment)[::every]:
        is_measured(experiment, given)


@pytest.mark.soak
def test_it_is_measured_at_all_leasts_of_its_parameters(experiment: Experiment) -> None:
    if experiment.stages[0] != "sim":
        pytest.skip("it does not run in the tunnel")
    for given in leasts(experiment):
        is_measured(experiment, given)


@pytest.mark.soak
def test_it_is_measured_at_the_most_of_each_parameter(experiment: Experiment) -> None:
    if experiment.stages[0] != "sim":
        pytest.skip("it does not run in the tunnel")
    for one in describe(experiment.params):
        if one.high is not None:
            kind = type(one.default)
            most = min(one.high, 20 * one.default) if one.default else one.high  # more would take minutes
            assert at(experiment, **{one.name: kind(most)}).measures, one.name


@pytest.mark.parametrize("capacity", [12, 24, 48, 53, 96])
def test_the_map_finds_its_loads_at_capacities_where_dividing_does_not_give_them_back(capacity: int) -> None:
    assert at(find("metastable-map"), capacity=capacity, run_s=20).measures["survives_at_70_s"] >= 0


def test_a_service_that_nobody_asks_has_no_attempts_a_request() -> None:
    found = at(find("metastable-failure"), load=0.01, capacity=1, run_s=20).measures
    assert found["ops"] == 0
    assert math.isnan(found["attempts_per_request"])


def test_a_dead_design_does_not_have_the_best_p99() -> None:
    found = run(find("metastable-failure"), quick=True, seeds=[0], designs=["three_retries", "delay_control"], jobs=1)
    (dead,), (cure,) = (found.samples(d, "latency_p99_ms") for d in ("three_retries", "delay_control"))
    assert not dead <= cure
    assert found.samples("three_retries", "answered_share")[0] < 0.5


@pytest.mark.soak
def test_its_figures_are_reproduced_or_it_is_said_why_not(experiment: Experiment) -> None:
    told = {name for one, name in NOT_REPRODUCED if one == experiment.id}
    judged = [f for f in run(experiment).figures if f.verdict not in ("skipped", "shown")]
    if experiment.measured:  # on a machine that others use too an interval may straddle
        assert [f.name for f in judged if f.verdict == "missed"] == []
        return
    assert {f.name for f in judged if f.verdict != "reproduced"} == told
    wrong = [(f.name, f.verdict, f.note) for f in judged if f.name in told]
    assert all(NOT_REPRODUCED[experiment.id, name][0] == verdict for name, verdict, _ in wrong), wrong


def test_what_is_said_of_figures_speaks_of_figures_that_are_there() -> None:
    there = {(e.id, f.name) for e in map(find, NAMES) for f in e.figures}
    assert set(NOT_REPRODUCED) <= there
    assert all(reason.endswith(".") for _, reason in NOT_REPRODUCED.values())
