"""A deadline, one layer that asks again, and a cancel for all that is given up."""

from __future__ import annotations

from windtunnel.catalogue.scale.timeout_cascade import OutermostOnly

challenge = "timeout-cascade"


class Yours(OutermostOnly):
    takes_back = True
