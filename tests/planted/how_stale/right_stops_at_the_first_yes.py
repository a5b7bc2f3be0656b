"""Two answers are read where the first says no; a yes is enough at once."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import PATIENCE_S, OneOne
from windtunnel.sim import Signal

challenge = "how-stale"


class Yours(OneOne):
    @process
    async def get(self, key: int, age_ms: float) -> bool:
        over: Signal[bool] = self.sim.signal("a yes, or two answers")
        noes = 0

        def note(answer: Signal[bool]) -> None:
            nonlocal noes
            noes += not answer.result()
            if not over.done() and (answer.result() or noes == 2):
                over.set(answer.result())

        for copy in self.copies:
            self.reader.ask(copy, "has", key).add_done_callback(note)
        if not await over.within(PATIENCE_S):
            raise TimeoutError("Fewer than two copies answered.")
        return over.result()
