"""A log on one disk, synced: it loses nothing, until that disk is lost; and nobody is served until it is back."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import OneLog

challenge = "q13-kafka"


class Yours(OneLog):
    idempotent = True
