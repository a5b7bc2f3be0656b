"""The verb: run an experiment, and judge its claims and figures on what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windtunnel.collecting import collecting_rarely
from windtunnel.lab.asks import explained
from windtunnel.lab.charts import drawn
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.footing import Named, choose, speaks_of as speaks_of_stage
from windtunnel.lab.judge import judge_asks, judge_claims, judge_figures
from windtunnel.lab.params import settings
from windtunnel.lab.result import Result, Run as RunOf, is_other, rows
from windtunnel.lab.running.work import Done, Job, execute

if TYPE_CHECKING:
    from windtunnel.lab.trace.columns import Traces

MOST_SEEDS = 10_000
"""In one run: more would not come to an end, nor tell more."""
ALONE_CPU_S = 1.5
"""A run that needs less stays in one process: others would cost more to start than they save."""
Progress = Callable[[int, int, str, int], object]
"""Called with (jobs done, jobs in all, design, seed) after each job."""
Note = Callable[[Job, Done], object]
Do = Callable[[list[Job]], list[Done]]


def run(
    experiment: Experiment[Any],
    stage: Named | None = None,
    seeds: int | Iterable[int] | None = None,
    designs: Iterable[str] | None = None,
    *,
    on: Mapping[str, str] | None = None,
    quick: bool = False,
    jobs: int | None = None,
    with_file: str = "",
    histories: Path | None = None,
    progress: Progress | None = None,
    trace: bool = False,
    **params: object,
) -> Result:
    """Run every chosen design with every seed, and judge.

    The same seeds give the same digests alone and in parallel, with one design or all, in any process.

    Args:
        stage: where; the experiment's first stage by default.
        on: engine by port, where single ports shall stand on something else.
        seeds: how many (0, 1, ...), or which.
        designs: which; all by default. Claims that speak of others are skipped.
        quick: start from the experiment's `quick` parameters, as the tests do; figures are not judged.
        jobs: how many processes; by default as many as there are cores, and one where it would be over as soon. Only
            the simulator runs in several.
        with_file: a Python file with one more design.
        histories: a folder to write each history to, one `DESIGN-SEED.jsonl` each.
        progress: told after each job.
        trace: record every design with the first seed; see `Result.trace`. In the tunnel alone.
        params: values for parameters.

    Raises:
        WrongInput: something given cannot be used; nothing was run, or the run was stopped.
        DesignError: a design is broken.
    """
    own = experiment
    if with_file:
        from windtunnel.lab.outside import with_design

        experiment = with_design(experiment, with_file)
    if histories is not None:
        try:
            histories.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WrongInput(f"{histories} cannot be made a folder of histories: {error.strerror}.") from error
    where = choose(experiment.id, experiment.stages, stage, on)
    if trace and where != "sim":
        raise WrongInput(f"A trace is recorded in the tunnel, and stage {where} is real; leave trace out, or take sim.")
    return judged(
        experiment,
        where,
        lambda todo: perform(own, with_file, experiment, where, todo, jobs, progress),
        seeds,
        designs,
        quick,
        params,
        histories,
        trace,
    )


def judged(
    experiment: Experiment[Any],
    where: str,
    do: Do,
    seeds: int | Iterable[int] | None = None,
    designs: Iterable[str] | None = None,
    quick: bool = False,
    params: Mapping[str, object] | None = None,
    histories: Path | None = None,
    trace: bool = False,
) -> Result:
    """As `run`, where somebody else does the jobs: `do` returns what came of each of them, in their order."""
    chosen = experiment.choose(designs)
    numbers = seeds_of_run(experiment.seeds if seeds is None else seeds)
    wanted = _Settings(experiment, {**(experiment.quick if quick else {}), **(params or {})})
    usual = not quick and wanted.all[0] == settings(experiment.params, {})
    todo = _jobs(experiment, where, chosen, numbers, wanted, usual, histories, trace)
    for job in todo:
        if job.history and is_other(Path(job.history)):  # said before the work
            raise WrongInput(f"{job.history} cannot be written: it is there already, and no file.")
    done = do(todo)
    runs = [
        RunOf(job.design, job.seed, job.setting, found.measures, found.digest, rows(found.charts))
        for job, found in zip(todo, done, strict=True)
    ]
    order = {name: i for i, name in enumerate(chosen)}
    runs.sort(key=lambda r: (r.setting, order[r.design]))
    claims = judge_claims(experiment, where, chosen, runs, wanted.of_claim, wanted.all)
    figures = judge_figures(experiment, where, chosen, runs, wanted.of_figure, wanted.all, usual)
    cpu: dict[str, float] = {}
    for job, found in zip(todo, done, strict=True):
        cpu[job.design] = round(cpu.get(job.design, 0.0) + found.cpu_s, 3)
    faults = experiment.faults_for(experiment.params(**wanted.all[0]))
    from windtunnel.lab.provenance import provenance

    return Result(
        experiment.id,
        experiment.title,
        experiment.question,
        where,
        numbers,
        chosen,
        wanted.all,
        runs,
        claims,
        figures,
        [drawn(chart, faults) for chart in experiment.charts],
        judge_asks(experiment, chosen, runs, wanted.all[0]),
        explained(experiment.why, claims),
        list(experiment.shows),
        {**provenance(), "cpu_s": cpu},
        _traces(chosen, todo, done) if trace else None,
    )


def _traces(chosen: list[str], todo: list[Job], done: list[Done]) -> Traces:
    """What was recorded, in the order of the designs."""
    from base64 import b64decode

    from windtunnel.lab.trace.columns import Traces

    packs = {job.design: b64decode(found.trace) for job, found in zip(todo, done, strict=True) if found.trace}
    return Traces(packs[design] for design in chosen)


class _Settings:
    """The parameters of the run, and those of other settings that claims and figures speak of."""

    def __init__(self, experiment: Experiment[Any], given: Mapping[str, object]) -> None:
        self.all = [settings(experiment.params, given)]
        self.of_claim = [self._index(experiment, {**given, **c.given}) for c in experiment.claims]
        self.of_figure = [self._index(experiment, f.given) for f in experiment.figures]

    def _index(self, experiment: Experiment[Any], given: Mapping[str, object]) -> int:
        found = settings(experiment.params, given)
        if found not in self.all:
            self.all.append(found)
        return self.all.index(found)


def seeds_of_run(seeds: int | Iterable[int]) -> list[int]:
    """The seeds, where a count means the first so many. Raises WrongInput."""
    if isinstance(seeds, int):
        seeds = range(min(seeds, MOST_SEEDS + 1))
    found = list(dict.fromkeys(islice(seeds, MOST_SEEDS + 1)))
    if not found:
        raise WrongInput("A run needs one seed at least.")
    if len(found) > MOST_SEEDS:
        raise WrongInput(f"A run takes {MOST_SEEDS:,} seeds at most.")
    return found


def _jobs(
    experiment: Experiment[Any],
    stage: str,
    chosen: list[str],
    seeds: list[int],
    wanted: _Settings,
    usual: bool,
    histories: Path | None,
    trace: bool,
) -> list[Job]:
    """Every design with every seed in the run's setting; in another setting those that somebody speaks of."""
    from windtunnel.lab.claims import applies, check, speaks_of

    needed: dict[int, set[str]] = {0: set(chosen)}
    spoken = list(zip(experiment.claims, wanted.of_claim, strict=True))
    for text in (*(c.expression for c in experiment.claims), *(a.answer for a in experiment.asks)):
        check(text, experiment.designs)
    said = [(c.expression, c.stages, i) for c, i in spoken if applies(c.where, wanted.all[i])]
    if usual:
        said += [(f.ours, f.stages, i) for f, i in zip(experiment.figures, wanted.of_figure, strict=True)]
    for expression, stages, index in said:
        check(expression, experiment.designs)
        named = set(speaks_of(expression))
        if named <= set(chosen) and speaks_of_stage(stages, stage):
            needed.setdefault(index, set()).update(named)
    return [
        Job(
            stage,
            design,
            seed,
            index,
            wanted.all[index],
            charts=index == 0 and seed == seeds[0],
            history=str(histories / f"{design}-{seed}.jsonl") if histories is not None and index == 0 else "",
            trace=trace and index == 0 and seed == seeds[0],
        )
        for index in sorted(needed)
        for seed in seeds  # the jobs of a seed side by side: its workload is made once
        for design in chosen
        if design in needed[index]
    ]


