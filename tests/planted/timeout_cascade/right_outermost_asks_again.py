"""The deadline is passed on, and only the outermost layer asks again."""

from __future__ import annotations

from windtunnel.catalogue.scale.timeout_cascade import OutermostOnly

challenge = "timeout-cascade"


class Yours(OutermostOnly):
    pass
