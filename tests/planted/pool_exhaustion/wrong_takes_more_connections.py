"""The pool is too small, so make it larger."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import AllThree, Bigger

challenge = "pool-exhaustion"


class Yours(AllThree, Bigger):
    pass
