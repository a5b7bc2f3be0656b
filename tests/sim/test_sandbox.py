"""During a run clocks, luck and sockets are the tunnel's, what is not simulated says so; after it all is as before."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import pickle
import queue
import random
import secrets
import select
import selectors
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest

from windtunnel.sim.clock import EPOCH_S
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.sandbox import NotSimulated, reality


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(1) as one:
        yield one


def inside(sim: Simulator, what: Callable[[], Any], host: str = "a") -> Any:
    """The result of a call that is made by a program on a host."""

    async def main() -> Any:
        return what()

    return sim.run_until(sim.host(host).create_task(main()))


def inside_light(sim: Simulator, what: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return what()

    return sim.run_process(main())


# --- clocks ----------------------------------------------------------------------------------------------------------
def test_the_clocks_of_the_time_module_are_the_hosts(sim: Simulator) -> None:
    sim.host("late", clock_skew_s=-30.0)
    sim.run(until=12.5)

    def clocks() -> tuple[float, ...]:
        return (
            time.time(),
            time.time_ns() / 1e9,
            time.monotonic(),
            time.monotonic_ns() / 1e9,
            time.perf_counter(),
            monotonic(),
        )

    assert inside(sim, clocks) == (EPOCH_S + 12.5, EPOCH_S + 12.5, 12.5, 12.5, 12.5, 12.5)
    assert inside(sim, clocks, "late") == (EPOCH_S - 17.5, EPOCH_S - 17.5, 12.5, 12.5, 12.5, 12.5)
    assert inside_light(sim, clocks) == (EPOCH_S + 12.5, EPOCH_S + 12.5, 12.5, 12.5, 12.5, 12.5)
    assert inside(sim, lambda: time.gmtime()[:3]) == (2026, 1, 1)
    assert inside(sim, lambda: time.gmtime(0)[:3]) == (1970, 1, 1)


def test_the_date_is_the_hosts_in_every_class_of_dates(sim: Simulator) -> None:
    class Stamp(datetime):
        """Of a program's own."""

    def dates() -> list[datetime]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            utc = [datetime.now(UTC), datetime.utcnow(), Stamp.now(UTC)]
            return [*utc, datetime.now().astimezone(UTC), datetime.today()]

    sim.host("a", clock_skew_s=86400.25)
    found = inside(sim, dates)
    due = datetime(2026, 1, 2, 0, 0, 0, 250_000, tzinfo=UTC)
    assert found == [due, due.replace(tzinfo=None), due, due, due.astimezone().replace(tzinfo=None)]
    assert [type(each) for each in found] == [datetime, datetime, Stamp, datetime, datetime]
    assert inside(sim, lambda: pickle.loads(pickle.dumps(due)) == due and isinstance(due, datetime))
    assert inside(sim, lambda: date.today()) == due.astimezone().date()
    assert abs(datetime.now(UTC).timestamp() - time.time()) < 60


def test_a_run_that_an_import_started_has_the_luck_of_its_seed_all_the_same(tmp_path: Path) -> None:
    program = """
import os
from windtunnel.sim import NotSimulated, Simulator

async def main():
    try:
        open({path!r}, "w")
    except NotSimulated:
        return os.urandom(4)

with Simulator(1) as sim:
    drawn = sim.run_until(sim.host("a").create_task(main()))
"""
    (tmp_path / "runs_itself.py").write_text(program.format(path=str(tmp_path / "written")))
    sys.path.insert(0, str(tmp_path))
    try:
        drawn = __import__("runs_itself").drawn
    finally:
        sys.path.remove(str(tmp_path))
    with Simulator(1) as sim:
        assert drawn == inside(sim, lambda: os.urandom(4))


def test_kernels_may_be_compiled_into_a_new_cache_in_the_middle_of_a_run(tmp_path: Path) -> None:
    program = """
from windtunnel.sim import Simulator

async def main():
    from windtunnel.sim.compiled.kernels import balancer
    balancer.warm()

with Simulator() as sim:
    sim.run_until(sim.host("a").create_task(main()))
"""
    cache = tmp_path / "new" / "cache"
    subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "NUMBA_CACHE_DIR": str(cache)}, check=True, timeout=120
    )
    assert list(cache.rglob("balancer.*.nbi"))


