"""Who may ask: this machine, by pages of ours, and for whatever changes anything with the token that they carry.

A page of somebody else's in the same browser can send requests here. It cannot name our host in its own origin, read
our pages, or know the token; and a foreign name that resolves to this machine is no host of ours.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost", "[::1]")
TOKEN = "x-windtunnel-token"
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
MOST_BYTES = 64 * 1024
"""Of what a request may carry."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}


def called(port: int, *also: str) -> set[str]:
    """How a browser may call a server of this machine at this port, in the header of the host."""
    names = {*HOSTS, *also}
    return {f"{name}:{port}" for name in names} | (names if port == 80 else set())


class Guard:
    """Middleware that lets through what is allowed, and adds to each answer what a browser has to hold to."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._hosts = called(port)
        self._origins = {f"http://{host}" for host in self._hosts}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in HEADERS.items()),
                ]
            await send(message)

        request = Request(scope)
        refused = self._refused(request)
        if refused is not None:
            await refused(scope, receive, with_headers)
            return
        await self._app(scope, _bounded(receive), with_headers)

    def _refused(self, request: Request) -> Response | None:
        """Why a request is not served."""
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return refusal(421, f"This server is {sorted(self._hosts)[0]}, and was asked as another host.")
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins:
            return refusal(403, "A page of another origin may not ask here; open this server's own page.")
        if request.headers.get("sec-fetch-site", "none") == "cross-site" and request.url.path.startswith("/api/"):
            return refusal(403, "A page of another site may not ask here; open this server's own page.")
        if request.method in CHANGES:
            given = request.headers.get(TOKEN, "")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                return refusal(403, f"What changes anything needs the token of the page in {TOKEN}.")
            length = request.headers.get("content-length", "0")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                return refusal(413, f"A request may carry {MOST_BYTES // 1024} KB at most.")
        return None


def _bounded(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """As `receive`, but what comes in pieces ends where it is too long: it is then no JSON, and refused as such."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MOST_BYTES:
                return {"type": "http.request", "body": b"\0", "more_body": False}
        return message

    return bounded


def refusal(status: int, sentence: str) -> JSONResponse:
    """A refusal is one sentence."""
    return JSONResponse({"error": sentence}, status_code=status)


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(24)
