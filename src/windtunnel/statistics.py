"""What is said of samples and of seeds: percentiles, intervals, paired differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.lab.statistics import (
        Interval as Interval,
        Little as Little,
        bootstrap_interval as bootstrap_interval,
        enough as enough,
        latency_mean as latency_mean,
        latency_percentiles as latency_percentiles,
        little as little,
        mean as mean,
        not_measurable as not_measurable,
        paired as paired,
        percentile as percentile,
        percentiles as percentiles,
        t_interval as t_interval,
        t_quantile as t_quantile,
    )

__getattr__, __dir__ = lend(__name__)
