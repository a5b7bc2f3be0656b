"""Five failures in a row eject a server, whoever is left: bad requests eject all of them."""

from __future__ import annotations

from windtunnel.catalogue.scale.sinkhole import Ejection

challenge = "sinkhole"


class Yours(Ejection):
    pass
