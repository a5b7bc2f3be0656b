"""What can go wrong with any engine, whatever its port."""

from __future__ import annotations


class Unavailable(ConnectionError):
    """No connection could be had, so nothing was asked of the database."""

    outcome = "fail"


class MissingEngine(Unavailable):
    """A real engine was asked for and is not to be had; the sentence says how to get it."""
