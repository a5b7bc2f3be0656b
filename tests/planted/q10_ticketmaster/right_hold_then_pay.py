"""Seats are held for a while, and paid only by whoever still holds them."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import HoldThenPay

challenge = "q10-ticketmaster"


class Yours(HoldThenPay):
    pass
