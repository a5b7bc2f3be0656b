"""The longest task of a page in processor time, from the browser's trace: what else runs makes it no longer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAIN = "CrRendererMain"
"""The thread that a page's scripts, layout and painting share."""


@contextmanager
def longest_task(browser: Any, page: Any) -> Iterator[list[float]]:
    """While the block runs; then the list holds the longest task of the page's main thread, in CPU milliseconds."""
    found: list[float] = []
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    yield found
    events = json.loads(browser.stop_tracing())["traceEvents"]
    named = [one for one in events if one.get("name") == "thread_name" and one["args"].get("name") == MAIN]
    mains = {(one["pid"], one["tid"]) for one in named}
    tasks = [one for one in events if one.get("ph") == "X" and "RunTask" in one["name"]]
    found.append(max((one.get("tdur", 0) / 1000 for one in tasks if (one["pid"], one["tid"]) in mains), default=0.0))
