"""The server drops the dead, keeps no time for the work itself, and is always late for the dying."""

from __future__ import annotations

from windtunnel.catalogue.scale.metastable_failure import DeadlineDrop

challenge = "metastable-failure"


class Yours(DeadlineDrop):
    pass
