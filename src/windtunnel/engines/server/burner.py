"""A real server to be overloaded: workers that burn processor time, first come, first served.

This file is run as a program of its own, by path, and imports nothing of ours. It listens on a Unix socket. A line is a
request: `work SECONDS` is answered by `done` when a worker has burned that much processor time (divided by the
speed), or at once by `full`; `speed FACTOR` is answered by `done`.

    python burner.py SOCKET WORKERS SPEED QUEUE_LIMIT           (QUEUE_LIMIT is -1 for none)

A worker is a thread. It hashes blocks that are large enough for the interpreter's lock to be given up meanwhile, so
workers use as many cores as there are; its time is its thread's own processor time, so that workers who share a core
take turns, as they would in production.
"""

import asyncio
import hashlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

BLOCK = bytes(1 << 16)


class Burner:
    """The workers, how fast they are, and who is inside."""

    def __init__(self, workers: int, speed: float, limit: int) -> None:
        self.speed = speed
        self.places = workers + limit if limit >= 0 else None
        self.inside = 0
        self.pool = ThreadPoolExecutor(workers)

    def burn(self, work_s: float) -> None:
        """Do the work in the calling thread."""
        done_s, last = 0.0, time.thread_time()
        while done_s < work_s:
            hashlib.sha256(BLOCK)
            now = time.thread_time()
            done_s += (now - last) * self.speed  # as fast as it is while it is done
            last = now

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller's connection."""
        try:
            while line := (await reader.readline()).split():
                if line[0] == b"speed":
                    self.speed = float(line[1])
                elif self.places is not None and self.inside >= self.places:
                    writer.write(b"full\n")
                    continue
                else:
                    self.inside += 1
                    try:
                        await asyncio.get_running_loop().run_in_executor(self.pool, self.burn, float(line[1]))
                    finally:
                        self.inside -= 1
                writer.write(b"done\n")
        except ConnectionError:
            pass  # the caller has given up; its work was done all the same
        finally:
            writer.close()


async def main() -> None:
    """Serve until killed."""
    path, workers, speed, limit = sys.argv[1:]
    burner = Burner(int(workers), float(speed), int(limit))
    server = await asyncio.start_unix_server(burner.answer, path, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