def test_after_a_run_every_name_is_the_real_thing_again(sim: Simulator) -> None:
    def things() -> list[object]:
        clocks = [time.time, time.monotonic, time.perf_counter, time.sleep, time.gmtime, monotonic]
        luck: list[object] = [os.urandom, random.random, random.Random.seed]
        luck += [vars(datetime)["now"], vars(datetime)["utcnow"], threading.Condition.wait]
        return [*clocks, *luck, socket.socket, socket.getaddrinfo, signal.signal, asyncio.new_event_loop]

    before = things()
    with pytest.raises(LookupError):
        inside(sim, lambda: {}["boom"])
    assert things() == before
    assert time.time() != EPOCH_S


def test_other_threads_keep_their_own_clock_and_may_do_everything(sim: Simulator, tmp_path: Path) -> None:
    seen: list[float] = []
    begin, end = threading.Event(), threading.Event()

    def other() -> None:
        begin.wait(10)
        seen.append(time.time())
        (tmp_path / "file").write_text("real")
        end.set()

    thread = threading.Thread(target=other)
    thread.start()

    def wait() -> None:
        begin.set()
        with reality():
            assert end.wait(10)

    inside(sim, wait)
    thread.join()
    assert seen[0] != EPOCH_S
    assert (tmp_path / "file").read_text() == "real"


