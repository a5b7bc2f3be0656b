"""Interviews on the page: the same questions as in the terminal, and the board beside them."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from windtunnel.lab.interview import Interview
from windtunnel.lab.result import plain
from windtunnel.web.asked import body_of, experiment_of
from windtunnel.web.pages import render

if TYPE_CHECKING:
    from windtunnel.web.api import Api

MOST_SAID = 2000
"""Characters of an answer."""


@dataclass(eq=False)
class Held:
    """An interview of a page, which takes one answer at a time."""

    interview: Interview
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Interviews:
    """Pages and handlers of interviews; they are kept as results are."""

    def __init__(self, api: Api, token: str) -> None:
        from windtunnel.web.api import Shelf

        self.api, self.token = api, token
        self.kept: Shelf[Held] = Shelf()

    def routes(self) -> list[Route]:
        """Addresses and who serves them."""
        return [
            Route("/e/{name}/interview", self.page),
            Route("/api/experiments/{name}/interview", self.begin, methods=["POST"]),
            Route("/api/interviews/{key}", self.answer, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page of an interview, before its first question."""
        experiment = await run_in_threadpool(experiment_of, request.path_params["name"])
        if experiment.board is None:
            raise HTTPException(404, f"{experiment.id} has no board for an interview.")
        return HTMLResponse(
            render("interview.html", experiment=experiment, token=self.token), headers={"cache-control": "no-store"}
        )

    async def begin(self, request: Request) -> Response:
        """Begin an interview: its first question, and where answers go."""
        experiment = await run_in_threadpool(experiment_of, request.path_params["name"])
        await body_of(request, ())
        held = Held(Interview(experiment))
        return JSONResponse({"key": self.kept.put(secrets.token_urlsafe(9), held), **_next(held.interview)})

    async def answer(self, request: Request) -> Response:
        """Take an answer; what is said to it, what stands on the board, and the next question.

        `at`, where it is said, is the number of the question. One that has its answer is not asked again: who sends an
        answer twice, as after a broken connection, is told twice what was said to it.
        """
        held = self.kept.get(request.path_params["key"])
        if held is None:
            raise HTTPException(404, "This interview is not kept any more; begin another one.")
        body = await body_of(request, ("text", "at"))
        text = body.get("text", "")
        if not isinstance(text, str) or len(text) > MOST_SAID:
            raise HTTPException(422, f"`text` is what was answered, {MOST_SAID} characters at most.")
        one = held.interview
        async with held.turn:
            at = body.get("at", len(one.told))
            if type(at) is not int or not 0 <= at <= len(one.told):
                raise HTTPException(422, f"`at` is the number of the question, {len(one.told)} at most.")
            if at < len(one.told):
                return JSONResponse({"told": plain(asdict(one.told[at])), **_next(one)})
            need, found = one.need(text), None
            if need is not None:
                task = {"kind": "interview", "name": one.experiment.id, "need": list(need)}
                (last,) = await self.api.performed(request, [task], exact=True)
                found = last["done"]["found"]
            told = one.answer(text, found)
        return JSONResponse({"told": plain(asdict(told)), **_next(one)})


def _next(one: Interview) -> dict[str, Any]:
    """The question that waits, or what is said at the end."""
    step = one.step
    return {
        "at": len(one.told),
        "step": asdict(step) if step is not None else None,
        "closing": [] if step is not None else one.closing(),
    }
