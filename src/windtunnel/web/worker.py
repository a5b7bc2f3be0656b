"""A process that runs experiments for the page: started by the server, dead when it is.

A line of JSON a task, answered with lines: how far it is, and at last what was found, or what was wrong.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.result import plain

if TYPE_CHECKING:
    from windtunnel.lab.experiment import Experiment
    from windtunnel.lab.running.work import Job

CASE_COLUMNS = 100
"""Of the diagram of a case."""
Say = Callable[[dict[str, Any]], None]


def preview(experiment: Experiment[Any], task: Mapping[str, Any]) -> dict[str, Any]:
    """One seed of a design in the small setting, with its picture, or its charts where nothing takes time."""
    from base64 import b64encode
    from dataclasses import replace

    from windtunnel.collecting import collecting_rarely
    from windtunnel.lab.params import settings
    from windtunnel.lab.running.work import Job, execute, traced
    from windtunnel.web.picture import document

    if "sim" not in experiment.stages:
        raise WrongInput(f"{experiment.id} does not run in the tunnel, so there is no picture of it; run it in full.")
    params = settings(experiment.params, {**experiment.quick, **task["params"]})
    (design,) = experiment.choose([task["design"]])
    without = [("request", one, one) for one in task["without"]]
    with collecting_rarely():
        job = Job("sim", design, task["seed"], 0, params, trace=True, without=without, moved=task["moved"])
        measures, trace = traced(experiment, job)
        found = {"params": params, "measures": plain(measures), "faults": _order(experiment, job)}
        if trace.run.end == 0:  # all was answered as soon as it was asked: nothing moves, and its charts say more
            return {**found, "charts": plain(execute(experiment, replace(job, trace=False, charts=True)).charts)}
        return {**found, "trace": b64encode(document(trace)).decode()}


def _order(experiment: Experiment[Any], job: Job) -> list[int]:
    """The places of the experiment's faults in the order in which they strike, as the picture numbers them."""
    from windtunnel.lab.params import make
    from windtunnel.lab.running.otherwise import moved
    from windtunnel.lab.running.work import faults_of

    faults = moved(faults_of(experiment, make(experiment.params, job.params)), job.moved)
    return sorted(range(len(faults)), key=lambda place: faults[place].at_s)


def smallest(experiment: Experiment[Any]) -> dict[str, Any]:
    """The smallest case in which the naive design fails: graded as a challenger's, with one hidden seed."""
    import tempfile
    from pathlib import Path

    from windtunnel.lab.grading.challenge import write_stub
    from windtunnel.lab.grading.limits import Limits, limited

    with tempfile.TemporaryDirectory(prefix="windtunnel-case-") as folder:
        file = write_stub(experiment, Path(folder) / f"{experiment.id.replace('-', '_')}.py")
        ended = limited({"file": str(file), "seeds": 1, "width": CASE_COLUMNS}, Limits())
    found = (ended.answer or {}).get("case")
    if found is None:
        naive = next(iter(experiment.designs))
        return {"said": ended.sentence or f"What {naive} fails at takes more than a few requests.", "text": ""}
    count = f"{len(found['events'])} requests, {len(found['faults'])} faults, seed {found['seed']}"
    return {"said": f"{found['sentence']} ({count})", "text": found["text"]}


def graded(file: str) -> dict[str, Any]:
    """The verdict on the design in a file, on one hidden seed: what `windtunnel watch` shows after a save."""
    from windtunnel.lab.grading.limits import Limits, limited

    ended = limited({"file": file, "seeds": 1, "width": CASE_COLUMNS}, Limits())
    found = ended.answer or {}
    if "demands" not in found:
        return {"passed": False, "said": found.get("wrong", ended.sentence), "demands": [], "text": ""}
    demands = [{key: one[key] for key in ("expression", "because", "verdict", "shown")} for one in found["demands"]]
    case = found["case"]
    said = f"It meets all {len(demands)} demands on {found['trials']} trials." if found["passed"] else found["why"]
    if case is not None:
        said = f"{case['sentence']} ({len(case['events'])} requests, {len(case['faults'])} faults)"
    return {"passed": found["passed"], "said": said, "demands": demands, "text": case["text"] if case else ""}


def exact(experiment: Experiment[Any], task: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Every design on every seed, with all claims."""
    from windtunnel.lab.run import run

    def told(done: int, total: int, design: str, seed: int) -> None:
        say({"progress": [done, total, design, seed]})

    seeds, quick = task["seeds"], task["quick"]
    return {"result": run(experiment, seeds=seeds, quick=quick, progress=told, **task["params"]).to_json()}


def serve(lines: Iterator[str], answer: Callable[[str], None]) -> None:
    """A worker's life: a task a line. What is imported stays, so the second run of an experiment is quicker."""
    from windtunnel.lab.discovery import load, modules
    from windtunnel.lab.interview import found

    def say(message: dict[str, Any]) -> None:
        answer(json.dumps(message))

    for line in lines:
        task = json.loads(line)
        try:
            experiment = load(modules()[task["name"]])  # never a file: the server asks for names of the catalogue
            match task["kind"]:
                case "preview":
                    done = preview(experiment, task)
                case "case":
                    done = smallest(experiment)
                case "grade":
                    done = graded(task["file"])
                case "interview":
                    done = {"found": plain(found(experiment, task["need"], quick=False))}
                case _:
                    done = exact(experiment, task, say)
            say({"done": done})
        except (WrongInput, DesignError) as error:
            say({"wrong": str(error)})
        except MemoryError:
            say({"wrong": "There was not enough memory for this run; ask for less."})
        except Exception:
            say({"broken": traceback.format_exc()})


def serve_own(lines: Iterator[str], answer: Callable[[str], None]) -> None:
    """As `serve`, with the design of a file beside the experiment's own, in the limits in which it would be graded."""
    from windtunnel.lab.grading.confined import allow, confine, limit
    from windtunnel.lab.grading.limits import Limits

    limits, experiment = Limits(), None
    limit(limits.cpu_s, limits.memory_bytes)
    for line in lines:
        task = json.loads(line)
        allow(limits.cpu_s)
        try:
            if experiment is None:
                from windtunnel.lab.grading.loaded import joined

                confine()
                experiment = joined(task["file"])
            found: dict[str, Any] = {"done": preview(experiment, task)}
        except (WrongInput, DesignError) as error:
            found = {"wrong": str(error)}
        except (RecursionError, MemoryError) as error:
            found = {"wrong": f"The design went too deep or too wide: {type(error).__name__}."}
        except BaseException as error:  # nobody presses Ctrl-C here: all of it is the design's own
            found = {"wrong": f"The design raised {type(error).__name__}, which is no outcome of a request."}
        answer(json.dumps(found))


if __name__ == "__main__":
    import sys

    from windtunnel.lab.running.worker import live

    live(serve_own if "--own" in sys.argv else serve)
