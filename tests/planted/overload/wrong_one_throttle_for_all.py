"""Clients count critical and other requests together, and hold back the critical ones for the others' refusals."""

from __future__ import annotations

from contextlib import AbstractContextManager

from windtunnel.catalogue.scale.overload import ThrottledClients

challenge = "overload"


class Yours(ThrottledClients):
    def gate(self, lane: int, client: int, critical: bool) -> AbstractContextManager[object]:
        return super().gate(lane, client, False)
