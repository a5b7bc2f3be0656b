"""The job on Apache Flink: `python on_flink.py FILE FOLDER [CHECKPOINT]`, with the Python of `make setup-flink`.

It reads a file of clicks as a stream, line by line, and goes on where a checkpoint of FOLDER stands, should one be
named. Each id is taken once; what comes when its window is over for the watermark is dropped by the window, and goes to
a file of its own. Both files are written exactly once, with the checkpoints. At the end it prints, as JSON, what it
billed and what it dropped.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from machine import end_with_who_asked, memory_mb
from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment
from pyflink.version import __version__

SETTINGS = {
    "parallelism.default": "1",
    "pipeline.auto-watermark-interval": "0 ms",  # with each click, and not as the clock on the wall has it
    "table.local-time-zone": "UTC",
    "execution.checkpointing.interval": "200 ms",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    "restart-strategy.type": "none",
    "jobmanager.bind-host": "127.0.0.1",
    "taskmanager.bind-host": "127.0.0.1",
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "taskmanager.numberOfTaskSlots": "1",
}
CLICKS = """
CREATE TABLE clicks (
    id STRING, ad INT, at_ms BIGINT, cents BIGINT,
    moment AS TO_TIMESTAMP_LTZ(at_ms, 3),
    came AS PROCTIME(),
    WATERMARK FOR moment AS moment - INTERVAL '30' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'file://{file}', 'format' = 'json')
"""
ONCE = """
CREATE TEMPORARY VIEW once AS SELECT id, ad, at_ms, cents, moment FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY came ASC) AS nth FROM clicks
) WHERE nth = 1
"""
BILLS = "CREATE TABLE bills (ad INT, start_ms BIGINT, cents BIGINT, clicks BIGINT) WITH {sink}"
LATE = "CREATE TABLE late (id STRING, ad INT, at_ms BIGINT, cents BIGINT) WITH {sink}"
SINK = "('connector' = 'filesystem', 'path' = 'file://{path}', 'format' = 'json')"
BILL = """
INSERT INTO bills
SELECT ad, UNIX_TIMESTAMP(DATE_FORMAT(window_start, 'yyyy-MM-dd HH:mm:ss')) * 1000, SUM(cents), COUNT(*)
FROM TABLE(TUMBLE(TABLE once, DESCRIPTOR(moment), INTERVAL '60' SECOND))
GROUP BY ad, window_start, window_end
"""
LEFT_OUT = """
INSERT INTO late SELECT id, ad, at_ms, cents FROM once
WHERE at_ms - MOD(at_ms, 60000) + 60000 - 1
    <= 1000 * UNIX_TIMESTAMP(DATE_FORMAT(CURRENT_WATERMARK(moment), 'yyyy-MM-dd HH:mm:ss'))
       + EXTRACT(MILLISECOND FROM CURRENT_WATERMARK(moment))
"""


def read(folder: Path) -> list[dict[str, object]]:
    """All lines of what a sink has finished: what it has not is hidden behind a dot."""
    return [json.loads(line) for file in sorted(folder.glob("[!.]*")) for line in file.read_text("utf-8").splitlines()]


def main(file: Path, folder: Path, checkpoint: str = "") -> None:
    end_with_who_asked()
    # No server, open to everybody, for functions in Python: there are none.
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112  (PyFlink spells it so)
    began = time.perf_counter()
    settings = Configuration()
    state = {"execution.checkpointing.dir": f"file://{folder}/checkpoints", "io.tmp.dirs": f"{folder}/scratch"}
    if checkpoint:
        state["execution.state-recovery.path"] = checkpoint
    for name, value in {**SETTINGS, **state}.items():
        settings.set_string(name, value)
    flink = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(settings).build()
    )
    started = time.perf_counter()
    flink.execute_sql(CLICKS.format(file=file))
    flink.execute_sql(ONCE)
    flink.execute_sql(BILLS.format(sink=SINK.format(path=folder / "bills")))
    flink.execute_sql(LATE.format(sink=SINK.format(path=folder / "late")))
    both = flink.create_statement_set()
    both.add_insert_sql(BILL)
    both.add_insert_sql(LEFT_OUT)
    both.execute().wait()
    told = {
        "engine": f"Flink {__version__}",
        "windows": [[row["ad"], row["start_ms"], row["cents"], row["clicks"]] for row in read(folder / "bills")],
        "late": [[row["id"], row["ad"], row["at_ms"], row["cents"]] for row in read(folder / "late")],
        "start_s": started - began,
        "stream_s": time.perf_counter() - started,
        "memory_mb": memory_mb(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), *sys.argv[3:])