def perform(
    own: Experiment[Any],
    with_file: str,
    experiment: Experiment[Any],
    stage: str,
    todo: list[Job],
    jobs: int | None,
    progress: Progress | None,
    note: Note | None = None,
) -> list[Done]:
    """Do the jobs: side by side where they are simulated and a worker can find the experiment, else one by one.

    Where nobody has said how many processes it shall be, the first jobs are done here, until they tell that it pays.
    `note` hears of each when it is done; what it raises stops the rest.
    """
    import sys

    from windtunnel.lab.running.pool import cores, work

    count = min(cores() if jobs is None else jobs, len(todo))
    finished = 0

    def tell(job: Job, one: Done) -> None:
        nonlocal finished
        finished += 1
        if note is not None:
            note(job, one)
        if progress is not None:
            progress(finished, len(todo), job.design, job.seed)

    importable = own.module != "__main__" and getattr(sys.modules.get(own.module), "experiment", None) is own
    several = count > 1 and stage == "sim" and importable
    trying = jobs is None and not with_file  # a stranger's design may end the process in which it runs
    done: list[Done] = []
    with collecting_rarely() if stage == "sim" else nullcontext():  # once: each end of it is a look for garbage
        for job in todo:
            if several and not (trying and forecast_s(done, len(todo)) <= ALONE_CPU_S):
                break
            done.append(execute(experiment, job))
            tell(job, done[-1])
    rest = todo[len(done) :]
    return done + (work(own.module, with_file, rest, count, tell) if rest else [])


def forecast_s(done: list[Done], jobs: int) -> float:
    """The CPU that so many jobs will have used, by those that are done; 0 where none is."""
    return sum(one.cpu_s for one in done) / len(done) * jobs if done else 0.0
