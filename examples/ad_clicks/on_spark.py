"""The job on Spark Structured Streaming: `python on_spark.py PIECES FOLDER`, with the Python of `make setup-spark`.

It reads pieces of a file of clicks as a stream, one in each micro-batch, and goes on where a checkpoint in FOLDER
stands. The bill of each ad and minute, with the ids of the clicks that are in it, is written as lines of JSON, exactly
once: what counts is what the sink's own log names. At the end it prints, as JSON, what it billed and what Spark says
that it left out.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from machine import end_with_who_asked, memory_mb
from pyspark.sql import SparkSession, functions as f

SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.numRecentProgressUpdates": "10000",
}
CLICK = "id STRING, ad INT, at_ms BIGINT, cents BIGINT"
DELAY, WINDOW = "30 seconds", "60 seconds"


def main(pieces: Path, folder: Path) -> None:
    end_with_who_asked()
    began = time.perf_counter()
    builder = SparkSession.builder.master("local[2]").appName("ad clicks")
    for name, value in {**SETTINGS, "spark.local.dir": str(folder / "scratch")}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    started = time.perf_counter()
    clicks = spark.readStream.schema(CLICK).option("maxFilesPerTrigger", 1).json(str(pieces))
    bills = (
        clicks.withColumn("at", f.timestamp_millis("at_ms"))
        .withWatermark("at", DELAY)
        .dropDuplicatesWithinWatermark(["id"])
        .groupBy(f.window("at", WINDOW), "ad")
        .agg(f.sum("cents").alias("cents"), f.collect_list("id").alias("ids"))
        .select("ad", f.unix_millis("window.start").alias("start_ms"), "cents", "ids")
    )
    sink = bills.writeStream.format("json").option("checkpointLocation", str(folder / "checkpoint"))
    query = sink.outputMode("append").trigger(availableNow=True).start(str(folder / "bills"))
    query.awaitTermination()
    batches = query.recentProgress
    operators = [one for batch in batches for one in batch.stateOperators]
    rows = spark.read.schema("ad INT, start_ms BIGINT, cents BIGINT, ids ARRAY<STRING>").json(str(folder / "bills"))
    told = {
        "engine": f"Spark {spark.version}",
        "windows": [[row.ad, row.start_ms, row.cents, list(row.ids)] for row in rows.collect()],
        "rows": sum(batch.numInputRows for batch in batches),
        "batches": [min(one.batchId for one in batches), max(one.batchId for one in batches)],
        "late": sum(one.numRowsDroppedByWatermark for one in operators),
        "doubled": sum(one.customMetrics.get("numDroppedDuplicateRows", 0) for one in operators),
        "start_s": started - began,
        "stream_s": time.perf_counter() - started,
        "memory_mb": memory_mb(),
    }
    spark.stop()
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
