"""Threads in the background take nothing from the one in front."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads

challenge = "gil-convoy"


class Yours(BesideThreads):
    pass
