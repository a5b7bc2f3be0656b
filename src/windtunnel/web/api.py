"""What the page's code and other programs ask for: JSON in, JSON out, an error one sentence."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from math import isfinite, nan
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from windtunnel.lab import progress
from windtunnel.lab.cards import cards
from windtunnel.lab.charts import drawn
from windtunnel.lab.described import described
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.grading.challenge import YOURS
from windtunnel.lab.params import settings
from windtunnel.lab.result import Result, rows
from windtunnel.web import store
from windtunnel.web.asked import body_of, experiment_of, left_out, moved, of_body, whole
from windtunnel.web.crew import Crew, Message, Work
from windtunnel.web.own import Own
from windtunnel.web.pages import answers, render
from windtunnel.web.recorded import recorded
from windtunnel.web.results import as_csv, view
from windtunnel.web.surprise import surprise
from windtunnel.web.svg import picture

T = TypeVar("T")
KEPT = 60
"""Results and pictures that are kept; the oldest go first."""
UNHEARD_S = 5.0
"""A run whose events nobody hears for so long is stopped: its tab is closed."""
QUICK_SEEDS = 3


class Shelf(OrderedDict[str, T]):
    """The newest of what was put there."""

    def put(self, key: str, value: T) -> str:
        """Keep it; returns its key."""
        self[key] = value
        while len(self) > KEPT:
            self.popitem(last=False)
        return key


@dataclass(eq=False)
class Run:
    """A run that a page asked for."""

    experiment: Experiment[Any]
    work: Work
    watch: asyncio.Task[None] | None = None

    @property
    def result(self) -> Result | None:
        """What was found; None where it is not over, or went wrong."""
        last = self.work.messages[-1] if self.work.over else {}
        return Result.from_json(last["done"]["result"]) if "done" in last else None


class Api:
    """The handlers, with what they keep: runs under way, pictures, results."""

    def __init__(self, crew: Crew, own: Own | None = None) -> None:
        self.crew = crew
        self.own = own
        self.runs: Shelf[Run] = Shelf()
        self.pictures: Shelf[dict[str, bytes]] = Shelf()
        self.quick: Shelf[Result] = Shelf()

    def routes(self) -> list[Route]:
        """Addresses and who serves them."""
        one = "/api/experiments/{name}"
        run = "/api/runs/{id}"
        found: Sequence[tuple[str, Callable[..., Any], list[str]]] = (
            ("/api/experiments", self.list, ["GET"]),
            (one, self.describe, ["GET"]),
            (f"{one}/result.json", self.result_json, ["GET"]),
            (f"{one}/result.csv", self.result_csv, ["GET"]),
            (f"{one}/preview", self.preview, ["POST"]),
            (f"{one}/runs", self.begin, ["POST"]),
            (f"{one}/case", self.case, ["POST"]),
            (f"{one}/guess", self.guess, ["POST"]),
            (run, self.cancel, ["DELETE"]),
            (f"{run}/events", self.events, ["GET"]),
            (f"{run}/result.json", self.run_json, ["GET"]),
            (f"{run}/result.csv", self.run_csv, ["GET"]),
            (f"{run}/fragment", self.fragment, ["GET"]),
            ("/api/traces/{key}/{design}", self.trace, ["GET"]),
            ("/api/own", self.saved, ["GET"]),
            ("/api/openapi.json", self.schema, ["GET"]),
        )
        return [Route(path, handler, methods=methods) for path, handler, methods in found]

    # --- what is known -------------------------------------------------------------------------------------------
    def list(self, request: Request) -> Response:
        """Every experiment and its question."""
        return JSONResponse([card._asdict() for card in cards()])

    def describe(self, request: Request) -> Response:
        """An experiment as plain data."""
        return JSONResponse(described(experiment_of(request.path_params["name"])))

    def known(self, experiment: Experiment[Any]) -> Result | None:
        """The result that an experiment's page shows at once."""
        found = self.quick.get(experiment.id)
        if found is None:
            found = store.committed_result(experiment)
            if found is not None:
                self.quick.put(experiment.id, found)
        return found

    def _known(self, request: Request) -> Result:
        found = self.known(experiment_of(request.path_params["name"]))
        if found is None:
            raise HTTPException(404, "No result of this experiment is known yet; ask for a run.")
        return found

    def result_json(self, request: Request) -> Response:
        """The committed quick result, or one that was measured since."""
        return Response(self._known(request).to_json(), media_type="application/json")

    def result_csv(self, request: Request) -> Response:
        """The same as lines of design, seed, setting, measure and value."""
        return PlainTextResponse(as_csv(self._known(request)), media_type="text/csv")

    def schema(self, request: Request) -> Response:
        """What can be asked here, as OpenAPI."""
        from windtunnel.web.schema import schema

        return JSONResponse(schema())

    def saved(self, request: Request) -> Response:
        """The file of one's own design, where the server was started with one, and when it was saved."""
        return JSONResponse(self.own.told() if self.own is not None else {})

    # --- runs ----------------------------------------------------------------------------------------------------
    async def preview(self, request: Request) -> Response:
        """One seed of two or three designs in the small setting: a result, and where their pictures are."""
        experiment = await run_in_threadpool(experiment_of, request.path_params["name"])
        body = await body_of(request, ("params", "seed", "designs", "without", "moved", "yours"))
        asked = of_body(experiment, body)
        task = {"kind": "preview", "name": experiment.id, "params": asked.params, "seed": asked.seed}
        task |= {"without": left_out(body), "moved": moved(body)}
        tasks = [{**task, "design": design} for design in asked.pair]  # each by its own worker
        own = self.own if self.own is not None and self.own.name == experiment.id else None
        if own is not None and body.get("yours", False) is True:
            tasks.append({**task, "design": YOURS, "file": str(own.file), "saved": own.saved()})
        lasts = await self.performed(request, tasks, exact=False)
        from base64 import b64decode

        key = secrets.token_urlsafe(9)
        found = {d: last["done"] for d, last in zip([*asked.pair, YOURS], lasts, strict=False) if "done" in last}
        pictures = {design: b64decode(one["trace"]) for design, one in found.items() if "trace" in one}
        self.pictures.put(key, pictures)
        traces = {design: f"/api/traces/{key}/{design}" for design in pictures}
        measures = {design: one["measures"] for design, one in found.items()}
        told = {"key": key, "traces": traces, "measures": measures}
        told |= {one: lasts[0]["done"][one] for one in ("params", "faults")}
        if len(lasts) > len(asked.pair) and "done" not in lasts[-1]:
            told["wrong"] = _sentence(lasts[-1])
        if len(pictures) < len(found):
            charts = {design: one["charts"] for design, one in found.items() if "charts" in one}
            told["charts"] = await run_in_threadpool(_charts, experiment, charts)
        return JSONResponse(told)

    async def performed(self, request: Request, tasks: Sequence[dict[str, Any]], *, exact: bool) -> Sequence[Message]:
        """The last messages of these tasks. Raises HTTPException where one of our own went wrong."""
        works: list[Work] = []
        try:
            for task in tasks:
                work = await self._submit(task, exact)
                works.append(work)
            lasts = await self._until_over(request, works)
        except BaseException:
            for work in works:
                work.cancel()
            raise
        if "done" not in lasts[0]:
            raise HTTPException(422, _sentence(lasts[0]))
        return lasts

    async def _until_over(self, request: Request, works: Sequence[Work]) -> Sequence[Message]:
        """The last messages of runs; all are given up where the one who asked has gone, or one went wrong."""
        ended = [asyncio.create_task(work.ended()) for work in works]
        waited: set[asyncio.Task[Message]] = set(ended)
        try:
            while waited:
                over, waited = await asyncio.wait(waited, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
                ours = [one for one, work in zip(ended, works, strict=True) if work.kind != "own"]
                wrong = [one.result() for one in over if one in ours and "done" not in one.result()]
                if wrong or (waited and await request.is_disconnected()):
                    for work in works:
                        await self.crew.forget(work)
                if wrong:
                    return wrong[:1]
            return [one.result() for one in ended]
        finally:
            for one in ended:
                one.cancel()

    async def case(self, request: Request) -> Response:
        """The smallest case in which the naive design fails, as a sentence and a diagram of text."""
        experiment = await run_in_threadpool(experiment_of, request.path_params["name"])
        await body_of(request, ())
        if not experiment.demands:
            raise HTTPException(422, f"{experiment.id} makes no demands, so nothing fails in it.")
        (last,) = await self.performed(request, [{"kind": "case", "name": experiment.id}], exact=True)
        return JSONResponse(last["done"])

    def trace(self, request: Request) -> Response:
        """The picture document of a design."""
        found = self.pictures.get(request.path_params["key"], {}).get(request.path_params["design"])
        if found is None:
            raise HTTPException(404, "This picture is not kept any more; ask for a new preview.")
        return Response(found, media_type="application/octet-stream")

    async def begin(self, request: Request) -> Response:
        """Begin to measure every design, in the small setting or in full."""
        experiment = await run_in_threadpool(experiment_of, request.path_params["name"])
        body = await body_of(request, ("params", "seed", "seeds", "quick"))
        asked = of_body(experiment, body)
        quick = body.get("quick", True)
        if not isinstance(quick, bool):
            raise HTTPException(422, "`quick` is true or false.")
        count = whole(body.get("seeds", QUICK_SEEDS if quick else experiment.seeds), "count of seeds", 50)
        if count == 0:
            raise HTTPException(422, "A run needs one seed at least.")
        seeds = [asked.seed + i for i in range(count)]
        task: dict[str, Any] = {"kind": "run", "name": experiment.id, "params": asked.params, "seeds": seeds}
        task["quick"] = quick
        work = await self._submit(task, exact=True)
        run = Run(experiment, work)
        key = self._keep(run)
        run.watch = asyncio.create_task(self._unless_heard(run))
        return JSONResponse({"id": key, "events": f"/api/runs/{key}/events"}, status_code=202)

    def _keep(self, run: Run) -> str:
        """A place for a run; of those that are over the oldest goes."""
        key = secrets.token_urlsafe(9)
        self.runs[key] = run
        while len(self.runs) > 4 * KEPT:
            over = next((k for k, one in self.runs.items() if one.work.over), None)
            if over is None:
                break
            del self.runs[over]
        return key

    async def _submit(self, task: dict[str, Any], exact: bool) -> Work:
        work = await self.crew.submit(task, exact)
        if work is None:
            raise HTTPException(503, "As many runs as are kept wait already; come again when some are over.")
        return work

    async def _unless_heard(self, run: Run) -> None:
        """Stop a run that nobody listens to."""
        unheard_s, step_s = 0.0, 0.5
        while not run.work.over:
            await asyncio.sleep(step_s)
            unheard_s = 0.0 if run.work.listeners else unheard_s + step_s
            if unheard_s >= UNHEARD_S:
                await self.crew.forget(run.work)
                return

    def _run(self, request: Request) -> Run:
        found = self.runs.get(request.path_params["id"])
        if found is None:
            raise HTTPException(404, "There is no such run, or it is not kept any more.")
        return found

    async def cancel(self, request: Request) -> Response:
        """Stop a run."""
        run = self._run(request)
        await self.crew.forget(run.work)
        return JSONResponse({"cancelled": not run.work.over or "wrong" in run.work.messages[-1]})

    async def events(self, request: Request) -> Response:
        """How far a run is, as server-sent events, until it is over."""
        run = self._run(request)
        return StreamingResponse(self._told(run), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def _told(self, run: Run) -> AsyncIterator[str]:
        work, told = run.work, 0
        work.listeners += 1
        try:
            while True:
                news = work.news
                for message in work.messages[told:]:
                    yield _event(message)
                    told += 1
                if work.over:
                    if "done" in work.messages[-1]:
                        yield await run_in_threadpool(self._finished, run)
                    return
                if not told:
                    yield _line("progress", [0, 0])
                await news.wait()
        finally:
            work.listeners -= 1

    def _finished(self, run: Run) -> str:
        """The last event: what the page needs besides the fragment."""
        result = run.result
        assert result is not None
        if result.params == settings(run.experiment.params, run.experiment.quick) and result.seeds == [0, 1, 2]:
            self.quick.put(run.experiment.id, result)
        progress.note(run.experiment.id, ran=True)
        found = {"answers": answers(result), "seeds": len(result.seeds), "verdict": result.verdict}
        return _line("done", {**found, "recorded": recorded(result, run.experiment)})

    def _result_of(self, request: Request) -> tuple[Run, Result]:
        run = self._run(request)
        result = run.result
        if result is None:
            raise HTTPException(404, "This run has no result: it is not over, or it went wrong.")
        return run, result

    def run_json(self, request: Request) -> Response:
        """A run's result."""
        return Response(self._result_of(request)[1].to_json(), media_type="application/json")

    def run_csv(self, request: Request) -> Response:
        """A run's result as lines."""
        return PlainTextResponse(as_csv(self._result_of(request)[1]), media_type="text/csv")

    def fragment(self, request: Request) -> Response:
        """A run's result as a piece of the page."""
        run, result = self._result_of(request)
        told = surprise(result, next(iter(run.experiment.designs)))
        return HTMLResponse(render("parts/result.html", view=view(result, run.experiment), surprise=told))

    # --- the learner ---------------------------------------------------------------------------------------------
    async def guess(self, request: Request) -> Response:
        """Note that somebody committed to a number before they saw the result, or `again` after some days."""
        experiment = await run_in_threadpool(experiment_of, request.path_params["name"])
        body = await body_of(request, ("ask", "number", "again"))
        index = whole(body.get("ask", 0), "question", max(0, len(experiment.asks) - 1))
        number = body.get("number", "")
        if number is not None and (
            isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1e300
        ):
            raise HTTPException(422, "`number` is the number that was guessed, or null where nobody wanted to guess.")
        if index >= len(experiment.asks):
            raise HTTPException(422, f"{experiment.id} asks nothing before its result.")
        if body.get("again", False) is True and number is not None:
            question = experiment.asks[index].question
            done = await run_in_threadpool(progress.recalled, experiment.id, question, float(number))
            return JSONResponse(asdict(done))
        known = await run_in_threadpool(self.known, experiment)
        done = await run_in_threadpool(_noted, experiment, known, index, number)
        return JSONResponse(asdict(done))


def _noted(experiment: Experiment[Any], known: Result | None, index: int, number: float | None) -> progress.Done:
    """Keep a guess beside what was measured, where that is known: the menu asks again after some days."""
    ask = experiment.asks[index]
    measured = known.asks[index].mean if known is not None else nan
    if not isfinite(measured):
        return progress.note(experiment.id)
    day = date.today().isoformat()
    said = None if number is None else float(number)
    return progress.note(experiment.id, guesses=[progress.Guess(ask.question, said, measured, ask.unit, day)])


def _charts(experiment: Experiment[Any], designs: Mapping[str, Any]) -> str:
    """The charts of designs, as a worker told them, as a piece of the page."""
    told = {name: rows(charts) for name, charts in designs.items()}
    found = [
        picture(drawn(one), {name: charts[i] for name, charts in told.items()}, f"p{i}")
        for i, one in enumerate(experiment.charts)
    ]
    return render("parts/charts.html", charts=[one for one in found if one.panels])


def _sentence(message: Message) -> str:
    """What was wrong, for a person; a fault of ours is told to the terminal as well."""
    if "broken" in message:
        import sys

        print(message["broken"], file=sys.stderr)
        return "Windtunnel itself is broken here; the terminal in which it runs says where."
    return str(message["wrong"])


def _event(message: Message) -> str:
    if "progress" in message:
        return _line("progress", message["progress"])
    return "" if "done" in message else _line("wrong", _sentence(message))


def _line(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