def test_two_threads_run_two_simulations_side_by_side() -> None:
    def run(seed: int, out: dict[int, list[object]]) -> None:
        with Simulator(seed) as sim:

            async def main() -> list[object]:
                seen: list[object] = []
                for _ in range(200):
                    await asyncio.sleep(seed)
                    seen.append((time.monotonic(), random.random()))
                return seen

            out[seed] = sim.run_until(sim.host("a").create_task(main()))

    alone: dict[int, list[object]] = {}
    run(1, alone)
    run(2, alone)
    together: dict[int, list[object]] = {}
    threads = [threading.Thread(target=run, args=(seed, together)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


# --- luck ------------------------------------------------------------------------------------------------------------
def draws() -> list[object]:
    return [
        os.urandom(8),
        random.random(),
        random.randint(0, 1 << 60),
        random.choice(range(1000)),
        random.Random().random(),
        random.SystemRandom().random(),
        secrets.token_hex(8),
        secrets.randbelow(1000),
        uuid.uuid4(),
        uuid.uuid1(),
        Random().getrandbits(64),
        Random(5).random(),
    ]


def test_all_random_sources_follow_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(seed: int) -> list[object]:
        monkeypatch.setattr(uuid, "_last_timestamp", None)
        with Simulator(seed) as sim:
            return list(inside(sim, draws))

    first, again, other = run(1), run(1), run(2)
    assert first == again
    assert [a == b for a, b in zip(first, other, strict=True)] == [False] * 11 + [True]


def test_what_a_module_draws_when_it_is_first_imported_is_not_taken_from_the_run(tmp_path: Path) -> None:
    (tmp_path / "drawing_module.py").write_text("import os, random\nbits = os.urandom(8)\nown = random.Random()\n")

    def run() -> list[object]:
        with Simulator(3) as sim:
            return list(inside(sim, lambda: [__import__("drawing_module") and None, os.urandom(8), Random().random()]))

    sys.path.insert(0, str(tmp_path))
    try:
        assert run() == run()
    finally:
        sys.path.remove(str(tmp_path))


def test_numpys_generators_follow_the_seed_too() -> None:
    numpy = pytest.importorskip("numpy")

    def run() -> float:
        with Simulator(3) as sim:
            return float(inside(sim, lambda: numpy.random.default_rng().random()))

    assert run() == run()


def test_the_luck_of_a_program_belongs_to_its_request() -> None:
    def run(requests: list[int]) -> dict[int, tuple[float, bytes]]:
        found: dict[int, tuple[float, bytes]] = {}

        async def request(number: int) -> None:
            await asyncio.sleep(1.0)
            found[number] = random.random(), os.urandom(4)

        with Simulator(1) as sim:
            for number in requests:
                sim.host("a").create_task(request(number), request=number)
            sim.run()
        return found

    everyone = run([1, 2, 3])
    assert run([1, 3]) == {1: everyone[1], 3: everyone[3]}
    assert everyone[1] != everyone[2]


def test_a_run_leaves_the_worlds_luck_alone(sim: Simulator) -> None:
    random.seed(42)
    expected = [random.random() for _ in range(3)]
    random.seed(42)
    first = random.random()
    inside(sim, lambda: (random.seed(1), random.random(), draws()))
    assert [first, random.random(), random.random()] == expected


# --- what is not simulated -------------------------------------------------------------------------------------------
async def in_executor() -> None:
    await asyncio.to_thread(print)


async def subprocess_of_asyncio() -> None:
    await asyncio.create_subprocess_exec("true")


async def shell() -> None:
    await asyncio.create_subprocess_shell("true")


async def unix_socket() -> None:
    await asyncio.open_unix_connection("/tmp/socket")


async def tls() -> None:
    await asyncio.open_connection("b", 443, ssl=True)


async def wait_for_oneself() -> None:
    asyncio.run_coroutine_threadsafe(asyncio.sleep(1.0), asyncio.get_running_loop()).result()


SPAWN = multiprocessing.get_context("spawn")
NOT_SIMULATED: dict[str, tuple[Callable[..., Any], str]] = {
    "time.sleep": (lambda path: time.sleep(1), "time.sleep would stop the simulation"),
    "thread": (lambda path: threading.Thread(target=print).start(), "Threads are not simulated"),
    "subprocess": (lambda path: subprocess.run(["true"], check=False), "Subprocesses are not simulated"),
    "os.system": (lambda path: os.system("true"), "Subprocesses are not simulated"),
    "fork": (lambda path: os.fork(), "Subprocesses are not simulated"),
    "open": (lambda path: (path / "file").open("w"), "Real files are not written"),
    "append": (lambda path: (path / "file").open("ab"), "Real files are not written"),
    "os.open": (lambda path: os.open(path / "file", os.O_CREAT | os.O_RDWR), "Real files are not written"),
    "mkdir": (lambda path: (path / "directory").mkdir(), "Real files are not written"),
    "remove": (lambda path: (path / "file").unlink(), "Real files are not written"),
    "database": (lambda path: sqlite3.connect(path / "data"), "Real databases are not opened"),
    "blocking connection": (lambda path: socket.create_connection(("b", 80)), "Blocking connections"),
    "pair of datagram sockets": (lambda path: socket.socketpair(type=socket.SOCK_DGRAM), "Only pairs of Unix stream"),
    "IPv6": (lambda path: socket.socket(socket.AF_INET6), "Only IPv4"),
    "another loop": (lambda path: asyncio.new_event_loop(), "A host has its event loop"),
    "watching descriptors": (lambda path: asyncio.get_running_loop().add_reader(0, print), "Descriptors"),
    "stopping the loop": (lambda path: asyncio.get_running_loop().stop(), "end the task"),
    "spawned process": (lambda path: SPAWN.Process(target=print).start(), "Subprocesses are not simulated"),
    "pool of threads": (lambda path: ThreadPoolExecutor().submit(print), "Threads are not simulated"),
    "pool of processes": (lambda path: ProcessPoolExecutor().submit(print), "Subprocesses are not simulated"),
    "event of threads": (lambda path: threading.Event().wait(), "No other thread"),
    "queue of threads": (lambda path: queue.Queue[int]().get(timeout=1.0), "No other thread"),
    "waiting for oneself": (wait_for_oneself, "No other thread"),
    "killing": (lambda path: os.kill(os.getpid(), signal.SIGTERM), "Signals are not simulated"),
    "raising a signal": (lambda path: signal.raise_signal(signal.SIGTERM), "Signals are not simulated"),
    "alarm": (lambda path: signal.alarm(1), "Signals are not simulated"),
    "link": (lambda path: os.link(path / "file", path / "other"), "Real files are not written"),
    "symbolic link": (lambda path: (path / "other").symlink_to(path / "file"), "Real files are not written"),
    "rights": (lambda path: (path / "file").chmod(0o600), "Real files are not written"),
    "log": (lambda path: logging.FileHandler(path / "log"), "Real files are not written"),
    "temporary file": (lambda path: tempfile.mkstemp(dir=path), "Real files are not written"),
    "name of an address": (lambda path: socket.gethostbyaddr("127.0.0.1"), "Real connections"),
    "web": (lambda path: urllib.request.urlopen("http://127.0.0.1:9"), "Blocking connections"),
    "selector": (lambda path: selectors.DefaultSelector().select(1.0), "Waiting in a selector"),
    "polling": (lambda path: select.poll().poll(), "Waiting in select.poll"),
    "selecting": (lambda path: select.select([], [], []), "Waiting in select.select"),
    "executor": (in_executor, "Threads and process pools are not simulated"),
    "asyncio subprocess": (subprocess_of_asyncio, "Subprocesses are not simulated"),
    "asyncio shell": (shell, "Subprocesses are not simulated"),
    "unix socket": (unix_socket, "Unix sockets are not simulated"),
    "TLS": (tls, "TLS is not simulated"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX calls")
@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("name", NOT_SIMULATED)
def test_what_cannot_be_simulated_says_so(sim: Simulator, tmp_path: Path, name: str) -> None:
    call, why = NOT_SIMULATED[name]
    (tmp_path / "file").write_text("before")

    async def main() -> None:
        if asyncio.iscoroutinefunction(call):
            await call()
        else:
            call(tmp_path)

    with pytest.raises(NotSimulated, match=why):
        sim.run_until(sim.host("a").create_task(main()))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "before"


def test_light_processes_are_told_too(sim: Simulator, tmp_path: Path) -> None:
    with pytest.raises(NotSimulated, match="Real files"):
        inside_light(sim, lambda: (tmp_path / "file").write_text("x"))
    with pytest.raises(NotSimulated, match="belongs to a host"):
        inside_light(sim, lambda: socket.socket())


def test_reading_files_importing_and_writing_in_memory_are_fine(sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / "fresh_module.py").write_text("value = 7\n")
    sys.path.insert(0, str(tmp_path))
    try:
        assert inside(sim, lambda: __import__("fresh_module").value) == 7
    finally:
        sys.path.remove(str(tmp_path))
    assert inside(sim, lambda: sqlite3.connect(":memory:").close()) is None
    assert inside(sim, lambda: sqlite3.connect("file::memory:?cache=shared", uri=True).close()) is None
    assert inside(sim, lambda: os.kill(os.getpid(), 0)) is None
    assert inside(sim, lambda: queue.Queue[int]().empty()) is True
    assert inside(sim, lambda: Path(os.devnull).open("w").close()) is None


def test_an_observer_may_step_out_into_reality(sim: Simulator, tmp_path: Path) -> None:
    def report() -> float:
        with reality():
            (tmp_path / "report").write_text("half-way")
            real = time.time()
        assert time.time() == EPOCH_S
        return real

    assert inside(sim, report) > EPOCH_S / 2
    assert (tmp_path / "report").read_text() == "half-way"


def test_signals_are_remembered_and_not_installed(sim: Simulator) -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def main() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
        signal.signal(signal.SIGTERM, lambda *_: None)
        assert asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)

    sim.run_until(sim.host("a").create_task(main()))
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_host_knows_its_name_and_the_others(sim: Simulator) -> None:
    sim.host("b")
    assert inside(sim, lambda: socket.gethostname()) == "a"
    assert inside(sim, lambda: socket.getaddrinfo("b", 80, type=socket.SOCK_STREAM)) == [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (sim.host("b").address, 80))
    ]
    with pytest.raises(socket.gaierror):
        inside(sim, lambda: socket.getaddrinfo("nobody", 80))
    with pytest.raises(NotSimulated, match="looked up by hosts"):
        inside_light(sim, lambda: socket.getaddrinfo("b", 80))


def test_asyncio_around_a_run_is_as_it_was() -> None:
    async def outer() -> tuple[object, object]:
        loop = asyncio.get_running_loop()
        with Simulator() as sim:

            async def main() -> bool:
                return asyncio.get_running_loop() is not loop

            different = sim.run_until(sim.host("a").create_task(main()))
        return different, asyncio.get_running_loop() is loop

    assert asyncio.run(outer()) == (True, True)
