"""What faults do to an engine that stands on a real server: the server's processes, and the way to it."""

from __future__ import annotations

from windtunnel.engines.errors import Unavailable
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import Guarded


class OnServer:
    """What befalls the engine befalls its server. Which faults will come is told by `expect`, before the first request.

    Attributes:
        name: by which faults name it.
        relay: what stands before the server, where faults of the way were expected.
    """

    name: str
    relay: Relay | None = None

    def struck(self) -> Guarded | None:
        """The server, where it is this engine's own."""
        raise NotImplementedError

    def ready(self, pid: int) -> bool:
        """Whether the server, which runs as this process, takes connections."""
        raise NotImplementedError

    def crash(self) -> None:
        """Kill every process of the server, as `kill -9` does."""
        self._own_server().crash()

    async def restart(self) -> None:
        """Start it again, until it has recovered and takes connections."""
        await self._own_server().restart(self.ready)

    def pause(self) -> None:
        """Stop every process of the server; returns when all are stopped."""
        self._own_server().pause()

    def resume(self) -> None:
        """Let them go on."""
        self._own_server().resume()

    def lose_replies(self, yes: bool) -> None:
        """Requests are carried out and connections break in place of the answer (where expected); or no longer."""
        if self.relay is not None:
            self.relay.replies_lost = yes

    def _own_server(self) -> Guarded:
        server = self.struck()
        if server is None:
            raise Unavailable(f"{self.name} stands on a server that others use; only one of its own can be struck.")
        return server
