"""Prices have a source and a date, and no claim speaks of them."""

from __future__ import annotations

import re
from datetime import date

import pytest

from windtunnel.lab.discovery import every
from windtunnel.parts import PRICES, Bill


def test_every_price_says_where_and_when_it_was_seen() -> None:
    for name, price in PRICES.items():
        assert price.usd > 0
        assert price.source.startswith("https://"), name
        assert date(2026, 1, 1) <= date.fromisoformat(price.seen_on), name


def test_a_bill_is_the_sum_of_what_was_used() -> None:
    bill = Bill(core_hours=10, gb_months=100, gb_egress=5, writes=1e6, reads=1e6)
    assert bill.usd() == pytest.approx(10 * 0.0408 + 100 * 0.023 + 5 * 0.09 + 5.0 + 0.4)
    assert set(bill.parts_usd()) == set(PRICES)


def test_no_claim_is_about_money() -> None:
    """Prices change, and what was measured does not."""
    money = re.compile(r"[$€£]|\b(USD|EUR|dollars?|euros?)\b|usd\b")
    for experiment in every():
        for claim in (*experiment.claims, *experiment.demands):
            assert not money.search(f"{claim.expression} {claim.because}")
