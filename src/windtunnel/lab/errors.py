"""What can be wrong with what we are given. Each is one sentence for a person, and exit status 2."""

from __future__ import annotations

from windtunnel.sim.wrong import WrongInput as WrongInput, suggest as suggest


class DesignError(RuntimeError):
    """A design raised what is no outcome of a request; the sentence names design, operation, exception and line."""
