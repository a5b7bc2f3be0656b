"""The same text on threads of this Python: `await` is taken out of it, and the primitives are those of `threading`.

Libraries that serve both worlds are made in the same way (unasync). What is run is what was explored as a model, word
for word; what a step is, is not: there it is a call of a primitive, here an opcode that touches something shared.
"""

from __future__ import annotations

import ast
import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn

from windtunnel.catalogue.concurrency.primitives import drafts, mended, tasks, worlds
from windtunnel.catalogue.concurrency.primitives.size import Sizes
from windtunnel.explore import DPOR, RealThreads, explore, replay

AGAIN = 3
"""How often a schedule that loses is replayed."""
MARK = "<without await> "
PACKAGE = __name__.rpartition(".")[0]


class Guarding:
    """A lock of `threading`, with what it guards as attributes."""

    def __init__(self, inner: Any, values: Mapping[str, Any]) -> None:
        self.inner = inner
        self.__dict__.update(values)

    def acquire(self) -> None:
        """Take it."""
        self.inner.acquire()

    def release(self) -> None:
        """Let it go."""
        self.inner.release()

    def __enter__(self) -> None:
        self.inner.acquire()

    def __exit__(self, *_: object) -> None:
        self.inner.release()


class Threading:
    """The primitives of `threading`, under the names of the models."""

    def lock(self, name: str, **values: Any) -> Guarding:
        """`threading.Lock`."""
        return Guarding(threading.Lock(), values)

    def rlock(self, name: str, **values: Any) -> Guarding:
        """`threading.RLock`."""
        return Guarding(threading.RLock(), values)

    def semaphore(self, name: str, permits: int) -> threading.Semaphore:
        """`threading.Semaphore`."""
        return threading.Semaphore(permits)

    def bounded_semaphore(self, name: str, permits: int) -> threading.Semaphore:
        """`threading.BoundedSemaphore`."""
        return threading.BoundedSemaphore(permits)

    def condition(self, name: str, lock: Guarding) -> threading.Condition:
        """`threading.Condition`."""
        return threading.Condition(lock.inner)

    def event(self, name: str) -> threading.Event:
        """`threading.Event`."""
        return threading.Event()

    def barrier(self, name: str, parties: int) -> threading.Barrier:
        """`threading.Barrier`."""
        return threading.Barrier(parties)

    def fail(self, sentence: str) -> NoReturn:
        """What must not happen has happened."""
        raise AssertionError(sentence)


def without_await(node: Any) -> Any:
    """This piece of a program without `async` and `await`.

    The steps of the model are left out, which are opcodes here, and what this folder's files take from each other.
    """
    match node:
        case ast.Expr(value=ast.Await(value=ast.Call(func=ast.Attribute(attr="touch")))):
            return ast.copy_location(ast.Pass(), node)
        case ast.Await():
            return without_await(node.value)
        case ast.AST():
            fields = {name: without_await(getattr(node, name, None)) for name in node._fields}
            kind: Any = PLAIN.get(type(node), type(node))
            return ast.copy_location(kind(**{name: fields[name] for name in kind._fields}), node)
        case list():
            return [without_await(one) for one in node if not ours(one)]
    return node


def ours(node: Any) -> bool:
    """Whether it takes something from another file of this folder."""
    return isinstance(node, ast.ImportFrom) and str(node.module).startswith(PACKAGE)


PLAIN = {ast.AsyncFunctionDef: ast.FunctionDef, ast.AsyncWith: ast.With, ast.AsyncFor: ast.For}


@cache
def plain(module: Any) -> dict[str, Any]:
    """What a module of this folder defines, without `await`; what it takes from others of them, likewise."""
    known: dict[str, Any] = {}
    if module is not worlds:
        known |= plain(worlds)
    if module not in (worlds, drafts, tasks):
        known |= plain(drafts)
    if module not in (worlds, drafts, tasks, mended):
        known |= plain(mended)
    tree = ast.fix_missing_locations(without_await(ast.parse(inspect.getsource(module))))
    space = {**known, "__name__": f"{module.__name__} without await"}
    exec(compile(tree, MARK + module.__name__.rpartition(".")[2], "exec"), space)
    return space


def traced(file: str) -> bool:
    """Whether threads are stopped there before each opcode that touches what others see."""
    return file.startswith(MARK) or file == __file__


def program(design: type, task: str, p: Sizes) -> RealThreads:
    """A task on threads."""
    yours = plain(sys.modules[design.__module__])[design.__qualname__]
    begins = plain(tasks)["TASKS"][task]

    def make() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        world, threads = begins(yours(None, p), Threading(), p)
        return threads, world.check

    return RealThreads(make, traced)


def found_in(design: type, task: str, p: Sizes, most: int) -> dict[str, Any]:
    """Whether a schedule that loses was found, after how many, replays as it was, or that there is none.

    Nothing is tried in a Python of which it is not known what an opcode touches: hardly two steps commute there.
    """
    threads = program(design, task, p)
    if not threads.exact:
        return {"exact": False}
    looked = explore(threads, DPOR(), most)
    found = looked.failure
    again = [replay(threads, found.tape) for _ in range(AGAIN)] if found is not None else []
    return {
        "found": found is not None,
        "schedules": looked.schedules,
        "steps": looked.steps,
        "replays": found is not None and all(one is not None and one.steps == found.steps for one in again),
        "proved": looked.complete,
        "exact": True,
        "sentence": "" if found is None else found.sentence,
    }
