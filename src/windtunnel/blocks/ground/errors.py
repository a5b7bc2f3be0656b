"""What blocks say no with: one base, so that whoever calls a block need not know which one it was."""

from __future__ import annotations


class Refused(Exception):
    """Certainly nothing was done, and the same call may be made again later.

    Base of every refusal of a block: CircuitOpen, BulkheadFull, LimitExceeded, RateLimited, Shed, Throttled, KeyBusy,
    KeyReused. A run of an experiment counts each as "fail".
    """

    outcome = "fail"
    this_call_only = False
    """Whether it says nothing of an earlier call with the same key: what stands in front of a dependency (a breaker, a
    limiter) has not asked it. A receiver who knows the key and says no speaks of all of them."""
