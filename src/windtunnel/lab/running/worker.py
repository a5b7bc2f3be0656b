"""A process that does jobs for `windtunnel.lab.run`: started by it, dead when it is.

Not multiprocessing: a fork copies threads' locks, and spawn runs the caller's main module again. A pipe is enough.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from windtunnel.collecting import collect_rarely

Serve = Callable[[Iterator[str], Callable[[str], None]], object]
"""What a worker does with the lines that arrive, and with what it answers by."""


def main() -> None:
    """Read jobs from standard input, answer on standard output; leave at once when the input ends."""
    from windtunnel.lab.running.work import serve

    live(serve)


def live(serve: Serve) -> None:
    """Let `serve` have the lines of standard input, until they end: then whoever started us has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us decides
    collect_rarely()
    # Whatever a design prints must not come between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)  # our starter has gone, perhaps in the middle of a job

    def arriving() -> Iterator[str]:
        while True:
            yield lines.get()

    def answer(line: str) -> None:
        out.write(line + "\n")
        out.flush()

    threading.Thread(target=read, daemon=True).start()
    serve(arriving(), answer)


if __name__ == "__main__":
    main()
