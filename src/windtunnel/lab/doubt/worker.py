"""A process that performs the trials of `windtunnel doubt`: started by it, dead when it is."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import asdict

from windtunnel.collecting import collect_rarely

LOOK_EVERY_S = 0.25


def main() -> None:
    """Read trials from standard input, answer on standard output; leave at once when the input ends.

    A trial that has used up its CPU is answered with `null`, and that is the end of this process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us decides
    collect_rarely()
    # What asyncio logs of tasks that fail because a line of a design was taken away is no news to who asked.
    logging.getLogger("asyncio").disabled = True
    # Whatever a design prints must not come between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)  # our starter has gone, perhaps in the middle of a trial

    threading.Thread(target=read, daemon=True).start()
    from windtunnel.lab.doubt.trials import MEMORY_MB, Trial, perform

    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system counts what a process writes to
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB * 1_000_000, resource.RLIM_INFINITY))
    answering = threading.Lock()
    end_cpu_s: list[float] = []

    def watch() -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            with answering:
                if end_cpu_s and time.process_time() > end_cpu_s[0]:
                    out.write("null\n")
                    out.flush()
                    os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    while True:
        asked = json.loads(lines.get())
        end_cpu_s.append(time.process_time() + asked["limit_s"])
        outcome = perform(Trial(**asked["trial"]))
        with answering:
            end_cpu_s.clear()
            out.write(json.dumps(asdict(outcome)) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
