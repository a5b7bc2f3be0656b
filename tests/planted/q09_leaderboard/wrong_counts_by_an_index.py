"""Trusts the index to count: it finds the first ten at once, and goes through all who have more for a rank."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.tables import Indexed

challenge = "q09-leaderboard"


class Yours(Indexed):
    pass
