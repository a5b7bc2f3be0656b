"""Each server syncs what it has before it says so, whatever it was told: it trusts neither replicas nor power alone."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll

challenge = "q13-kafka"


class Yours(AcksAll):
    flushes = True
