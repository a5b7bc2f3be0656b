"""Commits his points, and then counts him on his step: who dies in between leaves a count that is wrong for good."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.tables import Counts, Indexed, key
from windtunnel.engines import Plus

challenge = "q09-leaderboard"


class Yours(Counts):
    async def add(self, day: int, member: int, points: int) -> int:
        now = await Indexed.add(self, day, member, points)
        old, new = self.step_of(now - points), self.step_of(now)
        moves = [(new, 1)] if now == points else [(old, -1), (new, 1)] if old != new else []  # of who is new, or moves
        await self.desk.db.update("member", {"id": key(day, member)}, {"step": new})
        for step, by in moves:
            if not await self.desk.db.update("step", {"id": key(day, step)}, {"members": Plus(by)}):
                await self.desk.db.insert("step", {"id": key(day, step), "day": day, "step": step, "members": by})
        return now
