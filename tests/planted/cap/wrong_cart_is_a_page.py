"""The register is linearizable, so a cart that is read from it, changed and written back is safe."""

from __future__ import annotations

from windtunnel.catalogue.scale.cap.designs import Majority

challenge = "cap"


class Yours(Majority):
    pass
