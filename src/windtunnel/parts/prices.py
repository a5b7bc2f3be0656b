"""What resources cost, each with its source and its date, so that a measurement can say what a design would cost.

List prices of one vendor in one region, without discounts and free allowances: good for comparing designs with each
other, and out of date some day. That is why no claim is about money: a claim says core-hours or bytes, and a chart or
a table multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple


class Price(NamedTuple):
    """So many US dollars a unit; `seen_on` is the date (ISO) of the list that says so."""

    usd: float
    unit: str
    what: str
    seen_on: str
    source: str


_S3 = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonS3/current/us-east-1/index.json"
_TRANSFER = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AWSDataTransfer/current/region_index.json"
_EC2 = "https://www.factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026/"

PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "core_hours": Price(0.0408, "core-hour", "half of an EC2 m7g.large on demand, us-east-1", "2026-06-17", _EC2),
        "gb_months": Price(0.023, "GB-month", "S3 Standard, first 50 TB, us-east-1", "2026-09-28", _S3),
        "gb_egress": Price(0.09, "GB", "from us-east-1 to the internet, first 10 TB", "2026-09-16", _TRANSFER),
        "writes": Price(0.005 / 1000, "request", "S3 Standard PUT, COPY, POST, LIST, us-east-1", "2026-09-28", _S3),
        "reads": Price(0.0004 / 1000, "request", "S3 Standard GET, us-east-1", "2026-09-28", _S3),
    }
)


@dataclass(frozen=True)
class Bill:
    """What was used; `usd` says what that costs."""

    core_hours: float = 0.0
    gb_months: float = 0.0
    gb_egress: float = 0.0
    writes: float = 0.0
    reads: float = 0.0

    def parts_usd(self, prices: Mapping[str, Price] = PRICES) -> dict[str, float]:
        """What each kind of use costs."""
        return {name: amount * prices[name].usd for name, amount in vars(self).items()}

    def usd(self, prices: Mapping[str, Price] = PRICES) -> float:
        """What all of it costs."""
        return sum(self.parts_usd(prices).values())
