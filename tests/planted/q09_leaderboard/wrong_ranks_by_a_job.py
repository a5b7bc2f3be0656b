"""A job ranks all by a window function now and then; between two turns ranks are those of before."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.tables import RankColumn

challenge = "q09-leaderboard"


class Yours(RankColumn):
    pass
