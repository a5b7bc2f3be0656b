"""Streams: windows of event time, watermarks, and results that count each event once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.streams.windows import (
        Aggregate as Aggregate,
        Count as Count,
        Fold as Fold,
        Mean as Mean,
        Session as Session,
        Sliding as Sliding,
        Stats as Stats,
        Sum as Sum,
        Tumbling as Tumbling,
        Window as Window,
        WindowedAggregate as WindowedAggregate,
        Windows as Windows,
    )
    from windtunnel.blocks.streams.windows_batch import BatchTumbling as BatchTumbling
    from windtunnel.blocks.streams.windows_job import (
        Deduplicator as Deduplicator,
        Sink as Sink,
        SqlSink as SqlSink,
        StreamJob as StreamJob,
    )
    from windtunnel.blocks.streams.windows_watermark import (
        BoundedDisorder as BoundedDisorder,
        SlowestSource as SlowestSource,
    )

__getattr__, __dir__ = lend(__name__)
