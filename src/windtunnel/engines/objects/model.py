"""A model of an object store for the tunnel: objects last; reading and writing them takes time that grows with them."""

from __future__ import annotations

from windtunnel.engines.objects.port import Mismatch, Object, check_key, part, tag_of
from windtunnel.engines.shared.service import ModelService
from windtunnel.sim.kernel import Simulator

PORT = 9000


class ModelObjects(ModelService):
    """The object store of the tunnel.

    Args:
        connections: of each client host.
        round_trip_s: mean seconds there and back, over links that nobody has set.
        request_s: seconds of a core for each request.
        first_byte_s: seconds that the store takes for itself at each put and get.
        bytes_per_s: at which a connection moves what is larger.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str = "objects",
        *,
        connections: int = 64,
        round_trip_s: float = 0.001,
        request_s: float = 0.00005,
        first_byte_s: float = 0.01,
        bytes_per_s: float = 100e6,
    ) -> None:
        self._first_byte_s, self._bytes_per_s = first_byte_s, bytes_per_s
        self._objects: dict[str, bytes] = {}
        super().__init__(
            sim, name, PORT, connections=connections, cores=64, round_trip_s=round_trip_s, request_s=request_s
        )

    async def put(self, key: str, body: bytes, *, absent: bool = False, match: str | None = None) -> str:
        check_key(key)
        whole = bytes(body)

        async def work() -> str:
            await self._take(len(whole))
            old = self._objects.get(key)
            if absent and old is not None:
                raise Mismatch(f"There is an object {key} already.")
            if match is not None and (old is None or tag_of(old) != match):
                raise Mismatch(f"{key} is not what it was when it had tag {match}.")
            self._objects[key] = whole
            return tag_of(whole)

        return await self.ask(work)

    async def get(self, key: str, *, start: int = 0, stop: int | None = None) -> Object | None:
        part(b"", start, stop)

        async def work() -> Object | None:
            found = self._objects.get(key)
            if found is None:
                await self._take(0)
                return None
            body = part(found, start, stop)
            await self._take(len(body))
            return Object(body, tag_of(found), len(found))

        return await self.ask(work)

    async def delete(self, key: str) -> bool:
        async def work() -> bool:
            await self._take(0)
            return self._objects.pop(key, None) is not None

        return await self.ask(work)

    async def keys(self, prefix: str = "") -> list[str]:
        async def work() -> list[str]:
            await self._take(0)
            return sorted(key for key in self._objects if key.startswith(prefix))

        return await self.ask(work)

    async def _take(self, size_bytes: int) -> None:
        await self.sim.sleep(self._first_byte_s + size_bytes / self._bytes_per_s)
