"""A program of an experiment's own as a process on a pipe, for what is measured on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import FunctionType
from typing import Any

from windtunnel.engines.errors import Unavailable

RUN = """
import contextlib, json, os, runpy, signal, sys, threading, time, types
asked, lines = os.dup(0), os.pipe()
os.dup2(lines[0], 0)
def pass_on():
    while data := os.read(asked, 65536):
        os.write(lines[1], data)
    if hasattr(os, "getpgrp") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
threading.Thread(target=pass_on, daemon=True).start()
def later(hook):
    return lambda *what: (time.sleep(0.2), hook(*what))
sys.excepthook, threading.excepthook = later(sys.excepthook), later(threading.excepthook)
with contextlib.suppress(ImportError):
    import resource
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
_, file, told, design = sys.argv
told, design = json.loads(told), json.loads(design)
begun = runpy.run_path(file)["begin"]
if design:
    module = sys.modules[design["module"]] = types.ModuleType(design["module"])
    module.__file__ = design["file"]
    exec(compile(design["text"], design["file"], "exec"), module.__dict__)
    heard = begun(told, getattr(module, design["name"])())
else:
    heard = begun(told)
for line in sys.stdin:
    print(json.dumps(heard(*json.loads(line))), flush=True)
os._exit(0)
"""
"""Runs a program, and ends it at once when its input ends, whatever it does just then: where it is the first of a group
of processes, with what it has forked. What it cannot handle is told a little later: where another of our processes has
gone first, and this one is about to, nobody needs to hear of that. It may have as many descriptors as the system lets
it. Where processes have no groups (Windows) what it has forked is its own affair."""
STARTING: ContextVar[bool] = ContextVar("windtunnel_child", default=False)
"""Whether a process is being started or ended by us; what a design does itself may be denied."""


@contextlib.contextmanager
def ours() -> Iterator[None]:
    """What is started or ended in it is of the harness's making."""
    token = STARTING.set(True)
    try:
        yield
    finally:
        STARTING.reset(token)


def as_text(design: object) -> dict[str, str]:
    """The text of the file in which a design's class stands, so that a process that imports nothing of ours has it.

    That of a file which somebody has changed while it was loaded, where the class says so (`__text__`).
    """
    made = type(design)
    of = [f.__globals__ for f in vars(made).values() if isinstance(f, FunctionType)]
    known = of[0] if of else vars(sys.modules[made.__module__])
    file = str(known["__file__"])
    text = vars(made).get("__text__") or Path(file).read_text("utf-8")
    return {"module": made.__module__, "name": made.__qualname__, "file": file, "text": text}


class Child:
    """A process that runs a file, whose `begin(told)` returns what answers each line that is asked for.

    Lines are JSON, on its standard input and output: `["window", 3]` asks for `heard("window", 3)`.

    It has no folder and no guard: it ends when its input does, so it dies with us, also by `kill -9`. The program is
    the caller's, imports what it likes and pays for nothing of ours.

    Args:
        name: for sentences.
        file: the program.
        told: what it has to know.
        design: whose class, made once more without arguments, `begin(told, design)` is given there. The file in which
            it stands is run in that process, so it should import little.
    """

    def __init__(self, name: str, file: Path, told: Mapping[str, Any], design: object = None) -> None:
        self.name = name
        given = None if design is None else as_text(design)
        with ours():
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", RUN, str(file), json.dumps(told), json.dumps(given)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we end it
            )

    async def ask(self, *what: Any) -> Any:
        """Its answer; one question at a time. Raises Unavailable where it has ended."""
        return await asyncio.get_running_loop().run_in_executor(None, self._asked, what)

    def _asked(self, what: tuple[Any, ...]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except (OSError, ValueError):
            line = b""
        if not line:
            raise Unavailable(f"The process {self.name} ended before it had answered {what[0]}.")
        return json.loads(line)

    async def close(self) -> None:
        """End it with what it has forked, and wait until it is gone."""
        if self._process.returncode is None:  # else its number may be another's by now
            with contextlib.suppress(OSError), ours():  # some systems let nobody end who has ended
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not yet sent has nobody to read it
                    pipe.close()
