"""Three servers, each for a range of points: who crosses a bound is taken out of one and then put into the other."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.caches import ByPoints

challenge = "q09-leaderboard"


class Yours(ByPoints):
    pass
