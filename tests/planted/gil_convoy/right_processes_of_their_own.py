"""Processes of their own compute."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.gil_convoy.designs import OwnProcess

challenge = "gil-convoy"


class Yours(OwnProcess):
    pass
