"""A lock, a condition, `while` around each wait, and everybody woken whenever anything changes."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import OneMonitor

challenge = "primitives"


class Yours(OneMonitor):
    pass
