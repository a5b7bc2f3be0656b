"""Who may ask a server of this machine: programs on it, and no page of somebody else's in a browser on it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from windtunnel.serve.refusals import NotServed
from windtunnel.web.guard import called


class Visitors:
    """Middleware: the host that is asked is this one, and a page that asks is of this one too."""

    def __init__(self, app: ASGIApp, here: tuple[str, int]) -> None:
        self._app = app
        self._hosts = called(here[1], here[0])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            request = Request(scope)
            host, origin = request.headers.get("host", ""), request.headers.get("origin")
            if host not in self._hosts:
                refused = NotServed("This server was asked as another host than it is.", 421)
            elif origin is not None and origin.removeprefix("http://") not in self._hosts:
                refused = NotServed("A page of another origin may not ask here.", 403)
            else:
                refused = None
            if refused:
                await refused.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)
