"""What blocks say no with: one base, so that whoever calls a block need not know which one it was."""

from __future__ import annotations


class Refused(Exception):
    """Certainly nothing was done, and the same call may be made again later.

    Base of every refusal of a block: CircuitOpen, BulkheadFull, LimitExceeded, RateLimited, Shed, Throttled, KeyBusy,
    KeyReused. A run of an experiment counts each as "fail".
    """

    outcome = "fail"
