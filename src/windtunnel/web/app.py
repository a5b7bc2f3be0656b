"""The application: pages, the interface of their code, static files, behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from windtunnel.lab.errors import WrongInput
from windtunnel.web import files, pages, store
from windtunnel.web.api import Api
from windtunnel.web.asked import of_address
from windtunnel.web.crew import Crew
from windtunnel.web.graded import Graded
from windtunnel.web.guard import Guard, new_token, refusal
from windtunnel.web.interviews import Interviews
from windtunnel.web.own import Own

NO_STORE = {"cache-control": "no-store"}
"""A page carries the token of this server, and is worthless to the next."""


def application(port: int, token: str | None = None, crew: Crew | None = None, own: Own | None = None) -> Starlette:
    """The application of a server at this port of this machine."""
    token = new_token() if token is None else token
    crew = Crew() if crew is None else crew
    api = Api(crew, own)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        crew.start()
        try:
            yield
        finally:
            await crew.close()

    def catalogue(request: Request) -> Response:
        return HTMLResponse(pages.catalogue(token), headers=NO_STORE, background=BackgroundTask(crew.warm))

    def experiment(request: Request) -> Response:
        asked = of_address(request)
        return HTMLResponse(pages.experiment(asked, api.known(asked.experiment), token, own), headers=NO_STORE)

    def llms(request: Request) -> Response:
        return PlainTextResponse(store.for_agents())

    return Starlette(
        routes=[
            Route("/", catalogue),
            Route("/e/{name}", experiment),
            Route("/llms.txt", llms),
            *api.routes(),
            *Graded(api).routes(),
            *Interviews(api, token).routes(),
            Route("/static/{path:path}", files.serve),
        ],
        middleware=[Middleware(Guard, port=port, token=token)],
        exception_handlers={HTTPException: _refused, WrongInput: _wrong, Exception: _broken},
        lifespan=life,
    )


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {404: "There is nothing at this address.", 405: "This address does not serve that method."}
    said = error.detail if error.detail.endswith((".", "?")) else sentences.get(error.status_code, f"{error.detail}.")
    if request.url.path.startswith("/api/"):
        return refusal(error.status_code, said)
    return HTMLResponse(pages.render("wrong.html", token="", said=said), error.status_code, NO_STORE)


def _wrong(request: Request, error: Exception) -> Response:
    return _refused(request, HTTPException(422, str(error)))


def _broken(request: Request, error: Exception) -> Response:
    return _refused(request, HTTPException(500, "Windtunnel itself is broken here; the terminal says where."))
