"""The verdict on a design of the user's own: of the one file that was named on the command line, and no other."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from windtunnel.lab import progress
from windtunnel.web.api import Api
from windtunnel.web.asked import body_of, experiment_of

NO_FILE = "This server was started without a design of yours for it: windtunnel web --design FILE."


class Graded:
    """The handler, beside those of the interface, whose workers it uses."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def routes(self) -> list[Route]:
        """The address, and who serves it."""
        return [Route("/api/experiments/{name}/grade", self.grade, methods=["POST"])]

    async def grade(self, request: Request) -> Response:
        """The file as it stands now, graded on one seed that it has not seen."""
        experiment = await run_in_threadpool(experiment_of, request.path_params["name"])
        await body_of(request, ())
        own = self._api.own
        if own is None or own.name != experiment.id:
            raise HTTPException(422, NO_FILE)
        task = {"kind": "grade", "name": experiment.id, "file": str(own.file)}
        (last,) = await self._api.performed(request, [task], exact=True)
        found: dict[str, Any] = last["done"]
        if found["demands"]:
            # Passed is who passes all that `windtunnel grade` tries, and not one seed.
            await run_in_threadpool(lambda: progress.note(experiment.id, graded=True))
        return JSONResponse(found)
