"""The addresses: `/v1/models`, `/v1/completions`, `/v1/chat/completions`, `/metrics`, `/health`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from time import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from windtunnel.blocks.serving import Sequence
from windtunnel.serve import asked, metrics
from windtunnel.serve.answers import Shape, event, used
from windtunnel.serve.model import Model
from windtunnel.serve.prompts import prompts
from windtunnel.serve.refusals import NotServed
from windtunnel.serve.runner import Runner, Ticket, Told
from windtunnel.serve.visitors import Visitors
from windtunnel.serve.writing import Piece, Writer

MOST_BYTES = 4 << 20
"""Of what a request may carry."""
FAILED = {
    "fault": NotServed("The model failed this answer: its numbers became too large, or the engine stopped.", 500),
    "ended": NotServed("The server is ending.", 503),
}


class Answering(Response):
    """An answer that is under way: it ends when all is said, or when the client has gone."""

    def __init__(self, runner: Runner, shape: Shape, tickets: list[Ticket], queue: asyncio.Queue[Told]) -> None:
        super().__init__()
        self._runner, self._shape, self._tickets, self._queue = runner, shape, tickets, queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Whatever ends this, the engine is told what nobody waits for any more."""
        speaking = asyncio.ensure_future(
            self._events(send) if self._shape.asked.stream else self._whole(scope, receive, send)
        )
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({speaking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if speaking.done():
                speaking.result()
        except OSError:  # nobody is there to be told
            pass
        finally:
            self._runner.abort(self._tickets)
            for one in (speaking, leaving):
                one.cancel()
            await asyncio.gather(speaking, leaving, return_exceptions=True)

    async def _pieces(self) -> AsyncIterator[Told]:
        left = len(self._tickets)
        while left:
            index, piece = await self._queue.get()
            left -= piece.finish is not None
            yield index, piece

    def _usage(self) -> dict[str, int]:
        answers = self._shape.asked.answers
        read = sum(one.sequence.prompt_length for one in self._tickets[::answers])
        return used(read, sum(one.writer.count for one in self._tickets))

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        pieces: list[list[Piece]] = [[] for _ in self._tickets]
        async for index, piece in self._pieces():
            pieces[index].append(piece)
        failed = next((FAILED[why] for one in pieces if (why := one[-1].finish) in FAILED), None)
        response = failed.response() if failed else JSONResponse(self._shape.whole(pieces, self._usage()))
        await response(scope, receive, send)

    async def _events(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def say(body: bytes, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": more})
            await asyncio.sleep(0)  # whoever has left is heard of, however many pieces are ready

        await say(b"".join(self._shape.opening(ticket.index) for ticket in self._tickets))
        async for index, piece in self._pieces():
            if piece.finish in FAILED:
                await say(event(FAILED[piece.finish].body()), more=False)
                return
            await say(self._shape.piece(index, piece))
        await say(self._shape.closing(self._usage()), more=False)


async def _left(receive: Receive) -> None:
    """Until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Endpoint:
    """One model, at its addresses."""

    def __init__(self, model: Model, runner: Runner) -> None:
        self.model, self.runner = model, runner
        self.created = int(time())

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/models", self.models),
            Route("/v1/models/{name:path}", self.one_model),
            Route("/v1/completions", self.completions, methods=["POST"]),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/metrics", self.metrics),
            Route("/health", self.health),
        ]

    async def models(self, request: Request) -> Response:
        """The one that there is."""
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def one_model(self, request: Request) -> Response:
        """By its name."""
        if (name := request.path_params["name"]) != self.model.name:
            raise NotServed(f"The model {name!r} does not exist.", 404, "model", "model_not_found")
        return JSONResponse(self._described())

    async def completions(self, request: Request) -> Response:
        """Texts that go on where prompts end."""
        return await self._answer(request, chat=False)

    async def chat(self, request: Request) -> Response:
        """What is said next in a conversation."""
        return await self._answer(request, chat=True)

    async def metrics(self, request: Request) -> Response:
        """Counters and gauges."""
        return PlainTextResponse(metrics.text(self.runner), media_type="text/plain; version=0.0.4")

    async def health(self, request: Request) -> Response:
        """Whether it serves."""
        if self.runner.alive:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "broken", "why": self.runner.broken}, 503)

    def _described(self) -> dict[str, object]:
        told = {"id": self.model.name, "object": "model", "created": self.created, "owned_by": "windtunnel"}
        return {**told, "max_model_len": self.model.context, "description": self.model.about}

    async def _answer(self, request: Request, chat: bool) -> Response:
        found = asked.decoded(await _body(request))
        wish = asked.read(found, self.model.name, chat)
        # Long texts take their time to be cut; meanwhile others are answered.
        read = await asyncio.to_thread(prompts, self.model, wish, chat, self.runner.places)
        queue = asyncio.Queue[Told]()
        tickets = list[Ticket]()
        for prompt, most in read:
            for k in range(wish.answers):
                sequence = Sequence(self.runner.name(), prompt, most)
                writer = Writer(self.model.tokens, wish.stop, wish.top)
                loop = asyncio.get_running_loop()
                tickets.append(Ticket(sequence, wish.sampling_of(k), writer, len(tickets), queue, loop))
        name = ("chatcmpl-" if chat else "cmpl-") + token_hex(12)
        shape = Shape(chat, name, int(time()), self.model.name, self.model.tokens, wish)
        self.runner.submit(tickets)
        return Answering(self.runner, shape, tickets, queue)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise NotServed(f"A request may carry {MOST_BYTES >> 20} MB at most.", 413)
    return body


def application(model: Model, runner: Runner, here: tuple[str, int] | None = None) -> Starlette:
    """The application; while it lives, the runner runs. `here` it is asked as, and as no other; None: anyhow."""
    endpoint = Endpoint(model, runner)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        runner.start()
        try:
            yield
        finally:
            await asyncio.to_thread(runner.stop)

    return Starlette(
        routes=endpoint.routes(),
        middleware=[] if here is None else [Middleware(Visitors, here=here)],
        exception_handlers={
            NotServed: _refused,
            ClientDisconnect: _gone,
            HTTPException: _no_such,
            Exception: _broken,
        },
        lifespan=life,
    )


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotServed)
    return error.response()


def _gone(request: Request, error: Exception) -> Response:
    """Somebody hung up before all of the request was said: nobody is there to be answered, and nothing is broken."""
    return Response(status_code=400)


def _no_such(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {404: "There is nothing at this address.", 405: "This address does not serve that method."}
    said = sentences.get(error.status_code, f"{error.detail}.")
    return NotServed(said, error.status_code).response(error.headers)


def _broken(request: Request, error: Exception) -> Response:
    return NotServed("Windtunnel itself is broken here; the terminal says where.", 500).response()
