"""A process that performs the trials of `windtunnel doubt`: started by it, dead when it is."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict


def main() -> None:
    """Read trials from standard input, answer on standard output; leave at once when the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us decides
    # Whatever a design prints must not come between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)  # our starter has gone, perhaps in the middle of a trial

    threading.Thread(target=read, daemon=True).start()
    from windtunnel.lab.doubt.trials import Trial, perform

    while True:
        out.write(json.dumps(asdict(perform(Trial(**json.loads(lines.get()))))) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
