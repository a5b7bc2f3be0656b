"""The time is taken when the connection is free."""

from __future__ import annotations

from windtunnel.catalogue.honest_measurement import FromTheSend

challenge = "honest-measurement"


class Yours(FromTheSend):
    pass
