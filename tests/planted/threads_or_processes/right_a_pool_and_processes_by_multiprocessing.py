"""Python for long in processes that are forked, all else by a pool of threads that ends with it."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

from windtunnel.catalogue.concurrency.threads_or_processes.designs import Threads, Work

challenge = "threads-or-processes"


class Yours(Threads):
    def together(self, work: Work, pieces: int, kind: str, seconds: float) -> None:
        if kind == "python" and seconds > 0.01:
            forking = multiprocessing.get_context("fork")
            own = [forking.Process(target=work, args=(piece,)) for piece in range(pieces)]
            for process in own:
                process.start()
            for process in own:
                process.join()
            return
        with ThreadPoolExecutor(pieces) as pool:
            list(pool.map(work, range(pieces)))
