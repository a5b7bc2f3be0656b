"""Three servers, each for some of the members, and ranks are sums of what they count, each at a moment of its own."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.caches import Sharded

challenge = "q09-leaderboard"


class Yours(Sharded):
    pass
