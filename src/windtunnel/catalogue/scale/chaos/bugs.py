"""Ten replicas, each with one wrong error handler, of the kinds that Yuan and others found (OSDI 2014, section 5).

Each writes one method of `Replica` anew, and is right until its handler is entered: `met` says which counter of the
right replica shows that. So a run in which the right one never counted it is, to the byte, a run of the wrong one too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from windtunnel.blocks.durability import LogFailed
from windtunnel.catalogue.scale.chaos.replica import RECORD_BYTES, InDoubt, Link, NotDone, Replica, Stamp

log = logging.getLogger("store")
log.addHandler(logging.NullHandler())


class Wrong(Replica):
    """A replica with one wrong handler.

    Attributes:
        kind: of the mistake.
        handler: what the right replica counts where this one goes wrong.
        needs: the fault without which that handler is never entered, where there is one.
    """

    kind: ClassVar[str]
    handler: ClassVar[str]
    needs: ClassVar[str] = ""


class Swallows(Wrong):
    """The disk refuses a record, and the handler is empty: it is acknowledged all the same."""

    kind, handler, needs = "empty", "disk", "full"

    def write(self, key: str, stamp: Stamp, value: Any) -> None:
        try:
            file = self.open()
            file.append(json.dumps([key, stamp, value]).encode().ljust(RECORD_BYTES))
            file.sync()
        except (LogFailed, OSError):
            pass


class LogsOnly(Wrong):
    """Another replica refuses, and the handler writes a line: the refusal counts as an answer."""

    kind, handler = "log only", "refusal"

    async def call(self, peer: int, *request: Any) -> Any:
        try:
            return await super().call(peer, *request)
        except NotDone as error:
            log.warning("Replica %d refused: %s", peer, error)


class OverCatches(Wrong):
    """A caller has gone, and the handler catches everything and ends the process."""

    kind, handler = "over-catch and abort", "caller"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self.answer(*json.loads(line))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except Exception:
            self.abort()
        finally:
            writer.close()


class GivesUp(Wrong):
    """A replica that once did not answer is never asked again."""

    kind, handler = "gives up", "peer"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.gone: set[int] = set()

    async def call(self, peer: int, *request: Any) -> Any:
        try:
            return await super().call(peer, *request)
        except (OSError, TimeoutError):
            self.gone.add(peer)
            raise

    def order(self) -> list[int]:
        return [peer for peer in super().order() if peer not in self.gone]


class TriesForEver(Wrong):
    """A replica that does not answer is asked again, without end; the third one is never asked."""

    kind, handler = "retry without end", "peer"

    async def call(self, peer: int, *request: Any) -> Any:
        while True:
            try:
                return await super().call(peer, *request)
            except (OSError, TimeoutError):
                await asyncio.sleep(0.05)


class KeepsTheLink(Wrong):
    """A time limit ends a call and the link is kept: the late answer is taken for that to the next question."""

    kind, handler = "half a clean-up", "link"

    async def exchange(self, link: Link, request: Sequence[Any]) -> Any:
        try:
            return await link.call(request)
        except OSError:  # a time limit comes as a cancellation, and passes this by
            link.drop()
            raise


class TrustsItsClock(Wrong):
    """Its clock is behind, the handler writes a line, and what it writes is older than what is there."""

    kind, handler = "log only", "clock"

    def stamp(self, newest: Stamp) -> Stamp:
        at = time.time_ns() // 1000
        if at <= newest[0]:
            log.warning("The clock is %d microseconds behind.", newest[0] - at)
        return [at, self.me, self.life]


class NeverOpensAgain(Wrong):
    """A log that has failed is not opened again: that was still to be done."""

    kind, handler, needs = "TODO", "disk", "full"

    failed = False

    def write(self, key: str, stamp: Stamp, value: Any) -> None:
        if self.failed:
            raise NotDone("The log has failed.")
        try:
            super().write(key, stamp, value)
        except NotDone:
            # TODO: open the log again once there is room.
            self.failed = True
            raise


class EndsAtTheStart(Wrong):
    """It cannot catch up with its neighbour when it starts, catches everything and ends the process."""

    kind, handler = "over-catch and abort", "catching up"

    async def catch_up(self) -> None:
        try:
            for key, (stamp, value) in (await self.call((self.me + 1) % len(self.addresses), "fetch_all")).items():
                await self.store(key, stamp, value)
        except Exception:
            self.abort()


class SaysNo(Wrong):
    """Half of a write is done, and one handler for all says that certainly nothing was."""

    kind, handler = "wrong answer", "half done"

    async def put(self, key: str, value: Any) -> bool:
        try:
            found = await self.majority("fetch", key)
            await self.majority("store", key, self.stamp(max(stamp for stamp, _ in found)), value)
        except InDoubt as error:
            raise NotDone("The write has failed.") from error
        return True


BUGS: Mapping[str, type[Wrong]] = {
    "swallows": Swallows,
    "logs_only": LogsOnly,
    "over_catches": OverCatches,
    "gives_up": GivesUp,
    "tries_for_ever": TriesForEver,
    "keeps_the_link": KeepsTheLink,
    "trusts_its_clock": TrustsItsClock,
    "never_opens_again": NeverOpensAgain,
    "ends_at_the_start": EndsAtTheStart,
    "says_no": SaysNo,
}
