"""What holds in all tests: checks of bounds, bytecode, one luck, children that Ctrl-C can stop, a ledger."""

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from helpers.examples import FEW, MANY
from helpers.in_memory import close_all
from helpers.ledger import Ledger
from helpers.left import Place
from windtunnel.collecting import collect_rarely
from windtunnel.lab.running.pool import ONE_THREAD

os.environ.setdefault("NUMBA_BOUNDSCHECK", "1")
# Tests run side by side, as workers do: what several threads of one multiply they mostly wait for.
os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "numba-bounds"))

# Images of containers often forbid bytecode. Some hundred processes are started here: each would compile our sources
# anew, for a second of processor time, and pytest every test in each run.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples in every run, and no clock: a first call may compile a kernel. `make soak` draws many others.
settings.register_profile("deterministic", deadline=None, derandomize=True, max_examples=FEW)
settings.register_profile("many", deadline=None, max_examples=MANY or FEW, print_blob=True)
settings.load_profile("many" if MANY else "deterministic")

# A shell that runs us in the background hands SIGINT down as ignored, and children would inherit that. One that is
# handled is at its default again in a child.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def databases_are_closed() -> Iterator[None]:
    """Those in memory that a test has opened."""
    yield
    close_all()


ORDER = ("tests/test_warm.py", "tests/web", "tests/ui", "tests/lab", "tests/catalogue", "tests/sim")
"""What begins first: one process compiles all kernels, and until it has done so others run what needs few of them.

Two that need the same kernel at the same time both compile it.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> tuple[int, Path]:
        return next((at for at, part in enumerate(ORDER) if item.nodeid.startswith(part)), len(ORDER)), item.path

    items.sort(key=place)


class Backwards(pytest.Dir):
    """A folder whose last file is collected first."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        return reversed(list(super().collect()))


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Let every second worker come from the other end: in a fresh clone each compiles half, and reads the rest.

    Else both compile the same file at the same time, all the way. What is collected is put in one order afterwards.
    """
    second = os.environ.get("PYTEST_XDIST_WORKER", "")[-1:] in tuple("13579")
    return Backwards.from_parent(parent, path=path) if second else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while modules are imported, and never again among what they hold.

    Else each of the many full collections afterwards walks through all modules and test items: seconds of each process.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        collect_rarely()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Ledger(config.rootpath), "ledger")


@pytest.fixture
def place() -> Iterator[Place]:
    """Somewhere for a program that starts servers, where everything that it has is listed before and after."""
    found = Place()
    assert not found.now().anything()
    try:
        yield found
    finally:
        found.close()
