"""Each server loads the board when it starts and keeps it up itself: it never hears what came to the other."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.memory import CountedBlocks

challenge = "q09-leaderboard"


class Yours(CountedBlocks):
    pass
