"""Producers send again until they are told, without a name and numbers: what was there already is there twice."""

from __future__ import annotations

from windtunnel.catalogue.interview.q13_kafka.logs import AcksAll

challenge = "q13-kafka"


class Yours(AcksAll):
    idempotent = False
