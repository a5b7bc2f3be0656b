"""Both forks at once or none, in the order of coming: free forks lie there for who waits for the other one."""

from __future__ import annotations

from windtunnel import Stage, process
from windtunnel.catalogue.concurrency.dining_philosophers import EvenFirst, Params
from windtunnel.sim import Signal

challenge = "dining-philosophers"


class Yours(EvenFirst):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.taken = [[False] * p.seats for _ in range(p.tables)]
        self.line: list[list[tuple[int, Signal[None]]]] = [[] for _ in range(p.tables)]

    def serve(self, table: int) -> None:
        """Let those in, oldest first, whose forks are free and wanted by nobody who came before."""
        wanted: set[int] = set()
        rest = []
        for seat, turn in self.line[table]:
            both = {seat, (seat + 1) % self.p.seats}
            if both & wanted or any(self.taken[table][fork] for fork in both):
                wanted |= both
                rest.append((seat, turn))
            else:
                for fork in both:
                    self.taken[table][fork] = True
                turn.set()
        self.line[table] = rest

    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        turn = self.stage.signal()
        self.line[table].append((seat, turn))
        self.serve(table)
        await turn
        await self.hands.serve(gap_s)
        await self.plates.serve(eat_s)
        self.taken[table][seat] = self.taken[table][(seat + 1) % self.p.seats] = False
        self.serve(table)
